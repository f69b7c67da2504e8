/**
 * The stub: the only script that every page view runs, as `consent.js` or inside the page.
 *
 * In one synchronous pass it reads the visitor's choice from one cookie, releases what the page
 * marked and is allowed, and offers `window.consent`. A refusal counts here at once and survives
 * the page. Everything else (writing, sending, deleting, banner, preferences) is `ask.js`, loaded
 * when it is needed: so a return visit runs this and nothing more.
 */
(() => {
  // Taken before any other script can replace them. Captured names also minify.
  const { document } = window;

  /** @param {...unknown} what */
  const complain = (...what) => console.warn("consent:", ...what);

  // Not `window.consent`: an element with that id would be found there.
  if (Object.hasOwn(window, "consent")) return complain("loaded twice");

  const config = __CONSENT_CONFIG__;
  const { base, asked } = config;
  const ids = asked.concat(config.interests);

  /** @param {(event: any) => void} listener @param {...string} kinds */
  const on = (listener, ...kinds) => kinds.map((kind) => addEventListener(kind, listener));

  /**
   * Where a page may not read cookies or storage, there are none.
   * @template T @param {() => T} task @returns {T | undefined}
   */
  const attempt = (task) => {
    try {
      return task();
    } catch {}
  };
  /** Reads an entry of storage. @param {string} key */
  const entry = (key) => attempt(() => localStorage.getItem(key));
  const receipt = () => at.latest || entry("consent.receipt");
  const PENDING = "consent.pending";

  // ---- state -------------------------------------------------------------------------------

  // #region cookie
  /**
   * Finds the choice among all cookies; the format is described in `consent-core/src/cookie.rs`.
   * @param {string} cookies
   * @returns {any[]} the policy, the minute until which it counts, and the letters; nothing, unless
   *   it is exactly the format
   */
  const decode = (cookies) => {
    const [, policy, until, letters] =
      /(?:^|; )consent=1\.([1-9]\d{0,9})\.([0-9a-z]{1,8})\.([gr-]*)(?:;|$)/.exec(cookies) || [];
    return +policy <= config.policy ? [+policy, parseInt(until, 36), letters] : [];
  };
  // #endregion


  /** @type {At} In memory: it works where cookies are blocked. */
  const at = { letters: "-".repeat(ids.length), until: 0, chosen: 0, ran: [] };

  /** @type {Consent["allows"]} */
  const allows = (id) => {
    const letter = at.letters[ids.indexOf(id)];
    return asked.includes(id) ? letter === "g" && at.until > Date.now() / 6e4 : letter === "-";
  };

  /** @type {Stub["asks"]} Whoever sends a signal has answered already, and is not asked. */
  const asks = () =>
    !config.signals.some((name) => navigator[name] == 1) &&
    asked.some((_, i) => at.letters[i] === "-" || at.until < Date.now() / 6e4);

  /** What is refused, and not delivered yet, is refused whatever the cookie says. */
  const refused = () => "r".repeat(asked.length) + at.letters.slice(asked.length);

  /** Takes over what the cookie says. @param {Event} [event] */
  const recall = (event) => {
    const [policy, until, found] = attempt(() => decode(document.cookie)) || [];
    if (until > Date.now() / 6e4) {
      at.chosen = policy;
      if (found.length === ids.length) {
        const letters = ids.map((_, i) => (policy < config.since[i] ? "-" : found[i])).join("");
        // Another tab changed it.
        if (event && letters !== at.letters) return ask("apply", letters, until);
        at.letters = letters;
        at.until = until;
      }
    }
  };

  // ---- what waits for consent --------------------------------------------------------------

  /** @param {string} text */
  const same = (text) => text;
  const rules = { createHTML: same, createScript: same, createScriptURL: same };
  /** For what the site itself wrote, or its consent server rendered. @type {any} */
  const trusted = window.trustedTypes?.createPolicy("consent", rules) || rules;

  /** @type {Promise<void>} */
  const parsed = new Promise((done) =>
    document.readyState === "loading" ? on(done, "DOMContentLoaded") : done(),
  );
  let queue = Promise.resolve();
  /** What a parser would leave for later. @type {Promise<any>} */
  let later = parsed;

  /**
   * Runs scripts as a parser would: in order, each one finished before the next.
   * @param {HTMLScriptElement[]} scripts
   */
  const run = async (scripts) => {
    for (const inert of scripts) {
      const script = document.createElement("script");
      script.async = false;
      for (const { name, value } of inert.attributes)
        if (name === "src") script.src = trusted.createScriptURL(value);
        else if (name !== "type") script.setAttribute(name.replace("data-type", "type"), value);
      script.nonce = inert.nonce;
      script.text = trusted.createScript(inert.text);
      const waits = script.src && !script.async && !script.noModule;
      const put = () => {
        inert.replaceWith(script);
        // Of others nothing would ever tell that they are done.
        return (
          waits &&
          script.isConnected &&
          new Promise((done) => (script.onload = script.onerror = done))
        );
      };
      if (script.type === "module" || (waits && script.defer)) later = later.then(put);
      else await put();
    }
  };

  /** @type {Stub["release"]} */
  const release = () => {
    for (const node of /** @type {any} */ (document.querySelectorAll("[data-consent]"))) {
      const { dataset } = node;
      const id = dataset.consent;
      if (!allows(id)) {
        if (dataset.src) ask("frames");
      } else if (node.nextSibling || document.readyState !== "loading") {
        // A node that nothing follows may still be being parsed.
        at.ran.push(id);
        // Once only: it waits no longer.
        delete dataset.consent;
        for (const name of ["srcset", "src", "href"])
          if (dataset[name]) node.setAttribute(name, dataset[name]);
        const content = node.content && document.importNode(node.content, true);
        const scripts = content
          ? [...content.querySelectorAll("script")]
          : "noModule" in node
            ? [node]
            : [];
        if (content) {
          for (const script of scripts) {
            script.dataset.type = script.type;
            script.type = "text/plain";
          }
          node.after(content);
        }
        queue = queue.then(() => run(scripts));
      }
    }
  };

  // ---- everything else ---------------------------------------------------------------------

  /** @type {Promise<any>} */
  let loading;
  /**
   * Loads `ask.js`, with the banner in it: one answer to wait for, and to read. Once, since
   * browsers do not load a module again that failed.
   */
  const load = () =>
    import(`${base}/ask.js?lang=${document.documentElement.lang}&since=${at.chosen}`)
      .then(({ ask }) => ask(stub))
      .catch((error) => complain("no banner, no preferences", error));
  /** Has it do something. @param {keyof Ask} [what] @param {...any} given */
  const ask = async (what, ...given) =>
    (await (loading ||= load()))?.[/** @type {string} */ (what)]?.(...given);

  /** @type {Consent["refuse"]} */
  const refuse = () => {
    // Durable before anything else. The letters before say what is to be delivered.
    const before = (at.pending = at.letters);
    attempt(() => localStorage.setItem(PENDING, before));
    at.letters = refused();
    ask("refused");
  };

  /** @type {Stub} */
  const stub = { config, allows, asks, release, refuse, trusted, at };

  Object.defineProperty(window, "consent", {
    value: Object.freeze({
      allows,
      open: () => ask("open"),
      refuse,
      withdraw: refuse,
      receipt,
    }),
  });

  recall();
  // Before anything else, because this is waited for.
  if (asks()) ask();
  if ((at.pending = entry(PENDING))) at.letters = refused();
  release();
  new MutationObserver(release).observe(document, { childList: true, subtree: true });
  parsed.then(release);
  on(recall, "storage", "visibilitychange", "pageshow");
  on((event) => {
    const opens = event.target.closest?.("[data-consent-open]");
    const withdraws = event.target.closest?.("[data-consent-withdraw]");
    if (!opens && !withdraws) return;
    if (event.type !== "click") return ask("prepare");
    event.preventDefault();
    if (opens) ask("open", opens);
    else refuse();
  }, "pointerover", "focusin", "click");

  // Without a choice that lives, nothing may name this browser.
  if (at.pending || (!at.chosen && receipt())) ask();
})();
