//! consent-server
