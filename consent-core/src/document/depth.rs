//! How deep a TOML text nests, told before it is parsed.
//!
//! The parser bounds how many brackets stand within one another and how many parts a dotted key
//! has, each at 80, but not the two together: a text of 2 KB would nest 6,400 tables, and reading
//! them, or only dropping them, would overflow the stack.

use toml_parser::Source;
use toml_parser::lexer::TokenKind;

/// The most levels that a key may have below the head of its table: more than twice what anything
/// read here needs.
pub(super) const MAX_DEPTH: usize = 16;

/// Where the text first nests deeper than [`MAX_DEPTH`], in bytes from its beginning.
pub(super) fn too_deep(text: &str) -> Option<usize> {
    // The depth outside of each bracket that is open. Within, it is one more.
    let mut open = Vec::new();
    let mut depth = 0;
    for token in Source::new(text).lex() {
        match token.kind() {
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => {
                open.push(depth);
                depth += 1;
            }
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => {
                depth = open.pop().unwrap_or(0);
            }
            TokenKind::Dot => depth += 1,
            TokenKind::Comma | TokenKind::Newline => depth = open.last().map_or(0, |d| d + 1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Some(token.span().start());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_counted_in_brackets_and_dots_together() {
        let dots = |n| vec!["a"; n].join(".");
        for (text, at) in [
            (format!("{} = 1", dots(17)), None),
            (format!("{} = 1", dots(18)), Some(33)),
            (format!("[{}]\n{} = 1", dots(16), dots(17)), None),
            (format!("[{}]", dots(17)), Some(32)),
            (format!("a = {}{}", "[".repeat(16), "]".repeat(16)), None),
            (format!("a = {}", "[".repeat(17)), Some(20)),
            (format!("{} = {{{} = 1}}", dots(9), dots(8)), None),
            (format!("{} = {{{} = 1}}", dots(9), dots(9)), Some(36)),
            // What stands beside something does not stand within it.
            (format!("a = [{}]", "[[1.5], {a.b = 1}], ".repeat(20)), None),
            (format!("{} = 1\n", dots(9)).repeat(20), None),
            (format!("a = {{{}}}", format!("{} = 1, ", dots(9)).repeat(20)), None),
            ("]\n}\n".repeat(20), None),
            // Nor does a text hold what it only mentions.
            (format!("a = '{0}' # {0}\nb = \"\"\"\n{0}\"\"\"", "[.{".repeat(20)), None),
        ] {
            assert_eq!(too_deep(&text), at, "{text}");
        }
    }
}
