//! Names and raw access on the port's flat volume.
//!
//! A file of the device is one entry of the volume, named by its number: `t0000002a` while it is written or after it
//! was deleted while being read, `f0000002a` once it is committed. All entries with a `t` may be removed at boot.
//! Numbers grow and are never used twice, so of two committed files of one name the larger number is the newer one.

use core::fmt::Write;

use heapless::{String, Vec};

use super::error::FileError;
use super::meta::Meta;
use super::record;
use crate::limits;
use crate::port::{Handle, PortError, Storage};

/// The number of a file on the volume; from 1.
pub type Id = u32;

/// Entries looked up in one pass over the volume: enough for all entries that the device has written itself.
const BATCH: usize = limits::FILES;

/// The meaning of the first letter of an entry's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not complete yet, or deleted but still being read.
    Temporary,
    /// A complete file.
    Committed,
}

/// An entry's name on the volume.
pub fn entry_name(stage: Stage, id: Id) -> String<12> {
    let letter = match stage {
        Stage::Temporary => 't',
        Stage::Committed => 'f',
    };
    let mut name = String::new();
    // Nine characters always fit.
    let _ = write!(name, "{letter}{id:08x}");
    name
}

/// Stage and number of an entry; `None` for names of other rooms, which this room does not touch.
pub fn parse_entry(name: &str) -> Option<(Stage, Id)> {
    let digits = name.get(1..)?;
    let stage = match name.as_bytes().first()? {
        b't' => Stage::Temporary,
        b'f' => Stage::Committed,
        _ => return None,
    };
    let id = Id::from_str_radix(digits, 16).ok().filter(|&id| id != 0)?;
    (entry_name(stage, id) == name).then_some((stage, id))
}

/// The volume.
#[derive(Clone, Copy)]
pub struct Volume {
    /// The port's flash.
    pub flash: &'static dyn Storage,
}

impl Volume {
    /// Calls `each` for every entry of a stage, in the order of the numbers.
    pub fn each(self, stage: Stage, each: &mut dyn FnMut(Id)) -> Result<(), FileError> {
        let mut last = 0;
        loop {
            let batch = self.batch(stage, last)?;
            let Some(&end) = batch.last() else {
                return Ok(());
            };
            last = end;
            batch.into_iter().for_each(&mut *each);
        }
    }

    /// The lowest numbers of a stage above `after`, sorted.
    fn batch(self, stage: Stage, after: Id) -> Result<Vec<Id, BATCH>, FileError> {
        let mut batch: Vec<Id, BATCH> = Vec::new();
        self.flash.list(&mut |name| match parse_entry(name) {
            Some((found, id)) if found == stage && id > after => insert_lowest(&mut batch, id),
            _ => {}
        })?;
        Ok(batch)
    }

    /// Reads the record of a committed file. [`FileError::Corrupt`] means that the entry is useless.
    pub fn load(self, id: Id) -> Result<Meta, FileError> {
        let file = self.flash.open(&entry_name(Stage::Committed, id))?;
        let meta = self.load_open(file);
        self.flash.close_file(file);
        meta
    }

    fn load_open(self, file: Handle) -> Result<Meta, FileError> {
        let length = self.flash.length(file)?;
        let start = length.saturating_sub(record::MAX as u32);
        let mut buffer = [0; record::MAX];
        let wanted = buffer.get_mut(..(length - start) as usize).ok_or(FileError::Corrupt)?;
        let count = self.flash.read_at(file, start, wanted)?;
        let tail = wanted.get(..count).ok_or(FileError::Corrupt)?;
        record::decode(tail, length).ok_or(FileError::Corrupt)
    }

    /// Removes an entry; a missing entry counts as success.
    pub fn remove(self, stage: Stage, id: Id) -> Result<(), FileError> {
        match self.flash.remove(&entry_name(stage, id)) {
            Ok(()) | Err(PortError::NotFound) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Adds `id` to a sorted batch; a full batch drops its largest number.
fn insert_lowest(batch: &mut Vec<Id, BATCH>, id: Id) {
    let place = batch.partition_point(|&other| other < id);
    if batch.is_full() {
        if place == batch.len() {
            return;
        }
        batch.pop();
    }
    // There is room now, and `place` is at most the length.
    let _ = batch.insert(place, id);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_entries() {
        assert_eq!(entry_name(Stage::Temporary, 42), "t0000002a");
        assert_eq!(entry_name(Stage::Committed, u32::MAX), "fffffffff");
        assert_eq!(parse_entry("f0000002a"), Some((Stage::Committed, 42)));
        for name in ["", "f", "f2a", "f0000002A", "f+000002a", "f00000000", "x0000002a", "f0000002a0", "é0000002a"] {
            assert_eq!(parse_entry(name), None, "{name:?}");
        }
    }

    #[test]
    fn the_lowest_stay() {
        let mut batch = Vec::new();
        let last = BATCH as u32 + 70;
        (1..=last).rev().chain(last + 10..last + 100).for_each(|id| insert_lowest(&mut batch, id));
        assert_eq!(batch.as_slice(), (1..=BATCH as u32).collect::<std::vec::Vec<_>>());
    }
}
