//! Why a value was not accepted, or not shown.

use core::fmt;

use super::output::Full;

/// Why a value was not accepted, or not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueError {
    /// No such variable (code 6).
    Unknown,
    /// The getter has no such option (code 6).
    UnknownOption,
    /// The value is not of the kind or out of range (code 7).
    Invalid,
    /// A word is missing (code 4).
    TooFew,
    /// A word too many (code 5).
    TooMany,
    /// Not allowed: writing a read-only variable, reading a write-only one (code 1).
    Denied,
    /// The GPIO has another function (code 1).
    InUse,
    /// The settings, or the answer, are full (code 9).
    Full,
}

impl From<fmt::Error> for ValueError {
    fn from(_: fmt::Error) -> Self {
        Self::Full
    }
}

impl From<Full> for ValueError {
    fn from(_: Full) -> Self {
        Self::Full
    }
}
