/** Fourth part of `ask.js`: the look, which never makes one answer weaker than the other. */

const PROPERTIES = ["surface", "text", "muted", "line", "accent", "on-accent", "font"];

/** What a colour is as red, green and blue, each from 0 to 1, and its opacity. The browser reads it.
 * @param {string} text @returns {number[]} */
const channels = (text) => {
  // Nearly always: asking for the style of an element of its own takes milliseconds.
  if (text.startsWith("rgb")) return text.match(/[\d.]+/g)?.map((c, i) => +c / (i < 3 ? 255 : 1)) || [];
  const probe = document.createElement("i");
  probe.style.forcedColorAdjust = "none";
  probe.style.color = `color-mix(in srgb, ${text} 100%, ${text})`;
  mount.append(probe);
  const read = getComputedStyle(probe).color.match(/-?[\d.]+(e-\d+)?/g) || [];
  probe.remove();
  return read.map(Number);
};

/** Contrast as WCAG 2.2 defines it. @param {string} one @param {string} other */
const contrast = (one, other) => {
  /** @param {string} text */
  const light = (text) => {
    const [r, g, b] = channels(text).map((c) =>
      c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const ratio = light(one) / light(other);
  return Math.max(ratio, 1 / ratio);
};

/** Takes over the page's own colours and type. @param {HTMLElement} element */
const follow = (element) => {
  const body = getComputedStyle(document.body);
  /** @param {string} color */
  const solid = (color) => channels(color)[3] !== 0;
  const surface = [body, getComputedStyle(root)].map((s) => s.backgroundColor).find(solid) || "#fff";
  const link = document.querySelector("a[href],button");
  const accent = link ? getComputedStyle(link).color : body.color;
  const values = [surface, body.color, body.color, body.color, accent, surface, body.fontFamily];
  const legible = contrast(surface, body.color) >= 4.5 && contrast(surface, accent) >= 4.5;
  if (legible)
    PROPERTIES.forEach((name, i) => {
      for (const twin of ["", "dark-"]) element.style.setProperty(`--consent-${twin}${name}`, values[i]);
    });
  else complain("the page's own colours are not legible, so the banner keeps its own");
};

const LOOKS = [
  "color",
  "backgroundColor",
  "fontSize",
  "fontWeight",
  "opacity",
  "display",
  "visibility",
  "filter",
];

/** Whether both answers look alike, and are legible. */
const isFair = () => {
  const [one, other] = box.querySelectorAll(".answer");
  /** @type {any[]} */
  const [a, b] = [one, other].map((button) => getComputedStyle(button));
  const [p, q] = [one, other].map((button) => button.getBoundingClientRect());
  // Under the pointer an answer looks different, and so it should.
  const same = box.querySelector(".answer:hover") ? [] : LOOKS;
  return (
    same.every((name) => a[name] === b[name]) &&
    Math.abs(p.width - q.width) < 1 &&
    Math.abs(p.height - q.height) < 1 &&
    a.opacity === "1" &&
    contrast(a.color, a.backgroundColor) >= 4.5
  );
};

/** Takes the page's styles away: its properties, and what it says of the parts. */
const plain = () => {
  for (const name of PROPERTIES)
    for (const twin of ["", "dark-"])
      host?.style.setProperty(`--consent-${twin}${name}`, "initial", "important");
  for (const node of box.querySelectorAll("[part]")) node.removeAttribute("part");
};
