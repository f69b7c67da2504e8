/** Third part of `ask.js`: the element in the page, and the banner in it. */

/** Runs `task` once, and again only after it failed.
 * @template T @param {() => Promise<T>} task @returns {() => Promise<T>} */
const once = (task) => {
  /** @type {Promise<T> | undefined} */
  let result;
  return () =>
    (result ||= task().catch((error) => {
      result = undefined;
      throw error;
    }));
};
/** @param {string} what @param {string} language */
const load = (what, language) =>
  fetch(`${base}/${what}?lang=${language}&since=${at.chosen}`).then(must);

/** @param {string} text */
const sheet = (text) => {
  const made = new CSSStyleSheet();
  made.replaceSync(text);
  return made;
};

/** The element in the page, and the two parts of its shadow root. @type {HTMLElement | null} */
let host = null;
const box = document.createElement("div");
const mount = document.createElement("div");
let panelIsOpen = false;

/** Puts the element into the page, before everything else, so that Tab reaches it first. */
const attach = async () => {
  while (!document.body) await new Promise(requestAnimationFrame);
  if (host) return;
  host = document.createElement("consent-banner");
  const shadow = host.attachShadow({ mode: "open" });
  shadow.adoptedStyleSheets = [sheet(banner.css)];
  shadow.append(box, mount);
  const wanted = root.dataset.consentTheme || banner.theme;
  host.setAttribute("theme", wanted);
  host.setAttribute("position", root.dataset.consentPosition || banner.position);
  document.body.prepend(host);
  // Only what is in the page has a style to be read.
  if (wanted === "page") follow(host);
};

/** A page that replaces its body, or throws the element out, gets it back; not for ever. */
let returns = 3;
new MutationObserver(() => {
  if (!host || host.isConnected || !document.body || returns < 0) return;
  if (returns--) document.body.prepend(host);
  else complain("the page removes the banner; nothing is allowed");
}).observe(root, { childList: true, subtree: true });

const detach = () => {
  if (!host || box.firstChild || panelIsOpen) return;
  host.remove();
  host = null;
};

const hide = () => {
  box.textContent = root.style.scrollPaddingBottom = root.style.paddingBottom = "";
  detach();
};

/** @param {boolean} is */
const fault = (is) => {
  /** @type {HTMLElement | null} */
  const error = box.querySelector(".error");
  if (error) error.hidden = !is;
};

const show = async () => {
  try {
    await attach();
    if (!asks()) return detach();
    box.innerHTML = trusted.createHTML(banner.html);
    // Once it is painted, since measuring it before would keep it waiting.
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    if (!box.firstChild) return;
    if (!isFair()) {
      // Whatever the page did to the look of the answers is undone.
      complain("the page's theme is not used: both answers must look alike, and be legible");
      plain();
    }
    // Keeps what is focused out from under the banner (WCAG 2.2, 2.4.11).
    const { offsetTop } = /** @type {HTMLElement} */ (box.firstChild);
    root.style.scrollPaddingBottom = innerHeight - offsetTop + "px";
  } catch (error) {
    complain("no banner, nothing allowed", error);
  }
};

box.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("button");
  // The second click of a double click is no second decision.
  if (!button || event.detail > 1) return;
  fault(false);
  if (button.value === "customize") showPanel(button);
  else decide(event, /** @type {any} */ (button.value), "first").catch(() => fault(true));
});

// At the end of the page there is nothing left to scroll. Room is made only when it is needed,
// because a page that becomes longer may get a scroll bar.
addEventListener("focusin", () => {
  root.style.paddingBottom = root.style.scrollPaddingBottom;
});

/** Hides the banner once nothing is asked any more. */
const settle = () => {
  if (!asks()) hide();
  for (const update of frameUpdates) update();
};
