//! Reading TOML written by people: every fault with its field and line.
//!
//! Policies and server configurations are read through [`Document`]. What the TOML parser finds
//! comes as one fault, since nothing can be said of what follows it. Wrong types, missing and
//! unknown fields come all together, since each field is read for itself ([`FromToml`]), and so do
//! the checks made afterwards.

mod depth;
mod fields;

use std::fmt;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table};

pub use fields::{Fields, FromToml, value};
pub use toml::Value;

/// The largest document accepted, in bytes.
pub const MAX_DOCUMENT: usize = 1 << 20;

/// The most faults that are told of one document: nobody reads more at a time.
pub const MAX_FAULTS: usize = 100;

/// How many characters of a path, or of a message, are told.
const MAX_TOLD: usize = 1_000;

/// One thing wrong with a document.
///
/// ```
/// use consent_core::{Policy, policy::EXAMPLE};
/// let faults = Policy::from_toml(&EXAMPLE.replace("number = 1", "number = 0")).unwrap_err();
/// let fault = &faults.as_slice()[0];
/// assert_eq!((fault.path.as_str(), fault.line), ("number", 1));
/// assert_eq!(fault.message, "policies are counted from 1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field, as in `purpose[0].title.fr`; empty for the document as a whole.
    pub path: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            write!(f, "line {}: {}", self.line, self.message)
        } else {
            write!(f, "line {}: {}: {}", self.line, self.path, self.message)
        }
    }
}

/// Everything wrong with a document, in the order of its lines. Never empty.
///
/// ```
/// use consent_core::{Policy, policy::EXAMPLE};
/// let broken = EXAMPLE.replace("number = 1", "number = 'one'").replace("months = 6", "months = '6'");
/// let faults = Policy::from_toml(&broken).unwrap_err();
/// assert_eq!(faults.as_slice().len(), 2, "both at once, in the order of their lines");
/// assert!(faults.to_string().starts_with("line 1: number: invalid type: string \"one\""));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// One fault of the document as a whole.
    pub(crate) fn one(message: impl Into<String>) -> Self {
        Self(vec![Fault { path: String::new(), line: 1, message: shortened(message.into()) }])
    }

    /// The faults, in the order of their lines.
    pub fn as_slice(&self) -> &[Fault] {
        &self.0
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

/// A TOML text together with the faults found in it so far.
///
/// ```
/// use consent_core::document::{Document, Faults};
///
/// struct Backup {
///     keep_days: u16,
/// }
/// consent_core::read_table!(Backup { keep_days });
///
/// fn read(text: &str) -> Result<Backup, Faults> {
///     let (backup, mut document) = Document::read::<Backup>(text)?;
///     if backup.keep_days == 0 {
///         document.fault("keep_days", "must be 1 or more");
///     }
///     document.finish(backup)
/// }
/// assert_eq!(read("keep_days = 30")?.keep_days, 30);
/// let faults = read("\nkeep_days = 0").err().unwrap();
/// assert_eq!(faults.to_string(), "line 2: keep_days: must be 1 or more");
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
pub struct Document<'t> {
    tree: Option<DeTable<'t>>,
    /// Where each line begins.
    lines: Vec<usize>,
    faults: Vec<Fault>,
    /// How many faults were found beyond those kept.
    more: usize,
}

impl<'t> Document<'t> {
    /// Reads `text` as a `T`.
    pub fn read<T: FromToml>(text: &'t str) -> Result<(T, Self), Faults> {
        Self::read_with(text, |_, _| ())
    }

    /// Reads `text` as a `T`, after `expand` has filled in what the text left to be filled in.
    pub fn read_with<T: FromToml>(
        text: &'t str,
        expand: impl FnOnce(&mut Table, &mut Self),
    ) -> Result<(T, Self), Faults> {
        let mut document = Self::empty();
        if text.len() > MAX_DOCUMENT {
            document.fault("", format!("the document is larger than {MAX_DOCUMENT} bytes"));
            return Err(document.into_faults());
        }
        document.lines.extend(text.match_indices('\n').map(|(newline, _)| newline + 1));
        if let Some(offset) = depth::too_deep(text) {
            let line = document.line_at(offset);
            let message = format!("nested deeper than {} levels", depth::MAX_DEPTH);
            document.note(String::new(), line, message);
            return Err(document.into_faults());
        }
        let parsed = DeTable::parse(text).and_then(|tree| Ok((tree, toml::from_str(text)?)));
        let (tree, mut table): (_, Table) = match parsed {
            Ok(parsed) => parsed,
            Err(error) => {
                let line = document.line_at(error.span().map_or(0, |span| span.start));
                document.note(String::new(), line, error.message().to_owned());
                return Err(document.into_faults());
            }
        };
        document.tree = Some(tree.into_inner());
        expand(&mut table, &mut document);
        match T::from_toml(Value::Table(table), "", &mut document) {
            Some(value) => Ok((value, document)),
            None => Err(document.into_faults()),
        }
    }

    /// A document of no text, for checking what did not come from TOML. Its faults have no line.
    pub(crate) fn empty() -> Self {
        Self { tree: None, lines: vec![0], faults: Vec::new(), more: 0 }
    }

    /// Notes that the field at `path` is wrong.
    pub fn fault(&mut self, path: impl Into<String>, message: impl Into<String>) {
        let path = path.into();
        let line = self.line_of(&path);
        self.note(path, line, message.into());
    }

    fn note(&mut self, path: String, line: usize, message: String) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault { path: shortened(path), line, message: shortened(message) });
        } else {
            self.more += 1;
        }
    }

    /// Whether nothing was wrong so far.
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// `value` if nothing was wrong, and otherwise everything that was.
    pub fn finish<T>(self, value: T) -> Result<T, Faults> {
        if self.faults.is_empty() { Ok(value) } else { Err(self.into_faults()) }
    }

    fn into_faults(mut self) -> Faults {
        self.faults.sort_by_key(|fault| fault.line);
        if self.more > 0 {
            let line = self.faults.last().map_or(1, |fault| fault.line);
            let message = format!("and {} more faults, not listed here", self.more);
            self.faults.push(Fault { path: String::new(), line, message });
        }
        Faults(self.faults)
    }

    fn line_at(&self, offset: usize) -> usize {
        self.lines.partition_point(|&start| start <= offset)
    }

    /// The line of the deepest part of `path` that the document has.
    fn line_of(&self, path: &str) -> usize {
        let Some(tree) = &self.tree else { return 1 };
        let mut table = Some(tree);
        let mut array = None;
        let mut start = 0;
        for part in path.split(['.', '[']).filter(|part| !part.is_empty()) {
            let value: Option<&Spanned<DeValue<'_>>> = if let Some(index) = part.strip_suffix(']') {
                let items: Option<&toml::de::DeArray<'_>> = array;
                index.parse().ok().and_then(|i: usize| items.and_then(|items| items.get(i)))
            } else {
                let entry = table.and_then(|table| table.get_key_value(part));
                if let Some((key, _)) = entry {
                    start = key.span().start;
                }
                entry.map(|(_, value)| value)
            };
            let Some(value) = value else { break };
            table = value.get_ref().as_table();
            array = value.get_ref().as_array();
            if part.ends_with(']') {
                start = value.span().start;
            }
        }
        self.line_at(start)
    }
}

/// Names and values of the document are told as they were written, but not a megabyte of them.
fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_TOLD) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_table;

    #[derive(Debug)]
    #[expect(dead_code, reason = "read from TOML, never by the test")]
    struct Outer {
        item: Vec<Inner>,
    }

    #[derive(Debug)]
    #[expect(dead_code, reason = "read from TOML, never by the test")]
    struct Inner {
        size: u8,
    }

    read_table!(Outer { item = Vec::new() });
    read_table!(Inner { size });

    fn read(text: &str) -> Result<Outer, Faults> {
        let (outer, document) = Document::read(text)?;
        document.finish(outer)
    }

    #[track_caller]
    fn fault(text: &str) -> Fault {
        read(text).unwrap_err().0[0].clone()
    }

    #[test]
    fn names_field_and_line() {
        let wrong_type = fault("[[item]]\nsize = 1\n\n[[item]]\nsize = 'x'\n");
        assert_eq!((wrong_type.path.as_str(), wrong_type.line), ("item[1].size", 5));

        let unknown = fault("[[item]]\nsize = 1\ncolour = 2\n");
        assert_eq!((unknown.path.as_str(), unknown.line), ("item[0].colour", 3));
        assert_eq!(unknown.message, "unknown field; there are size");

        let missing = fault("[[item]]\nsize = 1\n\n[[item]]\n");
        assert_eq!((missing.path.as_str(), missing.line), ("item[1].size", 4));

        let syntax = fault("[[item]]\nsize = \n");
        assert_eq!((syntax.path.as_str(), syntax.line), ("", 2));
    }

    #[test]
    fn tells_all_that_is_wrong() {
        let text = "[[item]]\nsize = 'x'\n\n[[item]]\n\n[[item]]\nsize = 1\ncolour = 2\n";
        let faults = read(text).unwrap_err();
        let lines: Vec<_> = faults.as_slice().iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [2, 4, 8], "{faults}");
    }

    #[test]
    fn a_megabyte_of_faults_is_told_shortly() {
        let text = "[[item]]\nsize = 'x'\n".repeat(50_000);
        let faults = read(&text).unwrap_err();
        assert_eq!(faults.as_slice().len(), MAX_FAULTS + 1);
        assert!(faults.to_string().ends_with("and 49900 more faults, not listed here"), "{faults}");
    }

    #[test]
    fn finds_the_line_of_a_checked_field() {
        let text = "[[item]]\nsize = 1\n[[item]]\nsize = 2\n";
        let (_, mut document) = Document::read::<Outer>(text).unwrap();
        document.fault("item[1].size", "too large");
        document.fault("item[0].missing", "must be there");
        let faults = document.finish(()).unwrap_err();
        let lines: Vec<_> = faults.as_slice().iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [1, 4]);
    }

    #[test]
    fn a_huge_document_is_refused_unread() {
        assert!(fault(&" ".repeat(MAX_DOCUMENT + 1)).message.contains("larger than"));
    }

    /// 2 KB that would overflow the stack, each bracket within the parser's own bounds.
    #[test]
    fn a_deep_document_is_refused_unread() {
        let deep = format!("\nname = {}", format!("{{{}a = ", "a.".repeat(78)).repeat(12));
        let fault = fault(&deep);
        assert_eq!((fault.line, fault.message.as_str()), (2, "nested deeper than 16 levels"));
    }

    #[test]
    fn long_names_and_values_are_told_shortly() {
        let long = "é".repeat(100_000);
        for text in [format!("'{long}' = 1"), format!("[[item]]\nsize = '{long}'")] {
            let fault = fault(&text);
            assert!(fault.path.chars().count() <= MAX_TOLD + 1, "{fault:.80}");
            assert!(fault.message.chars().count() <= MAX_TOLD + 1, "{fault:.80}");
        }
    }
}
