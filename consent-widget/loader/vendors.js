/**
 * Tells vendors' tags what they may do. The server joins it to the stub where the site's policy
 * names vendors, with the table of `consent-core/src/mapping.rs` in place of `__CONSENT_VENDORS__`.
 *
 * Right after the stub, so before any tag: first the defaults, with which nothing is granted, and
 * then what a visitor has chosen before. After that, every change.
 */
((vendors) => {
  const { consent } = window;
  /** @param {boolean} [first] */
  const tell = (first) => {
    for (const { signals, target, form, before, granted, denied } of Object.values(vendors))
      try {
        const answers = Object.entries(signals).map(([name, follows]) => [
          name,
          follows === "always" || (!first && follows[0] && follows.every(consent.allows))
            ? "granted"
            : "denied",
        ]);
        const all = answers.every(([, answer]) => answer === "granted");
        const given = (first ? before : all ? granted : denied).map((word) =>
          word === "{signals}" ? Object.fromEntries(answers) : word,
        );
        if (form === "call") window[target]?.(...given);
        else {
          const list = (window[target] ||= []);
          if (form === "push") list.push(...given);
          else if (form === "push_list") list.push(given);
          // Google reads nothing but an `arguments` object.
          else
            (function (/** @type {any[]} */ ..._) {
              list.push(arguments);
            })(...given);
        }
      } catch (error) {
        console.warn("consent:", target, error);
      }
  };
  tell(true);
  if (Object.values(vendors).some(({ signals }) => Object.values(signals).flat().some(consent.allows)))
    tell();
  document.addEventListener("consent:change", () => tell());
})(__CONSENT_VENDORS__);
