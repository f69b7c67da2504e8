//! Reading TOML written by people: every fault with its field and line.
//!
//! Policies and server configurations are read through [`Document`]. What the TOML parser or serde
//! finds comes as one fault; checks made afterwards add as many as there are.

use std::fmt;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The largest document accepted, in bytes.
pub const MAX_DOCUMENT: usize = 1 << 20;

/// One thing wrong with a document.
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
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(Vec<Fault>);

impl Faults {
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
pub struct Document<'t> {
    text: &'t str,
    tree: Option<Spanned<DeTable<'t>>>,
    faults: Vec<Fault>,
}

impl<'t> Document<'t> {
    /// Reads `text` as a `T`.
    pub fn read<T: DeserializeOwned>(text: &'t str) -> Result<(T, Self), Faults> {
        let mut document = Self { text, tree: None, faults: Vec::new() };
        if text.len() > MAX_DOCUMENT {
            document.fault("", format!("the document is larger than {MAX_DOCUMENT} bytes"));
            return Err(Faults(document.faults));
        }
        let found = match DeTable::parse(text) {
            Ok(tree) => {
                document.tree = Some(tree);
                toml::from_str(text)
            }
            Err(error) => Err(error),
        };
        match found {
            Ok(value) => Ok((value, document)),
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                let path = document.path_at(&span);
                let line = document.line_at(span.start);
                let message = error.message().to_owned();
                Err(Faults(vec![Fault { path, line, message }]))
            }
        }
    }

    /// Notes that the field at `path` is wrong.
    pub fn fault(&mut self, path: impl Into<String>, message: impl Into<String>) {
        let path = path.into();
        let line = self.line_of(&path);
        self.faults.push(Fault { path, line, message: message.into() });
    }

    /// Whether nothing was wrong so far.
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// `value` if nothing was wrong, and otherwise everything that was.
    pub fn finish<T>(mut self, value: T) -> Result<T, Faults> {
        if self.faults.is_empty() {
            return Ok(value);
        }
        self.faults.sort_by_key(|fault| fault.line);
        Err(Faults(self.faults))
    }

    fn line_at(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        1 + before.iter().filter(|&&byte| byte == b'\n').count()
    }

    /// The line of the deepest part of `path` that the document has.
    fn line_of(&self, path: &str) -> usize {
        let Some(tree) = &self.tree else { return 1 };
        let mut table = Some(tree.get_ref());
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

    /// The path of the innermost field whose key or value holds `span`.
    fn path_at(&self, span: &Range<usize>) -> String {
        self.tree.as_ref().and_then(|tree| in_table(tree.get_ref(), span)).unwrap_or_default()
    }
}

/// The innermost field of `table` that holds `span`. Every field is looked into: the span of a
/// table written as `[a]` is that of its header, and does not hold what follows.
fn in_table(table: &DeTable<'_>, span: &Range<usize>) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let name = key.get_ref();
        if let Some(rest) = in_value(value, span) {
            let dot = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
            return Some(format!("{name}{dot}{rest}"));
        }
        holds(&key.span(), span).then(|| name.to_string())
    })
}

fn in_value(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> Option<String> {
    let inner = if let Some(table) = value.get_ref().as_table() {
        in_table(table, span)
    } else if let Some(array) = value.get_ref().as_array() {
        array.iter().enumerate().find_map(|(i, item)| {
            let rest = in_value(item, span)?;
            let dot = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
            Some(format!("[{i}]{dot}{rest}"))
        })
    } else {
        None
    };
    inner.or_else(|| holds(&value.span(), span).then(String::new))
}

fn holds(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read by serde, never by the test")]
    struct Outer {
        #[serde(default)]
        item: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read by serde, never by the test")]
    struct Inner {
        size: u8,
    }

    #[track_caller]
    fn fault(text: &str) -> Fault {
        let Err(faults) = Document::read::<Outer>(text) else { panic!("accepted") };
        faults.0[0].clone()
    }

    #[test]
    fn names_field_and_line_of_what_serde_refuses() {
        let wrong_type = fault("[[item]]\nsize = 1\n\n[[item]]\nsize = 'x'\n");
        assert_eq!((wrong_type.path.as_str(), wrong_type.line), ("item[1].size", 5));

        let unknown = fault("[[item]]\nsize = 1\ncolour = 2\n");
        assert_eq!(unknown.line, 3);
        assert!(unknown.message.contains("`colour`") && unknown.message.contains("`size`"));

        let syntax = fault("a = \n");
        assert_eq!(syntax.line, 1);
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
}
