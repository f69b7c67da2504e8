/**
 * Strict mode: keeps a page from reaching the hosts that a site declares for a purpose, however it
 * tries, until the purpose is allowed. The server joins it to the stub where the configuration has
 * hosts, which stand in place of `__CONSENT_HOSTS__`.
 *
 * It covers what scripts start: fetch, XMLHttpRequest, beacons, and elements that are made with an
 * address. Elements wait, marked as if the page had marked them; requests fail as they do offline.
 * What stands in the page's own HTML is for the page to mark, since a browser may fetch it before
 * any script could look. A service worker, a worker and a style sheet fetch on their own: for those
 * a Content Security Policy is the means.
 */
((hosts) => {
  const { consent } = window;

  /** The purpose that an address waits for, if it may not be reached now. @param {unknown} address */
  const waits = (address) => {
    try {
      const { hostname } = new URL(String(address), document.baseURI);
      return Object.keys(hosts).find(
        (id) =>
          !consent.allows(id) &&
          hosts[id].some((host) =>
            host.startsWith("*.") ? hostname.endsWith(host.slice(1)) : hostname === host,
          ),
      );
    } catch {}
  };
  const refusal = () => new TypeError("consent: not allowed");

  /** Replaces a method. @param {any} owner @param {string} name @param {(this: any, plain: Function, given: any[]) => any} by */
  const wrap = (owner, name, by) => {
    const plain = owner[name];
    /** @this {any} @param {...any} given */
    owner[name] = function (...given) {
      return by.call(this, plain, given);
    };
  };
  wrap(window, "fetch", function (plain, given) {
    const address = given[0]?.url ?? given[0];
    return waits(address) ? Promise.reject(refusal()) : plain.apply(this, given);
  });
  wrap(navigator, "sendBeacon", function (plain, given) {
    return !waits(given[0]) && plain.apply(this, given);
  });
  wrap(XMLHttpRequest.prototype, "open", function (plain, given) {
    if (waits(given[1])) throw refusal();
    return plain.apply(this, given);
  });

  /** Marks an element to wait, as `data-consent` does in markup.
   * @param {any} element @param {string} name @param {unknown} value */
  const hold = (element, name, value) => {
    const id = waits(value);
    if (!id) return false;
    element.dataset.consent = id;
    if (element.localName === "script") {
      // The address may stand: a script of this type fetches nothing.
      element.dataset.type = element.type;
      element.type = "text/plain";
      return false;
    }
    element.dataset[name] = String(value);
    return true;
  };
  for (const [owner, name] of /** @type {[any, string][]} */ ([
    [HTMLScriptElement, "src"],
    [HTMLImageElement, "src"],
    [HTMLImageElement, "srcset"],
    [HTMLIFrameElement, "src"],
    [HTMLLinkElement, "href"],
  ])) {
    const plain = /** @type {any} */ (Object.getOwnPropertyDescriptor(owner.prototype, name));
    Object.defineProperty(owner.prototype, name, {
      ...plain,
      set(value) {
        if (!hold(this, name, value)) plain.set.call(this, value);
      },
    });
  }
  wrap(Element.prototype, "setAttribute", function (plain, given) {
    const name = String(given[0]).toLowerCase();
    const fetches = this.matches("script,img,iframe,link") && /^(src|srcset|href)$/.test(name);
    if (!fetches || !hold(this, name, given[1])) plain.apply(this, given);
  });
})(__CONSENT_HOSTS__);
