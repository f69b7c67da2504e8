//! Builds, tests and shows the project. Run as `cargo xtask`.
fn main() {}
