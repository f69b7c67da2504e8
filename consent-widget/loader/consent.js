/**
 * The loader: the only script that every page of a site runs.
 *
 * It remembers the visitor's choice, releases what the page marked as waiting for consent, shows
 * the banner where a choice is missing and opens the preferences panel. All network, cookie and
 * storage access of the widget is here. On a return visit it reads one cookie and loads nothing.
 *
 * The server replaces the one placeholder by the site's configuration:
 *
 * @typedef {object} Config
 * @property {string} base       Address of the site's routes, without a final slash.
 * @property {string} app        Address of the panel's glue; its WASM lies beside it.
 * @property {number} policy     Number of the policy in force.
 * @property {number} since      Number of the oldest policy whose choices still stand.
 * @property {number} months     How long a choice is remembered.
 * @property {string[]} languages  The first is the default.
 * @property {{id: string, cookies: string[]}[]} purposes  Those asked for, in policy order.
 *
 * @typedef {"granted" | "refused"} Choice
 * @typedef {Record<string, Choice>} Choices
 * @typedef {{policy: number, until: number, letters: string}} State  `until` in minutes of Unix
 *   time; one letter for each purpose: g granted, r refused, - not asked.
 */
(() => {
  // Taken before any other script can replace them. Captured names also minify.
  const { document, location, fetch, Date, console } = window;
  const root = document.documentElement;

  // Not `window.consent`: an element with that id would be found there.
  if (Object.hasOwn(window, "consent")) return;

  /** @type {Config} */
  const { base, app, policy, since, months, languages, purposes } = __CONSENT_CONFIG__;
  const ids = purposes.map((purpose) => purpose.id);
  /** An object with one value for each of some purposes. */
  const record = (some, value) => Object.fromEntries(some.map((id) => [id, value(id)]));
  const on = (kinds, listener, target = window) =>
    kinds.split(" ").forEach((kind) => target.addEventListener(kind, listener));
  const spell = (letter) => ids.map(letter).join("");
  const without = (some, others) => some.filter((id) => !others.includes(id));
  const create = (name) => document.createElement(name);

  // #region cookie
  /**
   * Reads a cookie's value; the format is described in `consent-core/src/cookie.rs`.
   * @param {string} value
   * @returns {State | null | false} nothing, unless it is exactly the format
   */
  const decode = (value) => {
    const parts = /^1\.([1-9]\d{0,9})\.([0-9a-z]{1,8})\.([gr-]*)$/.exec(value);
    return (
      parts &&
      +parts[1] < 2 ** 32 && { policy: +parts[1], until: parseInt(parts[2], 36), letters: parts[3] }
    );
  };
  /** @param {State} state */
  const encode = ({ policy, until, letters }) => `1.${policy}.${until.toString(36)}.${letters}`;
  // #endregion

  const minutes = () => Date.now() / 6e4;

  const LOCAL = "localStorage";
  const SESSION = "sessionStorage";
  const RECEIPT = "consent.receipt";
  const PENDING = "consent.pending";

  /**
   * Reads, writes (a text) or removes (null) an entry. Blocked storage is empty storage.
   * @param {"localStorage" | "sessionStorage"} area
   */
  const entry = (area, key, value) => {
    try {
      const storage = window[area];
      if (value) storage.setItem(key, value);
      else if (value === null) storage.removeItem(key);
      return storage.getItem(key);
    } catch {
      return null;
    }
  };

  /** Reads all cookies, or writes one. */
  const cookie = (text) => {
    try {
      if (text) document.cookie = text;
      return document.cookie;
    } catch {
      return "";
    }
  };
  const remembered = () => /(?:^|; )consent=([^;]*)/.exec(cookie())?.[1];

  // ---- state -------------------------------------------------------------------------------

  /** One letter for each purpose. Kept in memory: it works where cookies are blocked. */
  let letters = spell(() => "-");
  let until = 0;
  /** Whether a change is one for the page, and not the state that it starts with. */
  let started;
  /** The last receipt of this page. @type {string | null} */
  let latest = null;
  /** Purposes of which something ran in this page: only a reload stops it. */
  const ran = new Set();

  const allows = (id) => letters[ids.indexOf(id)] === "g" && until > minutes();
  const granted = () => ids.filter(allows);
  const asks = () => letters && (letters.includes("-") || until < minutes());
  const receipt = () => entry(LOCAL, RECEIPT) || latest || entry(SESSION, RECEIPT);

  /** Deletes the declared cookies of some purposes, on every domain and path a page can set. */
  const forget = (some) => {
    const names = purposes.flatMap(({ id, cookies }) => (some.includes(id) ? cookies : []));
    const labels = location.hostname.split(".");
    const steps = location.pathname.split("/");
    for (const pair of cookie().split("; ")) {
      const [name] = pair.split("=");
      if (!names.some((n) => (n.endsWith("*") ? name.startsWith(n.slice(0, -1)) : n === name)))
        continue;
      for (const domain of ["", ...labels.map((_, i) => ";domain=" + labels.slice(i).join("."))])
        steps.forEach((_, i) => {
          const path = `${name}=;max-age=0${domain};path=${steps.slice(0, i + 1).join("/")}`;
          cookie(path);
          cookie(path + "/");
        });
    }
  };

  /**
   * Makes a state count: cookie, release, event.
   * @returns {boolean} whether to reload, because something withdrawn runs in this page
   */
  const apply = (next, end) => {
    const before = granted();
    const changed = next !== letters;
    letters = next;
    until = end;
    const value = encode({ policy, until, letters });
    // The server's own cookie outlives one written by a script, so it is left alone.
    if (remembered() !== value)
      cookie(
        `consent=${value};path=/;max-age=${Math.round((until - minutes()) * 60)};SameSite=Lax` +
          (location.protocol === "https:" ? ";Secure" : ""),
      );
    const now = granted();
    const withdrawn = without(before, now);
    forget(withdrawn);
    if (!now.length) entry(LOCAL, RECEIPT, null);
    release();
    return (
      changed &&
      started &&
      document.dispatchEvent(
        new CustomEvent("consent:change", {
          cancelable: true,
          detail: { granted: without(now, before), withdrawn },
        }),
      ) &&
      withdrawn.some((id) => ran.has(id))
    );
  };

  // ---- what waits for consent --------------------------------------------------------------

  const same = (text) => text;
  const rules = { createHTML: same, createScript: same, createScriptURL: same };
  /** For what the site itself wrote, or its consent server rendered. */
  const trusted = window.trustedTypes?.createPolicy("consent", rules) || rules;

  let queue = Promise.resolve();

  /** Runs scripts as a parser would: in order, each external one finished before the next. */
  const run = async (scripts) => {
    for (const inert of scripts) {
      // Nothing would ever tell that such a script is done.
      if (!inert.isConnected || inert.noModule) continue;
      const script = create("script");
      for (const { name, value } of inert.attributes)
        if (name === "src") script.src = trusted.createScriptURL(value);
        else if (name === "data-type") script.type = value;
        else if (name !== "type") script.setAttribute(name, value);
      script.nonce = inert.nonce;
      script.async = inert.hasAttribute("async");
      script.text = trusted.createScript(inert.text);
      const loaded =
        script.src &&
        !script.async &&
        new Promise((done) => on("load error", done, script));
      inert.replaceWith(script);
      await loaded;
    }
  };

  const release = () => {
    for (const node of document.querySelectorAll(
      'template[data-consent],script[data-consent][type="text/plain"]',
    ))
      // A node that nothing follows may still be being parsed.
      if (allows(node.dataset.consent) && (node.nextSibling || document.readyState !== "loading"))
        queue = queue.then(() => {
          const id = node.dataset.consent;
          if (!allows(id)) return;
          ran.add(id);
          // Once only: it waits no longer.
          delete node.dataset.consent;
          if (!node.content) return run([node]);
          const content = document.importNode(node.content, true);
          const scripts = [...content.querySelectorAll("script")];
          for (const script of scripts) {
            if (script.type) script.dataset.type = script.type;
            script.type = "text/plain";
          }
          node.after(content);
          return run(scripts);
        });
  };

  // ---- decisions ---------------------------------------------------------------------------

  const spoken = () => root.lang || navigator.language;
  let language = languages.find((known) => spoken().startsWith(known)) || languages[0];
  /** Counts decisions: an answer that arrives after a newer decision grants nothing. */
  let turn = 0;

  const must = (response) => {
    if (!response.ok) throw Error(response.status);
    return response.json();
  };
  const complain = (what, error) => console.warn(`consent: ${what}: ${error.message}`);

  const address = (...content) => URL.createObjectURL(new Blob(content));
  // Every such address ends in a new random UUID; `crypto.randomUUID` is not there on plain HTTP.
  const uuid = () => address().slice(-36);

  /**
   * Sends a decision. What is pending is forgotten once it is answered for good, unless a newer
   * one took its place.
   */
  const send = ([body, key], pending) =>
    fetch(base + "/decisions", {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": key },
      body: JSON.stringify(body),
      keepalive: true,
    }).then((response) => {
      if (response.status < 500 && response.status !== 429 && entry(LOCAL, PENDING) === pending)
        entry(LOCAL, PENDING, null);
      return must(response);
    });

  /**
   * Records a decision. A refusal counts at once; a grant when the server has recorded it.
   * @param {Choices} choices  for every purpose asked
   * @param {string} method
   * @returns {Promise<void>} rejected when something was to be granted and is not
   */
  const decide = async (choices, method) => {
    const mine = ++turn;
    const wants = (id) => choices[id] === "granted";
    const refused = ids.filter((id) => !wants(id));
    const grants = refused.length < ids.length;
    const before = granted().length;
    const body = { policy, choices, method: before && !grants ? "withdrawal" : method, language };
    // Proves to be the subject of what was granted before. A refusal alone has no subject.
    const previous = entry(LOCAL, RECEIPT) || (before && latest);
    if (previous) body.previous = previous;
    let decision = [body, uuid()];

    // In months of 30 days, until the server answers with the exact day.
    const end = Math.floor(minutes()) + months * 43200;
    let reload;
    let pending;
    if (refused[0]) {
      // Kept until acknowledged, and only what is refused: a grant is not sent without a click.
      const refusal = [{ ...body, choices: record(refused, () => "refused") }, uuid()];
      if (!grants) decision = refusal;
      pending = JSON.stringify(refusal);
      entry(LOCAL, PENDING, pending);
      reload = apply(
        spell((id, i) => (wants(id) ? letters[i] : "r")),
        grants && before ? until : end,
      );
    }
    if (!grants) hide();

    const recorded = send(decision, pending)
      .then((answer) => {
        if (mine !== turn) return;
        // Whatever older decision still waits to be sent, this one takes its place.
        entry(LOCAL, PENDING, null);
        latest = answer.receipt;
        if (grants) {
          entry(LOCAL, RECEIPT, latest);
          entry(SESSION, RECEIPT, null);
        } else if (before) entry(SESSION, RECEIPT, latest);
        apply(spell((id) => (wants(id) ? "g" : "r")), decode(answer.cookie)?.until || end);
        hide();
      })
      .catch((error) => {
        complain("not recorded", error);
        if (grants) throw error;
      })
      .finally(() => reload && location.reload());
    if (grants) await recorded;
  };

  const all = (choice) => record(ids, () => choice);
  const refuse = () => decide(all("refused"), "refuse_all");

  /**
   * A visitor's answer, from the banner or the panel. A script may refuse, not grant.
   * @param {Event} event
   * @param {"accept" | "refuse" | Choices} what
   * @returns {Promise<void>}
   */
  const answer = async (event, what) => {
    if (what === "refuse") return refuse();
    if (!event.isTrusted) throw Error("not trusted");
    return what === "accept"
      ? decide(all("granted"), "accept_all")
      : decide(what, "preferences");
  };

  // ---- banner and panel --------------------------------------------------------------------

  /** Runs `task` once, and again only after it failed. */
  const once = (task) => {
    let result;
    return () =>
      (result ||= task().catch((error) => {
        result = null;
        throw error;
      }));
  };
  const get = (what) => fetch(`${base}/${what}?lang=${spoken()}`).then(must);
  const banner = once(() => get("banner"));
  const panel = once(() =>
    Promise.all([
      import(app).then((module) => module.default().then(() => module)),
      get("notice"),
      banner(),
    ]),
  );

  let bodyExists;
  const body = new Promise((done) => (bodyExists = done));
  /** The element in the page, and the two parts of its shadow root. */
  let host, box, mount;
  let panelIsOpen;

  /** Puts the element into the page, before everything else, so that Tab reaches it first. */
  const attach = async ({ css }, shown) => {
    await body;
    language = shown.language;
    if (host) return;
    host = create("consent-banner");
    box = create("div");
    mount = create("div");
    const shadow = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(box, mount);
    document.body.prepend(host);
  };

  const detach = () => {
    if (!host || box.firstChild || panelIsOpen) return;
    host.remove();
    host = null;
  };

  const hide = () => {
    if (!host) return;
    box.textContent = root.style.scrollPaddingBottom = root.style.paddingBottom = "";
    detach();
  };

  const fault = (is) => {
    if (host && box.firstChild) box.querySelector(".error").hidden = !is;
  };

  const show = async () => {
    try {
      const shown = await banner();
      await attach(shown, shown);
      if (!asks()) return detach();
      box.innerHTML = trusted.createHTML(shown.html);
      // Keeps what is focused out from under the banner (WCAG 2.2, 2.4.11).
      root.style.scrollPaddingBottom = box.firstChild.offsetHeight + "px";
      on("click", (event) => {
        const button = event.target.closest("button");
        // The second click of a double click is no second decision.
        if (!button || event.detail > 1) return;
        fault(false);
        if (button.value === "customize") open(button);
        else answer(event, button.value).catch(() => fault(true));
      }, box);
    } catch (error) {
      complain("no banner, nothing allowed", error);
    }
  };

  /** Opens the preferences. @param {HTMLElement} [from] gets the focus back */
  const open = async (from) => {
    if (panelIsOpen) return;
    panelIsOpen = true;
    try {
      const [module, notice, style] = await panel();
      await attach(style, notice);
      module.open(mount, notice, {
        choices: record(ids, (id) => (allows(id) ? "granted" : "refused")),
        receipt: receipt(),
        decide: answer,
        closed() {
          panelIsOpen = false;
          if (from?.isConnected) from.focus();
          detach();
        },
        save() {
          const link = create("a");
          link.href = address(receipt());
          link.download = "receipt.jws";
          link.click();
        },
      });
    } catch (error) {
      panelIsOpen = false;
      complain("no preferences", error);
      fault(true);
    }
  };

  // ---- start -------------------------------------------------------------------------------

  /** Takes over what the cookie says, at first and when another tab may have changed it. */
  const recall = () => {
    const state = decode(remembered());
    const lives = state && state.until > minutes();
    const stands = lives && state.policy >= since && state.policy <= policy;
    if (!stands || state.letters.length !== ids.length) return lives;
    const reload = apply(state.letters, state.until);
    if (!asks()) hide();
    if (reload) location.reload();
    return true;
  };

  Object.defineProperty(window, "consent", {
    value: Object.freeze({
      allows,
      open: () => open(),
      refuse,
      withdraw: refuse,
      receipt,
    }),
  });

  const closest = (event, selector) => event.target.closest?.(selector);

  // Without a choice that lives, nothing may name this browser.
  if (!recall()) entry(LOCAL, RECEIPT, null);
  started = true;
  // A script that ran until the reload may have written them again.
  forget(ids.filter((_, i) => letters[i] === "r"));

  const unsent = entry(LOCAL, PENDING);
  if (unsent)
    (async () => send(JSON.parse(unsent), unsent))()
      .then((answer) => (latest = answer.receipt))
      .catch((error) => complain("not recorded", error));

  on("storage visibilitychange", recall);
  on("DOMContentLoaded", release);
  on("pointerover focusin", (event) => {
    if (closest(event, "[data-consent-open],consent-banner")) panel().catch(() => {});
  });
  // At the end of the page there is nothing left to scroll. Room is made only when it is needed,
  // because a page that becomes longer may get a scroll bar.
  on("focusin", () => (root.style.paddingBottom = root.style.scrollPaddingBottom));
  on("click", (event) => {
    const opens = closest(event, "[data-consent-open]");
    const withdraws = closest(event, "[data-consent-withdraw]");
    if (opens || withdraws) event.preventDefault();
    if (opens) open(opens);
    else if (withdraws) refuse();
  });

  const look = () => {
    if (document.body) bodyExists();
    release();
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
  look();
  if (asks()) show();
})();
