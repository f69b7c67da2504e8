//! What a visitor sees, and the owner of an address: texts, components, style.
//!
//! The same components serve two places. With the feature `server` they are rendered natively:
//! the banner once for each policy and language, and whole pages for the owner of an address.
//! With the feature `browser` the preferences panel becomes WebAssembly, opened by the loader
//! (`loader/consent.js`), which alone touches the network, cookies and storage.

#[cfg(feature = "browser")]
pub mod app;
pub mod banner;
#[cfg(feature = "server")]
pub mod choices;
#[cfg(feature = "browser")]
mod from_js;
pub mod labels;
pub mod notice;
#[cfg(feature = "server")]
pub mod page;
pub mod panel;
#[cfg(feature = "server")]
mod render;
#[cfg(feature = "server")]
mod replay;

pub use banner::Banner;
#[cfg(feature = "server")]
pub use choices::{ChoicesPage, render_choices_page};
pub use labels::{Labels, PageLabels};
pub use notice::Notice;
#[cfg(feature = "server")]
pub use page::{AddressAction, AddressPage, PAGE_STYLE, render_address_page};
pub use panel::Panel;
#[cfg(feature = "server")]
pub use render::render_banner;
#[cfg(feature = "server")]
pub use replay::{PaintedBanner, Replay, render_replay};
