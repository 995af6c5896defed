//! `save` and `load`: the user's values as one record in flash, and as a settings file.
//!
//! A record is a CBOR array of four: version, sequence number, a map of names to values (byte strings), and the CRC-32
//! of all bytes before it. Records are written to the two slots of the port in turn, never over the newest valid one,
//! so that a power cut leaves the old or the new record. Values are stored by name: rows may move between releases, and
//! a release leaves out values that it does not know or accept any more.

use core::fmt::{self, Write};

use crc::{CRC_32_ISO_HDLC, Crc, Table};
use minicbor::encode::write::Cursor;
use minicbor::{Decoder, Encoder};

use super::base::Base;
use super::element::{Element, entry_name};
use super::error::ValueError;
use super::output::{Output, Sink};
use super::row::{Access, ValueKind};
use super::set;
use super::store::{RECORD, Variables};
use super::table::{Id, find_bytes};
use super::value::Value;
use crate::ground::{FlashTurn, Scratch};
use crate::port::{FlashWork, PortError, Storage};

/// The version of the record's form. A record of another version is not read.
const VERSION: u32 = 1;

/// The checksum without its table of 1 KB: records are short and rare.
const CHECKSUM: Crc<u32, Table<0>> = Crc::<u32, Table<0>>::new(&CRC_32_ISO_HDLC);

/// Why settings could not be saved. The settings saved before are still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveError {
    /// The record does not fit. Does not happen: `set` refuses what could not be saved.
    Full,
    /// The flash did not take the record.
    Storage(PortError),
}

/// The reason in a log line.
impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("too many settings"),
            Self::Storage(error) => error.fmt(f),
        }
    }
}

/// The two slots, for reading.
pub(super) trait Slots {
    /// As [`Storage::slot_read`].
    fn read(&self, slot: u8, buffer: &mut [u8]) -> Result<usize, PortError>;
}

/// The two slots, for writing: by one writer at a time.
pub(super) trait WritableSlots: Slots {
    /// Begins to write a slot. `record` is only needed during this call.
    fn begin(&self, slot: u8, record: &[u8]) -> Result<(), PortError>;
    /// Waits until it is written.
    async fn written(&self) -> Result<(), PortError>;
}

/// The slots of the port, and the right to write them.
struct Own<'a> {
    turn: FlashTurn<'a>,
    storage: &'a dyn Storage,
}

impl<'a> Own<'a> {
    async fn get(base: &'a Base) -> Self {
        Self { turn: base.flash.turn().await, storage: base.port.storage() }
    }
}

impl Slots for &dyn Storage {
    fn read(&self, slot: u8, buffer: &mut [u8]) -> Result<usize, PortError> {
        self.slot_read(slot, buffer)
    }
}

impl Slots for Own<'_> {
    fn read(&self, slot: u8, buffer: &mut [u8]) -> Result<usize, PortError> {
        self.storage.slot_read(slot, buffer)
    }
}

impl WritableSlots for Own<'_> {
    fn begin(&self, slot: u8, record: &[u8]) -> Result<(), PortError> {
        self.turn.begin(FlashWork::SlotWrite { slot, record })
    }

    async fn written(&self) -> Result<(), PortError> {
        self.turn.done().await
    }
}

/// Saves every value that differs from its default, as it is when the turn to write comes.
pub async fn save(base: &Base) -> Result<(), SaveError> {
    save_to(base.variables, base.scratch, &Own::get(base).await).await
}

/// Loads the last saved settings over the defaults; for boot. Returns whether there was a record.
pub fn load(base: &Base) -> bool {
    let found = load_from(base.variables, base.scratch, &base.port.storage());
    // Each row with a reaction gets its value, except switches that keep none.
    for (id, react) in set::reactions().filter(|(id, _)| !id.row().computed) {
        let value: Value = base.variables.value(id, Element(0));
        let _ = react(base, &value);
    }
    found
}

/// Erases the saved settings, except locked variables, in both slots, because old records hold secrets. The values in
/// RAM stay until the reboot.
pub async fn erase(base: &Base) -> Result<(), SaveError> {
    erase_in(base.variables, base.scratch, &Own::get(base).await).await
}

// --- The record -------------------------------------------------------------------------------------------------------

type EncodeError = minicbor::encode::Error<minicbor::encode::write::EndOfSlice>;

/// Which values a record gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    /// All that are not the defaults.
    All,
    /// Those that outlive a factory reset.
    Locked,
}

/// Writes a record and returns its length.
fn encode(buffer: &mut [u8], sequence: u32, variables: &Variables, which: Which) -> Result<usize, EncodeError> {
    let wanted = |id| which == Which::All || variables.survives(id);
    let mut count = 0;
    variables.each_saved(|id, _, _| count += u64::from(wanted(id)));
    let mut encoder = Encoder::new(Cursor::new(&mut *buffer));
    encoder.array(4)?.u32(VERSION)?.u32(sequence)?.map(count)?;
    let mut result = Ok(());
    variables.each_saved(|id, element, value| {
        if result.is_ok() && wanted(id) {
            result = encoder.str(&entry_name(id, element)).and_then(|encoder| encoder.bytes(value)).map(|_| ());
        }
    });
    result?;
    let end = encoder.writer().position();
    let checksum = CHECKSUM.checksum(buffer.get(..end).unwrap_or_default());
    let mut encoder = Encoder::new(Cursor::new(buffer.get_mut(end..).unwrap_or_default()));
    encoder.u32(checksum)?;
    Ok(end + encoder.writer().position())
}

/// Walks through a record and calls `each` with its entries; returns its sequence number if the record is complete.
fn decode(record: &[u8], mut each: impl FnMut(&str, &[u8])) -> Option<u32> {
    let mut decoder = Decoder::new(record);
    if decoder.array().ok()? != Some(4) || decoder.u32().ok()? != VERSION {
        return None;
    }
    let sequence = decoder.u32().ok()?;
    for _ in 0..decoder.map().ok()?? {
        let name = decoder.str().ok()?;
        each(name, decoder.bytes().ok()?);
    }
    let checked = record.get(..decoder.position())?;
    (decoder.u32().ok()? == CHECKSUM.checksum(checked)).then_some(sequence)
}

/// Reads one slot and returns the record's length and sequence number, if the record is complete.
fn read_slot(slots: &dyn Slots, slot: u8, buffer: &mut [u8]) -> Option<(usize, u32)> {
    let length = slots.read(slot, buffer).ok()?.min(buffer.len());
    Some((length, decode(&buffer[..length], |_, _| {})?))
}

/// The slot and sequence number of the newest complete record.
fn newest(slots: &dyn Slots, buffer: &mut [u8]) -> Option<(u8, u32)> {
    let first = read_slot(slots, 0, buffer).map(|(_, sequence)| (0, sequence));
    let second = read_slot(slots, 1, buffer).map(|(_, sequence)| (1, sequence));
    match (first, second) {
        // Sequence numbers wrap around.
        (Some((_, old)), Some((_, new))) if new.wrapping_sub(old) as i32 > 0 => second,
        (None, _) => second,
        _ => first,
    }
}

/// Writes a newer record into the slot that does not hold the newest one, and reads it back.
async fn write(
    slots: &impl WritableSlots,
    scratch: &Scratch,
    variables: &Variables,
    which: Which,
) -> Result<(), SaveError> {
    let (slot, sequence) = scratch.with(|buffer| begin(slots, record(buffer), variables, which))?;
    slots.written().await.map_err(SaveError::Storage)?;
    match scratch.with(|buffer| read_slot(slots, slot, record(buffer))) {
        Some((_, written)) if written == sequence => Ok(()),
        _ => Err(SaveError::Storage(PortError::Failed(0))),
    }
}

/// Begins to write a newer record; returns its slot and sequence number.
fn begin(
    slots: &impl WritableSlots,
    buffer: &mut [u8],
    variables: &Variables,
    which: Which,
) -> Result<(u8, u32), SaveError> {
    let (slot, sequence) = newest(slots, buffer).map_or((0, 0), |(slot, last)| (1 - slot, last.wrapping_add(1)));
    let length = encode(buffer, sequence, variables, which).map_err(|_| SaveError::Full)?;
    slots.begin(slot, buffer.get(..length).unwrap_or_default()).map_err(SaveError::Storage)?;
    Ok((slot, sequence))
}

pub(super) async fn save_to(
    variables: &Variables,
    scratch: &Scratch,
    slots: &impl WritableSlots,
) -> Result<(), SaveError> {
    write(slots, scratch, variables, Which::All).await
}

pub(super) async fn erase_in(
    variables: &Variables,
    scratch: &Scratch,
    slots: &impl WritableSlots,
) -> Result<(), SaveError> {
    write(slots, scratch, variables, Which::Locked).await?;
    write(slots, scratch, variables, Which::Locked).await
}

pub(super) fn load_from(variables: &Variables, scratch: &Scratch, slots: &dyn Slots) -> bool {
    scratch.with(|buffer| {
        let buffer = record(buffer);
        let Some((slot, _)) = newest(slots, buffer) else { return false };
        let Some((length, _)) = read_slot(slots, slot, buffer) else { return false };
        decode(&buffer[..length], |name, value| restore(variables, name, value));
        true
    })
}

/// The part of the scratch that a record may fill.
fn record(buffer: &mut [u8]) -> &mut [u8] {
    buffer.get_mut(..RECORD).unwrap_or_default()
}

/// Takes over one entry. Unknown names and values that are no longer valid are left out.
fn restore(variables: &Variables, name: &str, value: &[u8]) {
    let mut words = name.splitn(2, ' ');
    let Some((id, _)) = words.next().and_then(|name| find_bytes(&[name.as_bytes()])) else { return };
    let _ = variables.restore(id, words.next(), value);
}

// --- Settings files ---------------------------------------------------------------------------------------------------

/// Writes what `save` would save as a settings file: one `variable value` per line, quoted where needed (interface,
/// variables 1.4). Values that `get` hides are left out: anyone who may read files can read this one.
pub fn save_text(base: &Base, out: &mut dyn Sink) -> Result<(), ValueError> {
    let mut result = Ok(());
    base.variables.each_saved(|id, element, value| {
        if result.is_ok() && id.row().access != Access::Read {
            result = line(base, id, element, value, out);
        }
    });
    result
}

fn line(base: &Base, id: Id, element: Element, value: &[u8], out: &mut dyn Sink) -> Result<(), ValueError> {
    let mut out = Output::new(out);
    if base.variables.is_hidden(id) {
        return Ok(write!(out, "# {} is hidden\r\n", id.row().name)?);
    }
    write!(out, "{} ", entry_name(id, element))?;
    match id.row().kind {
        // These are several words.
        ValueKind::Indexed(_, ValueKind::Direction) => out.put(value)?,
        ValueKind::Indexed(_, ValueKind::Baud) => write!(out, "{} raw", value.escape_ascii())?,
        _ => quoted(value, &mut out)?,
    }
    Ok(out.put(b"\r\n")?)
}

/// Writes a value so that the command line reads it as one word.
fn quoted(value: &[u8], out: &mut Output<'_>) -> Result<(), ValueError> {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"\\#".contains(byte);
    if !value.is_empty() && value.iter().all(plain) {
        return Ok(out.put(value)?);
    }
    out.put(b"\"")?;
    for &byte in value {
        match byte {
            b'"' | b'\\' => out.put(&[b'\\', byte])?,
            b' '..=b'~' => out.put(&[byte])?,
            _ => write!(out, "\\x{byte:02X}")?,
        }
    }
    Ok(out.put(b"\"")?)
}
