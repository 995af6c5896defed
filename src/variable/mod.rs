//! The variables: one table of rows, value parsing, and the RAM copy that `set` writes and `save` stores.

use crate::base::Base;
use crate::conformance::Conformance;

/// What a variable accepts and how it prints.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `1`/`true`/`on` and `0`/`false`/`off` in any case; prints `1` or `0`.
    Bool,
    /// A decimal number (hexadecimal with `0x`) in a closed range.
    Number {
        /// The smallest value.
        min: i64,
        /// The largest value.
        max: i64,
    },
    /// One of these words, compared without regard to case; prints as listed.
    Choice(&'static [&'static str]),
    /// Bytes, with a closed range of lengths; the empty string is always allowed when `optional`.
    Text {
        /// The smallest length in bytes.
        min: usize,
        /// The largest length in bytes.
        max: usize,
        /// The empty string is allowed although `min` is larger.
        optional: bool,
    },
    /// A dotted IPv4 address.
    Ipv4,
    /// `XX:XX:XX:XX:XX:XX` (colons may be left out), or empty; prints upper case with colons.
    Mac,
    /// `[+/-]H[:30]` (time zone).
    Zone,
    /// Comma-separated words out of a list (`broadcast.data`).
    Fields(&'static [&'static str]),
    /// Indexed: the first word names the element, the rest is a value of the inner kind.
    Indexed(Index, &'static Kind),
    /// Read only: computed when asked for.
    Live,
}

/// What the first word of an indexed variable may be.
#[derive(Clone, Copy, Debug)]
pub enum Index {
    /// A number below this (UARTs, GPIOs).
    Number(u8),
    /// One of these words (indicators, events).
    Word(&'static [&'static str]),
}

/// Who may read and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `get` only.
    Read,
    /// `set` only.
    Write,
    /// Both.
    ReadWrite,
}

/// When a change takes effect (variables reference 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// At once.
    Now,
    /// After `network_restart`, or the next time the interface comes up.
    Network,
    /// After `save` and `reboot`.
    Boot,
    /// After `uart_update`, or `save` and `reboot`.
    Uart,
    /// At the next start of web setup.
    Setup,
    /// Never changes by `set`.
    None,
}

/// Whether `save` writes the variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// Not stored.
    No,
    /// Stored.
    Yes,
    /// Stored, and kept over the soft reset of an update.
    Backup,
}

/// Who may read the value back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secret {
    /// Everyone.
    No,
    /// Hidden while `wlan.hide_passkey` is 1 (reference README, decision 6).
    Passkey,
    /// Always hidden; reads as an empty value.
    Always,
}

/// Prints a live value. `option` is the format word after the name (`utc`), empty without one.
pub type Show = fn(base: &Base, option: &str, out: &mut dyn core::fmt::Write) -> Result<(), ValueError>;

/// Reacts to a `set` that was accepted (switches of several variables, the clock).
pub type Changed = fn(base: &Base);

/// Why a value was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueError {
    /// No such variable (code 6).
    Unknown,
    /// The value is not of the kind or out of range (code 7).
    Invalid,
    /// A word is missing (code 4).
    TooFew,
    /// A word too many (code 5).
    TooMany,
    /// Not allowed: writing a read-only variable, reading a write-only one (code 1).
    Denied,
    /// The settings are full (code 9).
    Full,
}

/// One row of the table: everything there is to know about a variable.
#[derive(Debug)]
pub struct Variable {
    /// The full dotted name.
    pub name: &'static str,
    /// The fixed abbreviation with blanks, empty when there is none.
    pub abbr: &'static str,
    /// What it accepts.
    pub kind: Kind,
    /// Who may do what.
    pub access: Access,
    /// The factory value in printed form.
    pub default: &'static str,
    /// When a change acts.
    pub effect: Effect,
    /// Whether it is stored.
    pub saved: Saved,
    /// Whether it is a secret.
    pub secret: Secret,
    /// For live variables: how to print the value.
    pub show: Option<Show>,
    /// For variables with an effect beyond being stored.
    pub changed: Option<Changed>,
    /// How far it is built.
    pub status: Conformance,
    /// One sentence for `help` and the documents.
    pub summary: &'static str,
}

/// The variables in RAM.
pub struct Variables {}

impl Variables {
    /// Factory defaults.
    pub fn new() -> Self {
        Self {}
    }

    /// Puts a board's defaults over the factory's.
    pub fn apply_board_defaults(&self, _defaults: &[(&str, &str)]) {}
}
