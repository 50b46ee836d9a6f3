//! Breaks blocks into pages.
