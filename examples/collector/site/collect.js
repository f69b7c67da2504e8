// A measurement script as they come: it knows nothing about consent and never stops by itself.
// Whether it runs at all is decided by the page that holds it back.
(() => {
  "use strict";
  const script = document.currentScript;
  const kept = document.cookie.match(/(?:^|; )_cpbs_id=([0-9a-f]+)/);
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  const id = kept ? kept[1] : Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  document.cookie = `_cpbs_id=${id}; path=/; max-age=${390 * 86400}; samesite=lax`;

  // Text rather than JSON by its type, so that the browser asks no permission first.
  const send = (event) =>
    fetch("{{collector}}/collect", {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body: JSON.stringify({ site: script.dataset.site, page: location.href, id, event }),
      credentials: "omit",
      keepalive: true,
    }).catch(() => {});

  send("view");
  setInterval(() => send("heartbeat"), 2000);
})();
