/** What the parts of the loader tell one another. Types only: nothing here is downloaded. */

type Choice = "granted" | "refused";
type Choices = Record<ConsentPurpose, Choice>;

/** What the stub knows of its site; the server puts it in place of `__CONSENT_CONFIG__`. */
interface Config {
  /** Address of the site's routes, without a final slash. */
  base: string;
  /** Number of the policy in force. */
  policy: number;
  /** The purposes that consent is asked for, in the order of the policy. */
  asked: ConsentPurpose[];
  /** Those on a legitimate interest, likewise: allowed until objected to. */
  interests: ConsentPurpose[];
  /** For each of both, the number of the oldest policy under which a choice stands. */
  since: number[];
  /** Properties of `navigator` that, when they are 1 or true, count as a refusal. */
  signals: string[];
}

/** What `ask.js` knows of the site; the server puts it in place of `__CONSENT_SITE__`. */
interface Site {
  /** Address of the widget's files, without a final slash. */
  files: string;
  /** Address that verifies receipts. */
  verify: string;
  /** Number of the policy in force: the stub's, unless that is a snippet printed before. */
  policy: number;
  /** How long a choice is remembered. */
  months: number;
  /** For each purpose, what it writes in the browser; a trailing `*` stands for any ending. */
  cookies: string[][];
  /** For each of `Config.signals`, its name over HTTP and for people. */
  signals: Record<string, [string, string]>;
}

/** The banner, as the server rendered it. */
interface Shown {
  language: string;
  html: string;
  css: string;
  theme: string;
  position: string;
  labels: { frame_text: string; frame_once: string; frame_always: string };
  /** The titles of the purposes. */
  purposes: Record<ConsentPurpose, string>;
}

/** A decision as it is sent. */
interface Decision {
  policy: number;
  choices: Choices;
  method: string;
  language: string;
  layer?: string;
  signals?: string[];
  since?: number;
  previous?: string;
}

interface Answer {
  receipt: string;
  cookie: string;
}

/** What the stub and `ask.js` share, and change. */
interface At {
  /** One for each purpose: g granted, r refused or objected to, - neither. */
  letters: string;
  /** Until when they count, in minutes of Unix time. */
  until: number;
  /** The policy under which this browser chose last; 0 if it did not, or too long ago. */
  chosen: number;
  /** Purposes of which something ran in this page: only a new page stops it. */
  ran: ConsentPurpose[];
  /**
   * A refusal that is not delivered yet: the letters before it, as the stub keeps it; the decision
   * and its key as JSON, as `ask.js` does; or "x" where only deleting again is left.
   */
  pending?: string | null;
  /** The latest receipt. */
  latest?: string;
}

/** What the stub gives to `ask.js`. */
interface Stub {
  config: Config;
  allows: Consent["allows"];
  /** Whether a choice is missing. */
  asks(): boolean;
  /** Lets run what is allowed. */
  release(): void;
  refuse: Consent["refuse"];
  trusted: { createHTML(html: string): string };
  at: At;
}

/** What `ask.js` gives to the stub. */
interface Ask {
  /** Opens the preferences; `from` gets the focus back. */
  open(from?: HTMLElement): void;
  /** Loads what the preferences need. */
  prepare(): void;
  /** Frames wait in the page. */
  frames(): void;
  /** Delivers what the stub has refused. */
  refused(): void;
  /** Another tab has changed the choice. */
  apply(letters: string, until: number): void;
}

declare const __CONSENT_CONFIG__: Config;
declare const __CONSENT_SITE__: Site;
declare const __CONSENT_BANNER__: Shown;
declare const __CONSENT_HOSTS__: Record<ConsentPurpose, string[]>;
declare const __CONSENT_VENDORS__: Record<string, Vendor>;
declare const stub: Stub;

/** A vendor, as `consent-core/src/mapping.rs` writes it. */
interface Vendor {
  signals: Record<string, "always" | ConsentPurpose[]>;
  target: string;
  form: "call" | "push" | "push_list" | "push_arguments";
  before: unknown[];
  granted: unknown[];
  denied: unknown[];
}

interface Window {
  trustedTypes?: { createPolicy(name: string, rules: object): any };
  [target: string]: any;
}
interface Navigator {
  [signal: string]: any;
}
