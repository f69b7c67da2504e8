// As the annotated configuration of klaro says, with what it does not need left out.
var klaroConfig = {
  version: 1,
  acceptAll: true,
  lang: "en",
  translations: {
    en: {
      consentNotice: {
        description: "We would like to measure our audience and to send you news. If you refuse, nothing else changes.",
      },
      audience: { title: "Audience", description: "Seeing which pages are read." },
      news: { title: "News", description: "Sending you news by e-mail." },
    },
  },
  services: [
    { name: "audience", purposes: ["analytics"] },
    { name: "news", purposes: ["marketing"] },
  ],
};
