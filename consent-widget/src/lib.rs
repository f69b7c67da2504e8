//! consent-widget
