//! What a browser is like: which one, how large its window is, and what its user prefers.

/// A browser that the tests drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Chromium.
    Chromium,
    /// Firefox.
    Firefox,
}

/// How a browser is set up. The default is a desktop window of somebody who prefers nothing.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Options {
    /// Which browser.
    pub kind: Kind,
    /// Width and height of the page's viewport, in CSS pixels.
    pub size: (u32, u32),
    /// Device pixels for each CSS pixel. Zooming to 400 % is a viewport of a quarter at 4.
    pub scale: f64,
    /// Whether a dark colour scheme is preferred.
    pub dark: bool,
    /// Whether less motion is preferred.
    pub reduced_motion: bool,
    /// Whether the system imposes its colours.
    pub forced_colors: bool,
    /// The preferred languages, as in `Accept-Language`.
    pub languages: String,
    /// Whether Global Privacy Control is sent.
    pub signal: bool,
    /// Whether pages may run scripts.
    pub scripts: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            kind: Kind::Chromium,
            size: (1280, 800),
            scale: 1.0,
            dark: false,
            reduced_motion: false,
            forced_colors: false,
            languages: "en".into(),
            signal: false,
            scripts: true,
        }
    }
}

impl Options {
    /// The default, in that browser.
    pub fn of(kind: Kind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// The preferences as Chromium takes them for media queries.
    pub(crate) fn media(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("prefers-color-scheme", if self.dark { "dark" } else { "light" }),
            (
                "prefers-reduced-motion",
                if self.reduced_motion { "reduce" } else { "no-preference" },
            ),
            ("forced-colors", if self.forced_colors { "active" } else { "none" }),
        ]
    }
}
