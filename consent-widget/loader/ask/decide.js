/** Second part of `ask.js`: decisions, from a click to the server. */

/** The layer on which the visitor decides; none for a script. @type {string | undefined} */
let layer;
/** Counts decisions: an answer that arrives after a newer decision grants nothing. */
let turn = 0;

// Names one request. It begins with the time, in tenths of a second, so that the server keeps those
// that come at once next to each other. Every such address ends in a new random UUID;
// `crypto.randomUUID` is not there on plain HTTP.
const newKey = () =>
  Math.floor(Date.now() / 100).toString(36) + URL.createObjectURL(new Blob()).slice(-37);

/** The names of the signals that this browser sends and that count as a refusal. */
const sent = () =>
  config.signals.filter((name) => navigator[name] == 1).map((name) => site.signals[name][0]);

/** @type {(choices: Choices, method: string) => Decision} */
const decision = (choices, method) => ({
  policy: site.policy,
  choices,
  method,
  language: banner.language,
  layer,
  since: at.chosen < site.policy && at.chosen || undefined,
  signals: sent(),
  // Proves to be the subject of what was granted before. A refusal alone has no subject.
  previous: entry("localStorage", RECEIPT) || (granted() && at.latest) || undefined,
});

/** @param {Response} response */
const must = (response) => {
  if (!response.ok) throw Error("HTTP " + response.status);
  return response.json();
};

/** Forgets a refusal that was kept, unless a newer one took its place.
 * @param {string} key @param {string | null} [next] what is kept instead */
const settled = (key, next = null) => {
  if (!(entry("localStorage", PENDING) || at.pending)?.includes(key)) return;
  entry("localStorage", PENDING, next);
  at.pending = undefined;
};

/** @type {(body: Decision, key: string, reload?: boolean) => Promise<Answer>} */
const send = async (body, key, reload) => {
  const mine = turn;
  const response = await fetch(base + "/decisions", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key },
    body: JSON.stringify(body),
    keepalive: true,
  });
  // Answered for good. What runs until the page is loaded anew may write again what was deleted.
  if (response.status < 500 && response.status !== 429) settled(key, reload ? "x" : null);
  const answer = await must(response);
  if (mine === turn) {
    at.latest = answer.receipt;
    if (body.previous) entry("sessionStorage", RECEIPT, answer.receipt);
  }
  return answer;
};

/** Loads the page anew, once what was sent is answered or will not be for a while. What is sent
 * outlives the page; what is not is kept, and sent by the next one.
 * @param {Promise<unknown>} [sending] */
const anew = async (sending) => {
  const wait = new Promise((done) => setTimeout(done, 2e3));
  await Promise.race([sending, wait]).catch(() => {});
  if (navigator.onLine) location.reload();
  else addEventListener("online", () => location.reload());
};

/** Delivers the refusal that is kept. @param {boolean} [reload] */
const deliver = (reload) => {
  const [body, key] = JSON.parse(at.pending || "");
  const sending = send(body, key, reload);
  sending.catch((error) => complain("not recorded yet", error));
  if (reload) anew(sending);
};

/** Keeps a refusal until it is delivered, and lets it count.
 * @type {(body: Decision, letters: string, from?: string) => boolean} */
const keep = (body, letters, from) => {
  turn++;
  at.pending = JSON.stringify([body, newKey()]);
  entry("localStorage", PENDING, at.pending);
  // In months of 30 days, unless something granted ends on its own day.
  const end = Math.floor(minutes()) + site.months * 43200;
  return apply(letters, letters.includes("g") ? at.until : end, from);
};

/** What the stub refused: the letters before are what it kept. */
const refused = () => {
  const from = at.pending || "";
  if (!/^[gr-]+$/.test(from)) return;
  at.letters = from;
  /** @type {Choices} */
  const choices = Object.fromEntries(asked.map((id) => [id, "refused"]));
  const body = decision(choices, granted() ? "withdrawal" : "refuse_all");
  const letters = "r".repeat(asked.length) + from.slice(asked.length);
  const reload = keep(body, letters, from);
  deliver(reload);
};

/**
 * A visitor's answer, from banner, panel or frame. A script may refuse, not grant.
 * @param {Event} event
 * @param {"accept" | "refuse" | Choices} what
 * @param {string} where  the layer
 * @returns {Promise<void>} rejected when something was to be granted and is not
 */
const decide = async (event, what, where) => {
  layer = where;
  if (what === "refuse") return stub.refuse();
  if (!event.isTrusted) throw Error("not trusted");
  const all = what === "accept";
  /** @type {[string, Choice][]} */
  const pairs = all ? asked.map((id) => [id, "granted"]) : Object.entries(what);
  const refusals = Object.fromEntries(pairs.filter(([, choice]) => choice === "refused"));
  const grants = pairs.some(([, choice]) => choice === "granted");
  const withdraws = granted() && !grants && asked.every((id) => refusals[id]) && !pairs[asked.length];
  const method = all ? "accept_all" : withdraws ? "withdrawal" : "preferences";
  let reload = false;
  if (!all && Object.keys(refusals)[0])
    // A refusal counts at once; a grant when the server has recorded it.
    reload = keep(
      decision(refusals, method),
      ids.map((id, i) => (refusals[id] ? "r" : at.letters[i])).join(""),
    );
  if (!grants) return deliver(reload);
  const mine = ++turn;
  const sending = send(decision(Object.fromEntries(pairs), method), newKey());
  if (reload) anew(sending);
  const answer = await sending;
  if (mine !== turn) return;
  const [, , until, letters = ""] = answer.cookie.split(".");
  if (letters.length !== ids.length) throw Error("the answer holds no state");
  // Whatever older decision still waits to be sent, this one takes its place.
  settled("");
  entry("localStorage", RECEIPT, answer.receipt);
  entry("sessionStorage", RECEIPT, null);
  if (apply(letters, parseInt(until, 36))) anew();
};
