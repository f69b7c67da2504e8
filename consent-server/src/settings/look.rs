//! How a site's banner looks: theme, position, colours. A site chooses its colours as it likes, as
//! long as everybody can read them (WCAG 2.2 AA), and both answers share one look.

use std::collections::BTreeMap;

use color::DynamicColor;
use consent_core::document::{Document, Fields, FromToml, Value};
use consent_core::read_value;
use serde::Deserialize;

/// How a banner looks.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Light or dark.
    pub theme: Theme,
    /// Where it stands.
    pub position: Position,
    /// The site's own colours.
    pub colors: Colors,
}

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the visitor's browser prefers.
    #[default]
    Auto,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
    /// As the page around it.
    Page,
}

/// Where the banner stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Position {
    /// A card in the corner at the end of the page.
    #[default]
    Corner,
    /// Along the lower edge.
    Bottom,
    /// In the middle.
    Center,
}

read_value!(Theme, Position);

impl Theme {
    /// The name used in configurations and by the loader.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
            Self::Page => "page",
        }
    }
}

impl Position {
    /// The name used in configurations and by the loader.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Corner => "corner",
            Self::Bottom => "bottom",
            Self::Center => "center",
        }
    }
}

impl Look {
    /// The site's colours as custom properties of the banner's host; empty if it has none.
    pub fn css(&self) -> String {
        let Colors { light, dark } = &self.colors;
        let properties = [("", light), ("dark-", dark)].map(|(twin, palette)| {
            palette.0.iter().fold(String::new(), |css, (name, color)| {
                css + &format!("--consent-{twin}{}:{};", name.replace('_', "-"), color.0)
            })
        });
        let properties = properties.concat();
        if properties.is_empty() { properties } else { format!(":host{{{properties}}}\n") }
    }
}

/// The colours that a site may choose, and what each is without it, in light and in dark: those of
/// the banner's own style sheet.
const COLORS: [(&str, &str, &str); 6] = [
    ("accent", "#1b4f8f", "#a9ccf7"),
    ("on_accent", "#ffffff", "#0e2036"),
    ("surface", "#ffffff", "#171c22"),
    ("text", "#17202a", "#edf1f5"),
    ("muted", "#4c5a69", "#b1bdc9"),
    ("line", "#d6dde4", "#343e49"),
];

/// What has to stand out from what, by which ratio at least, and the criterion that says so.
const CONTRASTS: [(&str, &str, f32, &str); 4] = [
    ("text", "surface", 4.5, "1.4.3"),
    ("muted", "surface", 4.5, "1.4.3"),
    ("on_accent", "accent", 4.5, "1.4.3"),
    ("accent", "surface", 3.0, "1.4.11"),
];

/// A site's own colours. What it leaves out is as in the banner's style sheet.
#[derive(Debug, Clone, Default)]
pub struct Colors {
    light: Palette,
    dark: Palette,
}

/// Colours by their name.
#[derive(Debug, Clone, Default)]
struct Palette(BTreeMap<&'static str, Color>);

/// An opaque colour, as `#rrggbb`.
#[derive(Debug, Clone)]
struct Color(String);

impl Colors {
    /// What cannot be read well enough: the field, and what is wrong with it.
    pub(super) fn faults(&self) -> Vec<(String, String)> {
        let palettes = [("", &self.light, false), ("dark.", &self.dark, true)];
        let mut faults = Vec::new();
        for (path, palette, dark) in palettes {
            // Of those that the site leaves as they are, the style sheet's own tests know.
            let chosen = |(front, back, ..): &(&str, &str, f32, &str)| {
                palette.0.contains_key(front) || palette.0.contains_key(back)
            };
            for (front, back, least, criterion) in CONTRASTS.into_iter().filter(chosen) {
                let (one, other) = (palette.color(front, dark), palette.color(back, dark));
                let ratio = one.contrast(&other);
                if ratio < least {
                    let field = if palette.0.contains_key(front) { front } else { back };
                    faults.push((
                        format!("{path}{field}"),
                        format!(
                            "{front} {} on {back} {} has a contrast of {:.2} to 1, and needs \
                             {least} (WCAG 2.2, {criterion}); make one of them darker or lighter",
                            one.0,
                            other.0,
                            (ratio * 100.0).floor() / 100.0,
                        ),
                    ));
                }
            }
        }
        faults
    }
}

impl Palette {
    /// The colour of that name, the style sheet's own if the site has none.
    fn color(&self, name: &str, dark: bool) -> Color {
        self.0.get(name).cloned().unwrap_or_else(|| {
            let own = COLORS.iter().find(|(known, ..)| *known == name);
            let (_, light, twin) = own.expect("the pairs above are of these colours");
            Color((if dark { twin } else { light }).to_string())
        })
    }

    fn take(fields: &mut Fields<'_, '_>) -> Option<Self> {
        // Read first and looked at then, so that all that is wrong is told.
        let colors = COLORS.map(|(name, ..)| (name, fields.or::<Option<Color>>(name, || None)));
        let mut palette = BTreeMap::new();
        for (name, color) in colors {
            palette.extend(color?.map(|color| (name, color)));
        }
        Some(Self(palette))
    }
}

impl FromToml for Colors {
    fn from_toml(value: Value, path: &str, document: &mut Document<'_>) -> Option<Self> {
        let value = without_buttons(value, path, document);
        let mut fields = Fields::of(value, path, document)?;
        let (light, dark) = (Palette::take(&mut fields), fields.or("dark", Palette::default));
        fields.finish();
        Some(Self { light: light?, dark: dark? })
    }
}

impl FromToml for Palette {
    fn from_toml(value: Value, path: &str, document: &mut Document<'_>) -> Option<Self> {
        let value = without_buttons(value, path, document);
        let mut fields = Fields::of(value, path, document)?;
        let palette = Self::take(&mut fields);
        fields.finish();
        palette
    }
}

/// Takes the colours of single buttons out, each with a fault that says why there are none.
fn without_buttons(mut value: Value, path: &str, document: &mut Document<'_>) -> Value {
    if let Value::Table(table) = &mut value {
        table.retain(|name, _| {
            let button = ["accept", "refuse"].iter().any(|button| {
                name.strip_prefix(button)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
            });
            if button {
                let message = "both answers share one look, so that refusing is as easy as \
                               accepting (CNIL 2020-092); `accent` and `on_accent` are for both";
                document.fault(format!("{path}.{name}"), message);
            }
            !button
        });
    }
    value
}

impl FromToml for Color {
    fn from_toml(value: Value, path: &str, document: &mut Document<'_>) -> Option<Self> {
        let text = String::from_toml(value, path, document)?;
        let digits = text.strip_prefix('#').unwrap_or_default();
        if digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Some(Self(text.to_ascii_lowercase()));
        }
        document.fault(path, "must be a colour as in \"#1b4f8f\"");
        None
    }
}

impl Color {
    /// The contrast ratio of two colours, from 1 to 21 (WCAG 2.2).
    fn contrast(&self, other: &Self) -> f32 {
        let luminance = |color: &Self| {
            let parsed: DynamicColor = color.0.parse().expect("six hexadecimal digits");
            parsed.relative_luminance()
        };
        let (one, other) = (luminance(self), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(one: &str, other: &str) -> f32 {
        Color(one.into()).contrast(&Color(other.into()))
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        // Values that W3C's own understanding documents give, or that follow from the formula.
        for (one, other, expected) in [
            ("#000000", "#ffffff", 21.0),
            ("#ffffff", "#ffffff", 1.0),
            ("#767676", "#ffffff", 4.54),
            ("#777777", "#ffffff", 4.48),
            ("#ff0000", "#ffffff", 4.0),
            ("#0000ff", "#ffffff", 8.59),
        ] {
            let (there, back) = (ratio(one, other), ratio(other, one));
            assert!((there - expected).abs() < 0.005, "{one} {other}: {there}");
            assert!((there - back).abs() < f32::EPSILON);
        }
    }

    /// What a site leaves out is taken from here, so it has to be what the style sheet says.
    #[test]
    fn the_colours_here_are_those_of_the_style_sheet_and_can_be_read() {
        for (name, light, dark) in COLORS {
            for color in [light, dark] {
                assert!(
                    include_str!("../../../consent-widget/src/banner.css").contains(color),
                    "{name}: {color}"
                );
            }
        }
        let all = |pick: fn(&(&'static str, &str, &str)) -> String| {
            Palette(COLORS.iter().map(|color| (color.0, Color(pick(color)))).collect())
        };
        let colors = Colors { light: all(|c| c.1.into()), dark: all(|c| c.2.into()) };
        assert_eq!(colors.faults(), []);
    }

    #[test]
    fn colours_become_custom_properties() {
        let (colors, document) = Document::read::<Site>(
            "[colors]\non_accent = '#FFFFFF'\naccent = '#1b4f8f'\n[colors.dark]\nline = '#445566'",
        )
        .unwrap();
        let look = Look { colors: document.finish(colors).unwrap().colors, ..Look::default() };
        let expected = ":host{--consent-accent:#1b4f8f;--consent-on-accent:#ffffff;\
                        --consent-dark-line:#445566;}\n";
        assert_eq!(look.css(), expected);
        assert_eq!(Look::default().css(), "");
    }

    #[derive(Debug)]
    struct Site {
        colors: Colors,
    }
    consent_core::read_table!(Site { colors });

    #[test]
    fn names_are_the_ones_read() {
        for theme in ["auto", "light", "dark", "page"] {
            assert_eq!(Value::from(theme).try_into::<Theme>().unwrap().as_str(), theme);
        }
        for position in ["corner", "bottom", "center"] {
            assert_eq!(Value::from(position).try_into::<Position>().unwrap().as_str(), position);
        }
    }
}
