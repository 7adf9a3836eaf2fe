//! gadgets
