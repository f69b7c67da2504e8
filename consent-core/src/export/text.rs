//! A receipt as plain text, for the person whom it is about.

use jiff::Timestamp;

use super::{Export, Item};
use crate::LegalBasis;
use crate::rules::Recorded;
use crate::words::{Words, fill};

/// The widest line, in characters. What cannot be broken, such as an address, may be wider.
const WIDTH: usize = 72;

impl Export<'_> {
    /// The receipt as a text to be read: who asked, what was decided about each purpose and on
    /// which basis, how, until when, how to change it, where to complain, and what identifies all
    /// this. Lines are at most 72 characters wide. Times are in UTC.
    ///
    /// ```
    /// # use consent_core::{Claims, Key, KeyRing, Policy, Receipt, export::Export};
    /// # let mut claims: Claims = serde_json::from_str(consent_core::receipt::EXAMPLE_CLAIMS)?;
    /// # let policy = Policy::from_toml(consent_core::policy::EXAMPLE)?;
    /// # claims.policy.digest = policy.digest();
    /// # let ring = KeyRing::new(vec![Key::hs256("2026-a", &[7; 32])?])?;
    /// # let receipt = Receipt::sign(claims, &ring)?;
    /// let text = Export::new(&receipt, &policy)?.text();
    /// assert!(text.starts_with("Receipt for your choices on Example\n====="));
    /// assert!(text.contains("remembered until 2026-07-01 at 00:00:00 UTC"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn text(&self) -> String {
        let (claims, policy, words) = (self.claims(), self.policy, self.words);
        let mut page = Page::default();
        page.heading(&fill(&words.title, &[("site", &policy.name)]), '=');
        page.line(&fill(
            &words.controller,
            &[
                ("controller", &policy.controller.name),
                ("country", &policy.controller.country),
                ("site", &policy.name),
                ("email", &policy.controller.email),
            ],
        ));
        if let Some(address) = &policy.controller.address {
            page.value(address);
        }
        page.line(&self.pair(self.say(&policy.officer.name), &policy.officer.email));

        page.heading(&words.decided, '-');
        page.line(&at(&words.moment, claims.iat));
        for item in &self.items {
            self.purpose(item, &mut page);
        }

        page.section(&words.how, &self.how());
        page.section(&words.until, &self.until());
        page.section(&words.change, &self.how_to_change());

        page.heading(&words.complain, '-');
        page.line(&words.authority);
        for line in [&policy.authority.name, &policy.authority.address, &policy.authority.url] {
            page.value(line);
        }

        self.about(&mut page);
        page.0
    }

    /// The same in another language, as near to it as the policy has: a visitor reads what was
    /// decided in the language that the page is in now. What was shown then stays what it was.
    pub fn text_in(&self, language: &str) -> String {
        let told_in = self.policy.negotiate([language]);
        let Words { language: words_language, receipt: words, .. } = crate::words::of(told_in);
        Export { words, words_language, told_in, ..self.clone() }.text()
    }

    /// Where the text was shown and in which language, as a sentence.
    pub(super) fn how_shown(&self) -> String {
        fill(self.words.shown(self.claims().layer), &[("language", self.language())])
    }

    /// How consent is taken back, as a text.
    pub(super) fn how_to_withdraw(&self) -> String {
        let (site, email) = (&self.policy.name, &self.policy.controller.email);
        fill(&self.words.withdraw, &[("site", site), ("email", email)])
    }

    fn how(&self) -> Vec<String> {
        let (claims, words) = (self.claims(), self.words);
        let mut how = format!("{} {}", words.method(claims.method), self.how_shown());
        if !claims.signals.is_empty() {
            let signals = self.list(claims.signals.iter().map(ToString::to_string));
            how = format!("{how} {}", fill(&words.signals, &[("signals", &signals)]));
        }
        vec![how]
    }

    fn until(&self) -> Vec<String> {
        let (exp, words) = (self.claims().exp, self.words);
        let any = |of: fn(Recorded) -> bool| self.items.iter().any(|item| of(item.outcome.state));
        let remembered = any(Recorded::expires).then(|| at(&words.remembered, exp));
        let stands =
            any(|state| state == Recorded::Objected).then(|| words.objection_stands.clone());
        remembered.into_iter().chain(stands).collect()
    }

    fn how_to_change(&self) -> Vec<String> {
        let rests = |on| self.items.iter().any(|item| item.outcome.basis == on);
        let withdraw = rests(LegalBasis::Consent).then(|| self.how_to_withdraw());
        let object = rests(LegalBasis::LegitimateInterest)
            .then(|| fill(&self.words.object, &[("email", &self.policy.officer.email)]));
        withdraw.into_iter().chain(object).collect()
    }

    fn purpose(&self, item: &Item<'_>, page: &mut Page) {
        let (Item { purpose, outcome }, words) = (item, self.words);
        page.blank();
        let title = self.pair(self.say(&purpose.title), words.state(outcome.state));
        page.wrapped("* ", "  ", &format!("{title}."));
        page.wrapped("  ", "  ", self.say(&purpose.description));
        let data = self.list(self.data(purpose).map(|data| self.say(&data.title).to_owned()));
        let recipients = self.recipients(purpose);
        let recipients = recipients.iter().map(|recipient| match recipient.processor {
            Some(processor) => format!("{} ({})", recipient.name, processor.country),
            None => recipient.name.to_owned(),
        });
        let mut recipients = self.list(recipients);
        if recipients.is_empty() {
            recipients.clone_from(&words.nobody);
        }
        for (label, value) in [
            (&words.basis, words.basis(outcome.basis)),
            (&words.data, &data),
            (&words.recipients, &recipients),
            (&words.kept, self.say(&purpose.retention)),
        ] {
            page.value(&self.pair(label, value));
        }
    }

    fn about(&self, page: &mut Page) {
        let (claims, words) = (self.claims(), self.words);
        page.heading(&words.about, '-');
        let region = self.region().map(|region| self.say(&region.title));
        let region = region.map_or_else(
            || claims.region.to_string(),
            |title| format!("{title} ({})", claims.region),
        );
        for (label, value) in [
            (&words.id, claims.jti.to_string()),
            (&words.issuer, claims.iss.clone()),
            (&words.site, claims.site.to_string()),
            (&words.region, region),
            (&words.policy, claims.policy.number.to_string()),
        ] {
            page.line(&self.pair(label, &value));
        }
        let subject = claims.sub.to_string();
        let digests = [
            (&words.policy_digest, claims.policy.digest),
            (&words.notice_digest, claims.notice.digest),
            (&words.receipt_digest, self.receipt.digest()),
        ];
        let digests = digests
            .into_iter()
            .chain(claims.previous.map(|digest| (&words.previous_digest, digest)));
        let digests = digests.map(|(label, digest)| (label, digest.to_string()));
        for (label, value) in std::iter::once((&words.subject, subject)).chain(digests) {
            page.line(&self.pair(label, ""));
            page.value(&value);
        }
        if claims.previous.is_none() {
            page.line(&words.first);
        }
    }

    fn list(&self, items: impl Iterator<Item = String>) -> String {
        let both =
            |one: String, more: String| fill(&self.words.list, &[("one", &one), ("more", &more)]);
        items.reduce(both).unwrap_or_default()
    }

    fn pair(&self, label: &str, value: &str) -> String {
        fill(&self.words.pair, &[("label", label), ("value", value)])
    }
}

/// A template with a moment in it.
fn at(template: &str, moment: Timestamp) -> String {
    let date = moment.strftime("%Y-%m-%d").to_string();
    let time = moment.strftime("%H:%M:%S").to_string();
    fill(template, &[("date", &date), ("time", &time)])
}

/// Lines of text, as they are written.
#[derive(Default)]
struct Page(String);

impl Page {
    fn blank(&mut self) {
        self.0.push('\n');
    }

    /// A heading, underlined.
    fn heading(&mut self, text: &str, rule: char) {
        if !self.0.is_empty() {
            self.blank();
        }
        let before = self.0.len();
        self.line(text);
        let widest = self.0[before..].lines().map(|line| line.chars().count()).max();
        self.0.extend(std::iter::repeat_n(rule, widest.unwrap_or_default()));
        self.0.push_str("\n\n");
    }

    fn line(&mut self, text: &str) {
        self.wrapped("", "", text);
    }

    /// A heading and what is said under it, unless that is nothing.
    fn section(&mut self, heading: &str, paragraphs: &[String]) {
        if paragraphs.is_empty() {
            return;
        }
        self.heading(heading, '-');
        for (i, paragraph) in paragraphs.iter().enumerate() {
            if i > 0 {
                self.blank();
            }
            self.line(paragraph);
        }
    }

    /// Something that belongs to the line before it.
    fn value(&mut self, text: &str) {
        self.wrapped("  ", "    ", text);
    }

    /// A paragraph: its first line after `first`, and each further one after `next`. Breaks at
    /// spaces and line breaks, never at a space that must not be broken (U+00A0).
    fn wrapped(&mut self, first: &str, next: &str, text: &str) {
        let mut width = first.chars().count();
        self.0.push_str(first);
        let mut empty = true;
        for word in text.split_ascii_whitespace() {
            let length = word.chars().count();
            if !empty && width + 1 + length > WIDTH {
                self.0.push('\n');
                self.0.push_str(next);
                width = next.chars().count();
            } else if !empty {
                self.0.push(' ');
                width += 1;
            }
            self.0.push_str(word);
            width += length;
            empty = false;
        }
        self.0.push('\n');
    }
}
