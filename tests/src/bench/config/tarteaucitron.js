// As the documentation of tarteaucitron says, with two services of one's own.
for (const [key, name, type] of [["audience", "Audience", "analytic"], ["news", "News", "other"]])
  tarteaucitron.services[key] = {
    key, name, type, needConsent: true, cookies: [], uri: "", js() {}, fallback() {},
  };
tarteaucitron.init({
  privacyUrl: "",
  bodyPosition: "bottom",
  hashtag: "#tarteaucitron",
  cookieName: "tarteaucitron",
  orientation: "middle",
  groupServices: false,
  showDetailsOnClick: true,
  serviceDefaultState: "wait",
  showAlertSmall: false,
  cookieslist: false,
  showIcon: true,
  iconPosition: "BottomRight",
  adblocker: false,
  DenyAllCta: true,
  AcceptAllCta: true,
  highPrivacy: true,
  handleBrowserDNTRequest: false,
  removeCredit: false,
  moreInfoLink: true,
  useExternalCss: false,
  useExternalJs: false,
  mandatory: true,
  mandatoryCta: true,
});
(tarteaucitron.job = tarteaucitron.job || []).push("audience");
(tarteaucitron.job = tarteaucitron.job || []).push("news");
