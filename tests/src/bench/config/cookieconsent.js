// As the documentation of vanilla-cookieconsent 3 says.
import "/npm/vanilla-cookieconsent/dist/cookieconsent.umd.js";

CookieConsent.run({
  // A browser that is driven counts as one.
  hideFromBots: false,
  categories: { necessary: { enabled: true, readOnly: true }, analytics: {}, marketing: {} },
  language: {
    default: "en",
    translations: {
      en: {
        consentModal: {
          title: "Your choices",
          description: "We would like to measure our audience and to send you news. If you refuse, nothing else changes.",
          acceptAllBtn: "Accept all",
          acceptNecessaryBtn: "Reject all",
          showPreferencesBtn: "Manage preferences",
        },
        preferencesModal: {
          title: "Your choices",
          acceptAllBtn: "Accept all",
          acceptNecessaryBtn: "Reject all",
          savePreferencesBtn: "Save",
          closeIconLabel: "Close",
          sections: [
            { title: "Necessary", description: "Always on.", linkedCategory: "necessary" },
            { title: "Audience", description: "Seeing which pages are read.", linkedCategory: "analytics" },
            { title: "News", description: "Sending you news by e-mail.", linkedCategory: "marketing" },
          ],
        },
      },
    },
  },
});
