//! What a kind accepts, in words: for `help <variable>` and the documents.

use core::fmt::{self, Write};

use super::row::{Index, ValueKind};
use crate::ground::clock;
use crate::limits;

/// Writes what a kind accepts: `1-65535`, `default|wlan|softap`.
pub fn describe(kind: &ValueKind, out: &mut dyn Write) -> fmt::Result {
    match *kind {
        ValueKind::Bool => out.write_str("0|1"),
        ValueKind::Number { min, max } if i64::from(max) - i64::from(min) == 1 => write!(out, "{min}|{max}"),
        ValueKind::Number { min, max } => write!(out, "{min}-{max}"),
        ValueKind::OffOr { min, max } => write!(out, "0|{min}-{max}"),
        ValueKind::Time => write!(out, "0-{}", clock::LAST / 1000),
        ValueKind::Mask(max) => write!(out, "0x0-{max:#x}"),
        ValueKind::Gpio => write!(out, "<GPIO 0-{}>|-1", limits::GPIOS - 1),
        ValueKind::Choice(choices) => alternatives(choices, out),
        ValueKind::Text { min: 0, max, .. } => write!(out, "<text of up to {max} bytes>"),
        ValueKind::Bytes(max) => write!(out, "<text of up to {max} bytes>"),
        ValueKind::Template(max) => write!(out, "<text of up to {max} bytes with @t @h @m @@>|\"\""),
        ValueKind::Names => out.write_str("<variables or groups, comma-separated>|\"\""),
        ValueKind::File => write!(out, "<text of up to {} bytes>", limits::FILE_NAME),
        ValueKind::User(max) => write!(out, "<text of up to {max} bytes without a colon>"),
        ValueKind::Text { min, max, optional } => {
            write!(out, "<text of {min}-{max} bytes>{}", if optional { "|\"\"" } else { "" })
        }
        ValueKind::Passkey(min) => write!(out, "<{min}-63 characters>|<64 hexadecimal digits>|\"\""),
        ValueKind::Name(max) => write!(out, "<up to {max} of a-z A-Z 0-9 - . and # at the end>"),
        ValueKind::Ipv4 => out.write_str("<IPv4 address>"),
        ValueKind::Mac => out.write_str("<MAC address>|\"\""),
        ValueKind::Zone => out.write_str("[+|-]<hours 0-12>[:30]"),
        ValueKind::Fields(fields) => {
            out.write_str("comma-separated of ")?;
            alternatives(fields, out)
        }
        ValueKind::Services(most) => {
            write!(out, "<up to {most} of service[,<tcp|udp>,port[,key=value]...], comma-separated>|\"\"")
        }
        ValueKind::Servers(most) => write!(out, "<up to {most} of host[:port], comma-separated>|\"\""),
        ValueKind::Url(most) => write!(out, "<URL of up to {most} bytes>|\"\""),
        ValueKind::Baud => out.write_str("<standard speed>|<speed> raw"),
        ValueKind::Direction => out.write_str("<direction> [0|1]"),
        ValueKind::Patterns(_) => out.write_str("<pattern>|<pattern>|..."),
        ValueKind::Indexed(index, kind) => {
            describe_index(index, out)?;
            out.write_str(" ")?;
            describe(kind, out)
        }
        ValueKind::Live | ValueKind::Report => out.write_str("read only"),
    }
}

/// Writes what the first word of an indexed variable may be.
pub fn describe_index(index: Index, out: &mut dyn Write) -> fmt::Result {
    match index {
        Index::Number(count) => write!(out, "<0-{}>", count.saturating_sub(1)),
        Index::Gpio => write!(out, "<GPIO>"),
        Index::GpioOrAll => write!(out, "<GPIO>|-1"),
        Index::Word(words) => {
            out.write_str("<")?;
            alternatives(words, out)?;
            out.write_str(">")
        }
    }
}

fn alternatives(words: &[&str], out: &mut dyn Write) -> fmt::Result {
    for (at, word) in words.iter().enumerate() {
        write!(out, "{}{word}", if at > 0 { "|" } else { "" })?;
    }
    Ok(())
}
