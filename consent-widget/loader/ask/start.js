/** Last part of `ask.js`: what happens when it is loaded, and what the stub can ask of it. */

for (const node of document.querySelectorAll("[data-consent]")) {
  const id = /** @type {HTMLElement} */ (node).dataset.consent || "";
  if (!ids.includes(id)) complain("no such purpose: " + id);
}
if (site.policy !== config.policy)
  complain("the snippet is of an older policy than the one in force; print it again");

// Of a withdrawal, until the tab closes.
if (at.chosen || at.pending) at.latest ||= entry("sessionStorage", RECEIPT) || undefined;
// Without a choice that lives, nothing may name this browser.
else entry("localStorage", RECEIPT, null);
if (at.pending) {
  // What ran until the page was loaded anew may have written again what was deleted.
  forget(ids.filter((_, i) => at.letters[i] === "r"));
  if (at.pending === "x") settled("x");
  else if (at.pending[0] === "[")
    attempt(() => deliver());
  else refused();
}
const prepare = () => void panel().catch(() => {});
// Who is on the way to accept or refuse never needs it.
for (const kind of ["pointerover", "focusin"])
  box.addEventListener(kind, (event) => {
    if (/** @type {any} */ (event.target).value === "customize") prepare();
  });
if (asks()) show();

/** @type {Ask} */
const ready = {
  open: showPanel,
  prepare,
  frames: holdFrames,
  refused,
  apply(letters, until) {
    if (apply(letters, until)) anew();
  },
};
