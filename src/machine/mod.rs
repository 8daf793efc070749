//! The rules: one file per promise, composed by `step`.
//! Not here: any IO, clock, dice or logging.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]
