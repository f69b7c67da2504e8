/** Fifth part of `ask.js`: in place of a frame that waits, a few words and two buttons. */

/** @type {Set<() => void>} */
const frameUpdates = new Set();

/** Gives each waiting frame its placeholder. */
const holdFrames = () => {
  for (const frame of document.querySelectorAll("iframe[data-consent][data-src]")) {
    const { dataset } = /** @type {HTMLIFrameElement} */ (frame);
    const { consent: id = "", src = "" } = dataset;
    if (dataset.consentState || !asked.includes(id)) continue;
    dataset.consentState = "waits";
    const { width, height } = frame.getBoundingClientRect();
    const { css, theme, labels, purposes } = banner;
    const holder = document.createElement("consent-frame");
    holder.setAttribute("theme", root.dataset.consentTheme || theme);
    const shadow = holder.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [sheet(css)];
    const part = document.createElement("div");
    part.className = "frame";
    part.style.inlineSize = width + "px";
    part.style.minBlockSize = height + "px";
    const text = document.createElement("p");
    text.id = "text";
    text.textContent = labels.frame_text
      .replace("{host}", new URL(src, document.baseURI).host)
      .replace("{purpose}", purposes[id]);
    part.append(text);
    for (const [value, label] of [["once", labels.frame_once], ["always", labels.frame_always]]) {
      const button = document.createElement("button");
      button.value = value;
      button.textContent = label;
      button.className = "answer";
      button.setAttribute("aria-describedby", "text");
      part.append(button);
    }
    part.addEventListener("click", (event) => {
      const { value } = /** @type {HTMLButtonElement} */ (event.target);
      if (!value || !event.isTrusted) return;
      if (value === "always")
        decide(event, { [id]: "granted" }, "first").catch((error) => complain("not recorded", error));
      else {
        // This one, this time: nothing is remembered, and the others go on waiting.
        at.ran.push(id);
        delete dataset.consent;
        frame.setAttribute("src", src);
        update();
      }
    });
    const update = () => {
      if (dataset.consent) return;
      holder.remove();
      /** @type {HTMLElement} */ (frame).hidden = false;
      frameUpdates.delete(update);
    };
    frameUpdates.add(update);
    shadow.append(part);
    /** @type {HTMLElement} */ (frame).hidden = true;
    frame.before(holder);
    update();
  }
};
