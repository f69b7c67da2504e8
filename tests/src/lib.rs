//! consent-tests
