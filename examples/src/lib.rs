//! consent-examples
