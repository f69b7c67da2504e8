/**
 * What a page can use: `window.consent`, the event `consent:change`, and what marks an element.
 *
 * Copy this file into a project, or reference it: `/// <reference path="consent.d.ts" />`. The
 * loader is checked against it.
 */

/** The id of a purpose, as in the site's policy. */
type ConsentPurpose = string;

interface Consent {
  /**
   * Whether a purpose may be served now. `false` for anything unknown, refused, expired or not
   * asked yet; a purpose on a legitimate interest is allowed until the visitor objects.
   */
  allows(purpose: ConsentPurpose): boolean;
  /** Opens the preferences. */
  open(): void;
  /** Refuses every purpose that consent is asked for. It counts when the call returns. */
  refuse(): void;
  /** The same, by the name that fits where something was granted. */
  withdraw(): void;
  /** The visitor's latest receipt (a JWS in compact form), if this browser holds one. */
  receipt(): string | null;
}

/** `detail` of the event `consent:change`. */
interface ConsentChange {
  /** Purposes that may be served from now on. */
  granted: ConsentPurpose[];
  /** Purposes that may not be served any more. */
  withdrawn: ConsentPurpose[];
}

interface Window {
  readonly consent: Consent;
}

interface DocumentEventMap {
  /**
   * After every change, on `document`. Calling `preventDefault()` says that the page itself has
   * stopped what was withdrawn, so that it need not be loaded anew.
   */
  "consent:change": CustomEvent<ConsentChange>;
}
