//! `save` and `load`.

use super::store::Element;
use super::{Id, Kind, Variables, print};
use crate::limits;

/// Bytes of a record.
pub(super) const RECORD: usize = limits::SETTINGS;

/// Bytes of a record besides its entries: array, version, sequence number, map and checksum.
const OVERHEAD: usize = 1 + 1 + 5 + 3 + 5;

/// Bytes of one entry at most.
pub(super) fn entry_size(id: Id, element: Element, value: usize) -> usize {
    let mut name = heapless::String::<{ NAME }>::new();
    let _ = write_name(id, element, &mut name);
    2 + name.len() + 2 + value
}

/// Bytes of the longest name with its element.
const NAME: usize = 64;

/// Writes the name of an entry: `uart.baud 0`.
fn write_name(id: Id, element: Element, out: &mut dyn core::fmt::Write) -> core::fmt::Result {
    out.write_str(id.row().name)?;
    if let Kind::Indexed(index, _) = id.row().kind {
        out.write_str(" ")?;
        print::write_element(index, element, out)?;
    }
    Ok(())
}

/// Bytes of the record that `save` would write.
pub(super) fn size_of(variables: &Variables) -> usize {
    let mut size = OVERHEAD;
    variables.each_saved(|id, element, value| size += entry_size(id, element, value.len()));
    size
}

#[allow(missing_docs)]
#[derive(Debug)]
pub struct SaveError;
#[allow(missing_docs)]
pub fn save(_: &crate::base::Base) -> Result<(), SaveError> {
    Err(SaveError)
}
#[allow(missing_docs)]
pub fn erase(_: &crate::base::Base) -> Result<(), SaveError> {
    Err(SaveError)
}
#[allow(missing_docs)]
pub fn load(_: &crate::base::Base) {}
#[allow(missing_docs)]
pub fn save_text(_: &crate::base::Base, _: &mut dyn super::Sink) -> Result<(), super::ValueError> {
    Ok(())
}
