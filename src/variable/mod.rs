//! The variables: one table of rows, value parsing, and the RAM copy that `set` writes and `save` stores.
//!
//! | file | what |
//! |---|---|
//! | `table/` | the rows, one file a group, and how a name is found |
//! | `value` | text values by [`Kind`]: from any accepted spelling to the one that is stored and printed |
//! | `store` | [`Variables`]: the values that differ from their defaults, `set` and the typed getters |
//! | `print` | `get`: one variable, a group, all |
//! | `live` | rows that are computed when asked for, and what some rows do when set |
//! | `describe` | what a kind accepts, in words |
//! | `settings` | `save` and `load`: one record, never torn; settings files |
//!
//! To add a variable, add one row to its group's table.

use core::fmt;

use crate::access::scope::Scope;
use crate::base::Base;
use crate::conformance::Conformance;
use crate::limits;

mod describe;
mod live;
mod print;
pub mod settings;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub use describe::{describe, describe_index};
pub use print::is_long;
pub use store::Variables;
use table::ROWS;
pub use table::{LONGEST, find, find_bytes, id, rows};
pub use value::{expand_name, mac_bytes};

/// One value in printed form.
pub type Value = heapless::Vec<u8, { limits::VALUE }>;

/// A row of the table. Valid within one build only: settings are stored by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(u16);

impl Id {
    /// The row.
    pub fn row(self) -> &'static Variable {
        // Ids are only made by the table, from positions in it.
        &ROWS[usize::from(self.0)]
    }

    /// Every row, sorted by name.
    pub fn all() -> impl Iterator<Item = Id> {
        (0..ROWS.len() as u16).map(Id)
    }
}

/// The row of an id.
pub fn row(id: Id) -> &'static Variable {
    id.row()
}

/// What a variable accepts and how it prints.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `1`/`true`/`on` and `0`/`false`/`off` in any case; prints `1` or `0`.
    Bool,
    /// A decimal number (hexadecimal with `0x`) in a closed range; prints decimal.
    Number {
        /// The smallest value.
        min: i64,
        /// The largest value.
        max: i64,
    },
    /// A bit mask up to this value; prints hexadecimal with `0x`.
    Mask(u32),
    /// The number of a GPIO, or -1 for none.
    Gpio,
    /// One of these words, compared without regard to case; prints as listed.
    Choice(&'static [&'static str]),
    /// Text without control characters, with a closed range of lengths in bytes.
    Text {
        /// The smallest length in bytes.
        min: usize,
        /// The largest length in bytes.
        max: usize,
        /// The empty string is allowed although `min` is larger.
        optional: bool,
    },
    /// Any bytes, up to this number (network names).
    Bytes(usize),
    /// Passphrase of this to 63 characters, or 64 hexadecimal digits, or empty.
    Passkey(usize),
    /// Letters, digits, `-` and `.`, with trailing `#` signs; up to this number.
    Name(usize),
    /// A dotted IPv4 address.
    Ipv4,
    /// `XX:XX:XX:XX:XX:XX` (colons may be left out), or empty; prints upper case with colons.
    Mac,
    /// `[+/-]H[:30]` (time zone).
    Zone,
    /// Comma-separated words out of a list, where `*` stands for a number (`broadcast.data`).
    Fields(&'static [&'static str]),
    /// A UART speed: a standard one, or any with the extra word `raw`.
    Baud,
    /// The direction of a GPIO and, for outputs, a level: `out 1`.
    Direction,
    /// LED patterns separated by `|`; the list has the number of patterns of each element.
    Patterns(&'static [u8]),
    /// Indexed: the first word names the element, the rest is a value of the inner kind. A default of several lines
    /// has one line an element.
    Indexed(Index, &'static Kind),
    /// Read only: computed when asked for.
    Live,
    /// As `Live`, of several lines; not printed with its group.
    Report,
}

/// What the first word of an indexed variable may be.
#[derive(Clone, Copy, Debug)]
pub enum Index {
    /// A number below this (UARTs).
    Number(u8),
    /// A GPIO: a number below [`limits::GPIOS`], or a name out of `gpio.alias`.
    Gpio,
    /// As `Gpio`, and `-1` takes the given words out of every element.
    GpioOrAll,
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

/// Prints a live value, without a final line end. `option` is the format word after the name (`utc`), empty without
/// one.
pub type Show = fn(base: &Base, option: &str, out: &mut Output<'_>) -> Result<(), ValueError>;

/// Reacts to a `set` that was accepted, and to the value that `load` brings (switches of several variables, the clock).
pub type Changed = fn(base: &Base, value: &[u8]) -> Result<(), ValueError>;

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

/// One row of the table: everything there is to know about a variable.
#[derive(Clone, Copy, Debug)]
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
    /// What an API token must allow for setting it.
    pub scope: Scope,
    /// For computed variables: how to print the value. Such a row keeps no value; a `set` only calls `changed`.
    pub show: Option<Show>,
    /// For variables with an effect beyond being stored.
    pub changed: Option<Changed>,
    /// How far it is built.
    pub status: Conformance,
    /// One sentence for `help` and the documents.
    pub summary: &'static str,
}

/// The answer has no room left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Where printed variables go. Values may hold any byte.
pub trait Sink {
    /// Takes all the bytes, or none.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full>;
}

impl<const N: usize> Sink for heapless::Vec<u8, N> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.extend_from_slice(bytes).map_err(|_| Full)
    }
}

#[cfg(any(feature = "linux", test))]
impl Sink for std::vec::Vec<u8> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// A sink for one value that also takes formatted text and knows whether anything was written.
pub struct Output<'a> {
    sink: &'a mut dyn Sink,
    written: bool,
}

impl<'a> Output<'a> {
    /// Writes into `sink`.
    pub fn new(sink: &'a mut dyn Sink) -> Self {
        Self { sink, written: false }
    }

    /// Writes bytes.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.written |= !bytes.is_empty();
        self.sink.put(bytes)
    }
}

impl fmt::Write for Output<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes()).map_err(|_| fmt::Error)
    }
}
