//! The whole way, through a real browser.

mod anywhere;
mod embed;
mod loader;
mod marketing;
mod visitor;
