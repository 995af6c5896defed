//! The elements of an indexed variable: how each is named, and how many bytes it takes in a record of settings.

use core::fmt::Write;

use heapless::String;

use super::row::{Index, ValueKind};
use super::table::Id;

/// One element of a variable; plain variables have only element 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element(pub(super) u8);

/// Bytes of the longest name with its element.
const NAME: usize = 64;

/// Writes what names an element on the command line: its number or word.
pub(super) fn write_element(index: Index, element: Element, out: &mut dyn Write) -> core::fmt::Result {
    match index {
        Index::Word(names) => out.write_str(names.get(usize::from(element.0)).unwrap_or(&"")),
        Index::Number(_) | Index::Gpio | Index::GpioOrAll => write!(out, "{}", element.0),
    }
}

/// The name of an entry of a record: `uart.baud 0`.
pub(super) fn entry_name(id: Id, element: Element) -> String<NAME> {
    let mut name = String::new();
    // The longest name is shorter; a test asserts it.
    let _ = name.push_str(id.row().name);
    if let ValueKind::Indexed(index, _) = id.row().kind {
        let _ = name.push(' ');
        let _ = write_element(index, element, &mut name);
    }
    name
}

/// The most bytes of one entry of a record.
pub(super) fn entry_size(id: Id, element: Element, value: usize) -> usize {
    2 + entry_name(id, element).len() + 2 + value
}

/// Bytes of a record besides its entries: array, version, sequence number, map and checksum.
pub(super) const OVERHEAD: usize = 1 + 1 + 5 + 3 + 5;
