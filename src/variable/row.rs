//! What a row of the table of variables says.

use crate::conformance::Conformance;

/// What a variable accepts and how it prints.
#[derive(Clone, Copy, Debug)]
pub enum ValueKind {
    /// `1`/`true`/`on` and `0`/`false`/`off` in any case; prints `1` or `0`.
    Bool,
    /// A decimal number (hexadecimal with `0x`) in a closed range; prints decimal.
    Number {
        /// The smallest value.
        min: i32,
        /// The largest value.
        max: u32,
    },
    /// 0 for off, or a decimal number in a closed range.
    OffOr {
        /// The smallest value besides 0.
        min: i32,
        /// The largest value.
        max: u32,
    },
    /// Seconds since 1970, up to the end of the year 9999.
    Time,
    /// A bit mask up to this value; prints hexadecimal with `0x`.
    Mask(u32),
    /// The number of a GPIO, or -1 for none.
    Gpio,
    /// One of these words, compared without regard to case; prints as listed.
    Choice(&'static [&'static str]),
    /// Text without control characters, with a closed range of lengths in bytes.
    Text {
        /// The smallest length in bytes.
        min: u16,
        /// The largest length in bytes.
        max: u16,
        /// The empty string is allowed although `min` is larger.
        optional: bool,
    },
    /// Text as [`ValueKind::Text`] of up to this number of bytes, with tags of event messages (`system.msg`), or empty.
    Template(usize),
    /// Comma-separated names of variables and groups, or empty.
    Names,
    /// The name of a file of the device, or empty.
    File,
    /// The user of HTTP Basic authentication, up to this number of bytes: text without a colon (RFC 7617 2).
    User(usize),
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
    /// Comma-separated words from a list, where `*` stands for a number (`broadcast.data`).
    Fields(&'static [&'static str]),
    /// Up to this number of servers, comma-separated: `<host>[:<port>]`; or empty.
    Servers(usize),
    /// A URL to post to, of up to this number of bytes: see [`crate::wire::url::Url`]; or empty.
    Url(usize),
    /// Up to this number of services that the device announces: see [`crate::wire::dns_sd`]; or empty.
    Services(usize),
    /// A UART speed: a standard one, or any with the extra word `raw`.
    Baud,
    /// The direction of a GPIO and, for outputs, a level: `out 1`.
    Direction,
    /// LED patterns separated by `|`; the list has the number of patterns of each element.
    Patterns(&'static [u8]),
    /// Indexed: the first word names the element, the rest is a value of the inner kind. A default of several lines has
    /// one line per element.
    Indexed(Index, &'static ValueKind),
    /// Read only: computed when read.
    Live,
    /// As `Live`, of several lines; not printed with its group.
    Report,
}

/// What the first word of an indexed variable may be.
#[derive(Clone, Copy, Debug)]
pub enum Index {
    /// A number below this (UARTs).
    Number(u8),
    /// A GPIO: a number below [`crate::limits::GPIOS`], or a name from `gpio.alias`.
    Gpio,
    /// As `Gpio`, and `-1` removes the given words from every element.
    GpioOrAll,
    /// One of these words (indicators, events).
    Word(&'static &'static [&'static str]),
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

/// When a change takes effect (interface, variables/README).
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
    /// Hidden while `wlan.hide_passkey` is 1 (interface, variables 1.5).
    Passkey,
    /// Always hidden; reads as an empty value.
    Always,
}

// There are about 250 of them in the flash of a board.
#[cfg(target_pointer_width = "32")]
const _: () = assert!(size_of::<Variable>() <= 64);

/// One row of the table: everything about a variable.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// The full dotted name.
    pub name: &'static str,
    /// The fixed abbreviation with blanks, empty when there is none.
    pub abbr: &'static str,
    /// What it accepts.
    pub kind: ValueKind,
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
    /// Whether it guards the device: a client that may only configure the device must not set this.
    pub guarded: bool,
    /// Computed when read: `live.rs` has the function. Such a row keeps no value of its own.
    pub computed: bool,
    /// How far it is built.
    pub status: Conformance,
    /// One sentence for `help` and the documents.
    pub summary: &'static str,
}
