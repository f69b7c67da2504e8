// Fetches the page again every two seconds and swaps its #live part in when it has changed. It
// waits while the reader has ticked it off, looks elsewhere, or is using a link inside.
"use strict";

const toggle = document.querySelector("#refresh");

setInterval(async () => {
  const live = document.querySelector("#live");
  const busy = live.contains(document.activeElement) || !getSelection().isCollapsed;
  if (!toggle.checked || document.hidden || busy) return;
  try {
    const text = await (await fetch(location.href, { cache: "no-store" })).text();
    const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("#live");
    if (fresh && fresh.innerHTML !== live.innerHTML) live.replaceWith(fresh);
  } catch {
    // The demo was stopped: the page stays as it is until it runs again.
  }
}, 2000);
