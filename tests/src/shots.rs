//! Pictures of what a visitor sees: each layer, theme, size, and kind of language. The committed
//! ones are looked at by people, and guard against changes that nobody meant.

mod compare;

use std::fs;
use std::path::{Path, PathBuf};

use consent_widget::Labels;

pub use compare::{Comparison, compare};

use crate::languages::policy_in;
use crate::options::Options;
use crate::pages::Answer;
use crate::stage::{Setting, Stage};

/// One for each kind of words and script: usual, long, right to left, another alphabet. Those that
/// the widget does not speak yet are left out.
const LANGUAGES: [&str; 4] = ["en", "de", "ar", "el"];

const SIZES: [(&str, (u32, u32)); 2] = [("phone", (360, 740)), ("desktop", (1280, 800))];

/// Tall enough for everything that the panel holds, so that all of it is seen.
const OPEN: (u32, u32) = (360, 6000);

/// What is in a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Banner,
    Panel,
    /// The panel with all its details.
    Open,
    /// The page without a script.
    Page,
    /// What stands in place of a frame, below the banner's page.
    Frame,
}

/// A picture to take.
#[derive(Debug, Clone)]
struct Shot {
    layer: Layer,
    language: &'static str,
    options: Options,
    name: String,
}

/// Where the committed pictures are.
pub fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("docs/shots")
}

/// Takes all pictures into `folder`, which is emptied before.
pub async fn take(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).unwrap();
    let spoken: Vec<&str> = LANGUAGES
        .into_iter()
        .filter(|language| Labels::languages().any(|spoken| spoken == *language))
        .collect();
    let setting = Setting { policy: policy_in(&spoken), ..Setting::default() };
    let mut stage = Stage::set_with(setting).await;
    for shot in shots(&spoken) {
        stage.browser.change(shot.options.clone()).await;
        if shot.layer == Layer::Page {
            let consent = &stage.at.consent;
            let address = format!("{consent}/v1/sites/cloud-pbs/choices?lang={}", shot.language);
            stage.browser.open(&address).await;
        } else {
            let page = page(&stage, shot.language, shot.layer);
            let address = stage.pages.set(&format!("/{}", shot.language), page);
            stage.browser.open(&address).await;
            stage.browser.shown("button[value=accept]").await;
        }
        if shot.layer == Layer::Frame {
            stage.browser.press("button[value=refuse]").await;
            stage.browser.gone_to_frames().await;
            // Refused here, so the next picture is of a browser that remembers nothing.
            stage.browser.driver().delete_all_cookies().await.unwrap();
        }
        if matches!(shot.layer, Layer::Panel | Layer::Open) {
            stage.browser.press("button[value=customize]").await;
            stage.browser.shown("dialog[open]").await;
        }
        if shot.layer == Layer::Open {
            stage.browser.open_details().await;
        }
        // What has the focus depends on how the panel was opened.
        stage.browser.run(BLUR).await;
        let picture = stage.browser.driver().screenshot_as_png().await.unwrap();
        fs::write(folder.join(format!("{}.png", shot.name)), small(&picture)).unwrap();
    }
}

const BLUR: &str = "
    let focused = document.activeElement;
    while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
    focused?.blur()";

/// The same picture in fewer bytes: with 256 colours, which only shadows need more of.
fn small(picture: &[u8]) -> Vec<u8> {
    let picture = image::load_from_memory(picture).unwrap().to_rgba8();
    let (width, height) = picture.dimensions();
    let palette = color_quant::NeuQuant::new(3, 256, &picture);
    let indices = picture.pixels().map(|pixel| index(&palette, pixel.0)).collect();
    let colors = palette.color_map_rgb();
    let colors = colors.chunks(3).map(|c| oxipng::RGBA8::new(c[0], c[1], c[2], 255)).collect();
    let color = oxipng::ColorType::Indexed { palette: colors };
    let depth = oxipng::BitDepth::Eight;
    let raw = oxipng::RawImage::new(width, height, color, depth, indices).unwrap();
    raw.create_optimized_png(&oxipng::Options::from_preset(4)).unwrap()
}

fn index(palette: &color_quant::NeuQuant, pixel: [u8; 4]) -> u8 {
    u8::try_from(palette.index_of(&pixel)).expect("there are 256 colours")
}

fn shots(languages: &[&'static str]) -> Vec<Shot> {
    let mut all = Vec::new();
    for &language in languages {
        for (theme, dark) in [("light", false), ("dark", true)] {
            let mut add = |layer, size, name: String| {
                let options = Options { size, dark, reduced_motion: true, ..Options::default() };
                let name = format!("{name}-{theme}-{language}");
                all.push(Shot { layer, language, options, name });
            };
            for (name, size) in SIZES {
                add(Layer::Banner, size, format!("banner-{name}"));
                add(Layer::Panel, size, format!("panel-{name}"));
            }
            add(Layer::Page, SIZES[0].1, "page-phone".into());
            add(Layer::Frame, SIZES[0].1, "frame-phone".into());
            // One theme is enough for what differs in its words only.
            if !dark {
                add(Layer::Open, OPEN, "panel-open".into());
            }
        }
    }
    all
}

/// A page like any other, in the one font that is the same everywhere.
fn page(stage: &Stage, language: &str, layer: Layer) -> Answer {
    let direction = if language == "ar" { "rtl" } else { "ltr" };
    let frame = match layer {
        Layer::Frame => {
            "<iframe title=\"Film\" width=\"320\" height=\"240\" data-consent=\"analytics\" \
             data-src=\"https://film.example/embed\"></iframe>"
        }
        _ => "",
    };
    Answer::html(format!(
        "<!doctype html><html lang=\"{language}\" dir=\"{direction}\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>A page</title>\
         <style>:root {{ color-scheme: light dark; font: 1rem 'DejaVu Sans';\
         --consent-font: 'DejaVu Sans' }} main {{ margin: auto; max-width: 40rem; opacity: 0.5 }}\
         </style><script src=\"{}/v1/sites/cloud-pbs/consent.js\"></script><main>{frame}{}</main>",
        stage.at.consent,
        "<p>─────── ───── ── ────── ─────── ── ──── ───── ─── ────────</p>".repeat(12),
    ))
}
