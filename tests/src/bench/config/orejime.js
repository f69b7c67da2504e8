// As the documentation of orejime 3 says.
window.orejimeConfig = {
  privacyPolicyUrl: "/privacy",
  purposes: [
    { id: "audience", title: "Audience", description: "Seeing which pages are read." },
    { id: "news", title: "News", description: "Sending you news by e-mail." },
  ],
};
