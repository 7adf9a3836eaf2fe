//! stark
