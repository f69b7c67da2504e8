/**
 * First part of `ask.js`: what this browser remembers, and making a change of it count.
 *
 * The parts of this folder are one module, joined by the build in the order in which the widget's
 * README lists them. They share what is declared at their top level. `stub` is what the stub gave.
 */

const { config, at, allows, asks, trusted } = stub;
/** What the server knows of the site. */
const site = __CONSENT_SITE__;
/** What is shown, until another language is chosen. */
let banner = __CONSENT_BANNER__;
const { base, asked, interests } = config;
const ids = asked.concat(interests);
const root = document.documentElement;

// As in the stub, which has no byte to spare for handing them over.
/** @param {...unknown} what */
const complain = (...what) => console.warn("consent:", ...what);
/** @template T @param {() => T} task @returns {T | undefined} */
const attempt = (task) => {
  try {
    return task();
  } catch {}
};

const RECEIPT = "consent.receipt";
const PENDING = "consent.pending";

/**
 * Reads, writes (a text) or removes (null) an entry of storage. Blocked storage is empty storage.
 * @param {"localStorage" | "sessionStorage"} area
 * @param {string} key
 * @param {string | null} [value]
 */
const entry = (area, key, value) =>
  attempt(() => {
    const storage = window[area];
    if (value) storage.setItem(key, value);
    else if (value === null) storage.removeItem(key);
    return storage.getItem(key);
  });

// An image named "cookie" would stand before the property of that name.
const jar = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
/** Reads all cookies, or writes one. @param {string} [text] @returns {string} */
const cookies = (text) =>
  attempt(() => {
    if (text) jar?.set?.call(document, text);
    return jar?.get?.call(document);
  }) || "";

const minutes = () => Date.now() / 6e4;
const granted = () => at.letters.slice(0, asked.length).includes("g");
const receipt = () =>
  at.latest || entry("localStorage", RECEIPT) || entry("sessionStorage", RECEIPT);

/** Deletes what some purposes declare, wherever a page can have put it. @param {string[]} some */
const forget = (some) => {
  const names = some.flatMap((id) => site.cookies[ids.indexOf(id)]);
  /** @param {string} key */
  const declared = (key) =>
    names.some((name) => (name.endsWith("*") ? key.startsWith(name.slice(0, -1)) : key === name));
  const labels = location.hostname.split(".");
  const steps = location.pathname.split("/");
  for (const pair of cookies().split("; ")) {
    const name = pair.split("=")[0];
    if (declared(name))
      for (const domain of ["", ...labels.map((_, i) => ";domain=" + labels.slice(i).join("."))])
        steps.forEach((_, i) => {
          const path = `${name}=;max-age=0${domain};path=${steps.slice(0, i + 1).join("/")}`;
          cookies(path);
          cookies(path + "/");
        });
  }
  attempt(() => {
    for (const storage of [localStorage, sessionStorage])
      for (const key of Object.keys(storage)) if (declared(key)) storage.removeItem(key);
    for (const name of names) indexedDB.deleteDatabase(name);
  });
};

/**
 * Makes a state count: cookie, deletion, release, event.
 * @param {string} letters
 * @param {number} until  minutes since 1970
 * @param {string} [from]  the letters before, if they are not those of now
 * @returns {boolean} whether something runs in this page that only a new page stops
 */
const apply = (letters, until, from = at.letters) => {
  at.letters = from;
  const before = ids.filter(allows);
  at.letters = letters;
  at.until = until;
  const value = `consent=1.${config.policy}.${until.toString(36)}.${letters}`;
  // The server's own cookie outlives one written by a script, so it is left alone.
  if (!cookies().includes(value)) {
    const secure = location.protocol === "https:" ? ";Secure" : "";
    const seconds = Math.round((until - minutes()) * 60);
    cookies(`${value};path=/;max-age=${seconds};SameSite=Lax${secure}`);
    if (!cookies().includes(value)) complain("cookies are blocked, so the choice ends with this page");
  }
  const now = ids.filter(allows);
  const withdrawn = before.filter((id) => !now.includes(id));
  forget(withdrawn);
  if (!granted()) entry("localStorage", RECEIPT, null);
  // Tells other tabs: cookies alone tell nobody.
  entry("localStorage", "consent.change", "1");
  entry("localStorage", "consent.change", null);
  stub.release();
  settle();
  const event = new CustomEvent("consent:change", {
    cancelable: true,
    detail: { granted: now.filter((id) => !before.includes(id)), withdrawn },
  });
  return (
    letters !== from &&
    document.dispatchEvent(event) &&
    withdrawn.some((id) => at.ran.includes(id))
  );
};
