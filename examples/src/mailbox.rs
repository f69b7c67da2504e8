//! The demo's mailbox: the messages that the server wrote to its mail folder, as a page.
//!
//! What a message holds is not trusted. It is parsed, cut to a bounded size and escaped; of its
//! HTML nothing is shown, and of its addresses only `http:` and `https:` become links.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use mail_parser::MessageParser;

use crate::pages::escape;

/// How many messages are shown.
pub const MAX_MESSAGES: usize = 50;
/// How much of a message is read, in bytes.
pub const MAX_BYTES: u64 = 64 * 1024;

/// A message as far as the page shows it. Plain text, not escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Whom it is for.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// When it was written, as the message says.
    pub date: String,
    /// The text body.
    pub text: String,
}

/// The newest messages of the folder, newest first. One that cannot be read is left out.
pub async fn read(folder: Option<PathBuf>) -> Vec<Letter> {
    let Some(folder) = folder else { return Vec::new() };
    // Reading files would hold up the other requests of this thread.
    tokio::task::spawn_blocking(move || newest(&folder)).await.unwrap_or_default()
}

fn newest(folder: &Path) -> Vec<Letter> {
    // The folder appears with the first message.
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<(SystemTime, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().extension().is_some_and(|ending| ending == "eml"))
        .filter_map(|entry| {
            let about = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((about.modified().ok()?, entry.path()))
        })
        .collect();
    files.sort_by(|a, b| b.cmp(a));
    files.truncate(MAX_MESSAGES);
    files.iter().filter_map(|(_, path)| parse(&beginning(path).ok()?)).collect()
}

fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a message says, or `None` if it is none.
pub fn parse(bytes: &[u8]) -> Option<Letter> {
    let message = MessageParser::default().parse(bytes)?;
    let to = message.to().map(|addresses| {
        let addresses: Vec<_> = addresses.iter().filter_map(|one| one.address()).collect();
        addresses.join(", ")
    });
    Some(Letter {
        to: to.unwrap_or_default(),
        subject: message.subject().unwrap_or("(no subject)").to_owned(),
        date: message.date().map(mail_parser::DateTime::to_rfc822).unwrap_or_default(),
        text: message.body_text(0).unwrap_or_default().trim().to_owned(),
    })
}

/// The messages as HTML.
pub fn render(letters: &[Letter]) -> String {
    if letters.is_empty() {
        return "<p class=\"empty\">No message yet. Ask for the news on the site, and the message \
                to confirm it arrives here.</p>"
            .into();
    }
    let mut page = String::new();
    for Letter { to, subject, date, text } in letters {
        // Writing to a String cannot fail.
        let _ = write!(
            page,
            "<article class=\"card letter\"><h2><bdi>{}</bdi></h2>\
             <dl><dt>To</dt><dd>{}</dd><dt>Date</dt><dd>{}</dd></dl>\
             <div class=\"text\">{}</div></article>",
            escape(subject),
            escape(to),
            escape(date),
            link(text),
        );
    }
    page
}

/// The text as HTML, with its web addresses as links.
fn link(text: &str) -> String {
    let mut page = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(start) = next_address(rest) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| c.is_whitespace() || "<>\"'`".contains(c));
        let address = from[..end.unwrap_or(from.len())].trim_end_matches(['.', ',', ';', ':', ')']);
        page.push_str(&escape(before));
        let safe = escape(address);
        let _ = write!(page, "<a href=\"{safe}\" rel=\"noopener noreferrer\">{safe}</a>");
        rest = &from[address.len()..];
    }
    page.push_str(&escape(rest));
    page
}

fn next_address(text: &str) -> Option<usize> {
    ["http://", "https://"].into_iter().filter_map(|scheme| text.find(scheme)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "From: a@example.org\r\n\
        To: \"<b>\" <you@example.org>\r\n\
        Subject: =?utf-8?q?=3Cscript=3Ealert=281=29=3C=2Fscript=3E_=C3=A9t=C3=A9?=\r\n\
        Date: Tue, 01 Jul 2025 10:00:00 +0200\r\n\
        Content-Type: text/plain; charset=utf-8\r\n\r\n\
        <img src=x onerror=alert(1)> javascript:alert(1)\r\n\
        Confirm: http://127.0.0.1:8787/v1/confirm?a=1&b=2.\r\n\
        https://example.org/\"onmouseover=\"alert(1)\r\n";

    #[test]
    fn a_hostile_message_is_only_text() {
        let letter = parse(HOSTILE.as_bytes()).unwrap();
        assert_eq!(letter.subject, "<script>alert(1)</script> été");
        assert_eq!(letter.to, "you@example.org");
        assert_eq!(letter.date, "Tue, 1 Jul 2025 10:00:00 +0200");
        let page = render(&[letter]);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; été"), "{page}");
        assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"), "{page}");
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        let href = "href=\"http://127.0.0.1:8787/v1/confirm?a=1&amp;b=2\"";
        assert!(page.contains(href), "{page}");
        assert!(page.contains("href=\"https://example.org/\" rel"), "{page}");
        assert!(!page.contains("href=\"javascript"), "{page}");
        assert!(page.contains("&quot;onmouseover=&quot;alert(1)"), "{page}");
    }

    #[tokio::test]
    async fn the_mailbox_is_bounded_and_newest_first() {
        let folder = tempfile::tempdir().unwrap();
        let start = SystemTime::UNIX_EPOCH;
        for i in 0..MAX_MESSAGES as u64 + 5 {
            let path = folder.path().join(format!("{i}.eml"));
            let body = "x".repeat(if i == 54 { 200_000 } else { 1 });
            fs::write(&path, format!("To: a@example.org\r\nSubject: no {i}\r\n\r\n{body}"))
                .unwrap();
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(start + std::time::Duration::from_secs(i)).unwrap();
        }
        fs::write(folder.path().join("note.txt"), "Subject: not mail\r\n\r\n").unwrap();
        let letters = read(Some(folder.path().into())).await;
        assert_eq!(letters.len(), MAX_MESSAGES);
        assert_eq!(letters[0].subject, "no 54");
        assert!(letters[0].text.len() as u64 <= MAX_BYTES);
        assert_eq!(letters[49].subject, "no 5");
    }

    #[tokio::test]
    async fn no_folder_is_an_empty_mailbox() {
        assert_eq!(read(Some("does/not/exist".into())).await, []);
        assert!(render(&[]).contains("No message yet"));
    }
}
