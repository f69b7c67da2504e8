/** Sixth part of `ask.js`: opens the preferences, and does for them what needs network or storage. */

let notice = once(() => load("notice", banner.language));
const panel = once(async () => {
  const style = fetch(site.files + "/panel.css").then((response) => response.text());
  const [module] = await Promise.all([import(site.files + "/consent_widget.js"), notice()]);
  await module.default();
  return [module, sheet(await style)];
});

/** @type {Ask["open"]} */
const showPanel = async (from) => {
  if (panelIsOpen) return;
  panelIsOpen = true;
  try {
    const [module, style] = await panel();
    await attach();
    const { shadowRoot } = /** @type {any} */ (host);
    if (!shadowRoot.adoptedStyleSheets.includes(style)) shadowRoot.adoptedStyleSheets.push(style);
    const [name] = config.signals.filter((name) => navigator[name] == 1);
    module.open(mount, await notice(), {
      choices: Object.fromEntries(asked.map((id) => [id, allows(id) ? "granted" : "refused"])),
      // As it is when it is asked for: an objection counts even if saving failed after it.
      get objected() {
        return interests.filter((id) => !allows(id));
      },
      signal: (name && asked.some((_, i) => at.letters[i] === "-") && site.signals[name][1]) || null,
      receipt: receipt() || null,
      /** @type {(event: Event, what: "accept" | "refuse" | Choices) => Promise<void>} */
      decide: (event, what) => decide(event, what, "preferences"),
      async history() {
        const held = receipt();
        if (!held) return [];
        const headers = { Authorization: "Bearer " + held };
        const found = await fetch(`${base}/me?lang=${banner.language}`, { headers }).then(must);
        return found.decisions;
      },
      /** @param {string} jws */
      async verify(jws) {
        const headers = { "Content-Type": "application/json" };
        const body = JSON.stringify({ receipt: jws });
        const found = await fetch(site.verify, { method: "POST", headers, body }).then(must);
        return found.valid;
      },
      /** @param {string} jws */
      save(jws) {
        const link = document.createElement("a");
        link.href = URL.createObjectURL(new Blob([jws]));
        link.download = "receipt.jws";
        link.click();
      },
      /** @param {string} tag */
      async speak(tag) {
        const [words, shown] = await Promise.all([load("notice", tag), load("banner", tag)]);
        notice = async () => words;
        banner = shown;
        if (box.firstChild) show();
        return words;
      },
      closed() {
        panelIsOpen = false;
        if (from?.isConnected) from.focus();
        detach();
      },
    });
  } catch (error) {
    panelIsOpen = false;
    complain("no preferences", error);
    fault(true);
  }
};
