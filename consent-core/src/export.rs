//! A receipt, told in forms that other programs and people read.
//!
//! Not here: the receipt itself, its signature and its short print for operators (`receipt.rs`).

mod text;

pub(crate) use text::ReceiptWords;
