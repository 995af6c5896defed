//! The index of files, and who writes and reads them.

use crc::Digest;
use heapless::Vec;

use super::error::FileError;
use super::meta::{FileSpec, Meta, check_name, flag};
use super::record::{self, CRC32};
use super::volume::{Id, Stage, Volume, entry_name};
use crate::limits;
use crate::port::{Handle, PortError, Storage};
use crate::wire::crc16::Crc16;

/// Flash is granted in units of 4 KB (http-and-files reference 9.1).
const UNIT: u64 = 4096;
/// Bytes of a unit that can hold content; a block of LittleFS also holds the links of its list.
const UNIT_PAYLOAD: u64 = UNIT - 8;

/// A committed file.
struct Entry {
    id: Id,
    meta: Meta,
    content: Content,
}

/// What is known of the content of a committed file. Flash may have lost bits while the power was off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Not read since the start.
    Unknown,
    /// Matches its check sum, or was written in this life.
    Sound,
    /// Does not match.
    Damaged,
}

/// A file being written.
struct Writing {
    id: Id,
    file: Handle,
    /// Of a growing file: with the size that it has so far.
    meta: Meta,
    written: u32,
    /// The size is not known beforehand: `finish` ends the file.
    growing: bool,
    crc: Crc16,
    expected: Option<u16>,
    crc32: Option<(Digest<'static, u32>, u32)>,
}

impl Writing {
    /// Compares the check sums that the host gave.
    fn check(&self) -> Result<(), FileError> {
        // Hosts give either 0 or 0xFFFF for an empty file.
        let empty = self.meta.size == 0 && self.expected == Some(0);
        let wrong16 = self.expected.is_some_and(|expected| expected != self.crc.value()) && !empty;
        let wrong32 = self.crc32.as_ref().is_some_and(|(digest, expected)| digest.clone().finalize() != *expected);
        // Where both are demanded, the host has not said which of them its value is.
        let wrong =
            if self.expected.is_some() && self.crc32.is_some() { wrong16 && wrong32 } else { wrong16 || wrong32 };
        if wrong { Err(FileError::Corrupt) } else { Ok(()) }
    }

    /// Bytes of content after a write of `length` more, if they may come: no more than declared, and of a growing file
    /// no more than there is `free` flash for.
    fn after(&self, length: usize, free: u64) -> Result<u32, FileError> {
        let written = u32::try_from(length).ok().and_then(|length| self.written.checked_add(length));
        if !self.growing {
            return written.filter(|&written| written <= self.meta.size).ok_or(FileError::TooLong);
        }
        let written = written.filter(|&written| written <= u32::MAX - record::MAX as u32).ok_or(FileError::NoRoom)?;
        let more = footprint(written) - footprint(self.written);
        if more <= free { Ok(written) } else { Err(FileError::NoRoom) }
    }

    /// Flash that is promised to this file and not written yet.
    fn reserved(&self) -> u64 {
        let written = u64::from(self.written);
        footprint(self.meta.size) - (written - written % UNIT)
    }
}

/// A file being read, by one or more readers.
struct Reading {
    id: Id,
    file: Handle,
    readers: u16,
}

/// Everything that [`super::Files`] knows.
pub struct Store {
    volume: Volume,
    /// The number of the next file; 0 before the volume is mounted.
    next: Id,
    /// Sorted by number.
    entries: Vec<Entry, { limits::FILES }>,
    writers: Vec<Writing, { limits::FILE_WRITERS }>,
    readers: Vec<Reading, { limits::FILE_READERS }>,
    /// A replaced file that could not be removed. It would come back if its successor were deleted before it is gone,
    /// so every delete and replace removes it first; therefore there is at most one.
    stale: Option<Id>,
}

/// Removes entries of no use at the start, no more than the device itself can have left: others would hold it up. What
/// is not removed now is tried again at the next boot, and does no harm until then.
struct Sweep(usize);

impl Sweep {
    fn remove(&mut self, volume: Volume, stage: Stage, id: Id) {
        if let Some(left) = self.0.checked_sub(1) {
            self.0 = left;
            let _ = volume.remove(stage, id);
        }
    }
}

/// Bytes of flash that a file of `size` bytes takes at most.
fn footprint(size: u32) -> u64 {
    (u64::from(size) + record::MAX as u64).div_ceil(UNIT_PAYLOAD) * UNIT
}

impl Store {
    pub fn new(flash: &'static dyn Storage) -> Self {
        Self {
            volume: Volume { flash },
            next: 0,
            entries: Vec::new(),
            writers: Vec::new(),
            readers: Vec::new(),
            stale: None,
        }
    }

    pub fn mount(&mut self) -> Result<usize, FileError> {
        self.close_all();
        self.entries.clear();
        self.stale = None;
        self.next = 0;
        let volume = self.volume;
        let mut sweep = Sweep(limits::FILES);
        volume.each(Stage::Temporary, &mut |id| sweep.remove(volume, Stage::Temporary, id))?;
        let mut highest = 0;
        volume.each(Stage::Committed, &mut |id| {
            if self.index(id, &mut sweep) {
                highest = id;
            }
        })?;
        self.next = highest.checked_add(1).ok_or(FileError::NoRoom)?;
        Ok(self.entries.len())
    }

    fn close_all(&mut self) {
        let writers = self.writers.iter().map(|writer| writer.file);
        let readers = self.readers.iter().map(|reader| reader.file);
        writers.chain(readers).for_each(|file| self.volume.flash.close_file(file));
        self.writers.clear();
        self.readers.clear();
    }

    /// Takes a committed file into the index. Numbers come in ascending order, so a namesake there is older. Answers
    /// whether there is, or may be, a file of the device under this number.
    fn index(&mut self, id: Id, sweep: &mut Sweep) -> bool {
        let meta = match self.volume.load(id) {
            Ok(meta) => meta,
            Err(FileError::Corrupt) => {
                sweep.remove(self.volume, Stage::Committed, id);
                return false;
            }
            // The flash may answer better at the next boot; do not throw the file away.
            Err(_) => return true,
        };
        if let Some(older) = self.find(&meta.name) {
            let older = self.entries.remove(older).id;
            self.retire(older);
        }
        let _ = self.entries.push(Entry { id, meta, content: Content::Unknown });
        true
    }

    pub fn create(&mut self, spec: &FileSpec<'_>, growing: bool) -> Result<Id, FileError> {
        let size = if growing { 0 } else { spec.size };
        let name = check_name(spec.name)?;
        let next = self.next.checked_add(1).ok_or(FileError::NoRoom)?;
        self.mounted()?;
        self.check_free_name(&name, spec.replace)?;
        if self.writers.is_full() {
            return Err(FileError::TooManyOpen);
        }
        if footprint(size) > self.free() {
            return Err(FileError::NoRoom);
        }

        let id = self.next;
        self.next = next;
        let file = self.volume.flash.create(&entry_name(Stage::Temporary, id))?;
        let crc = Crc16::new();
        let meta = Meta {
            name,
            size,
            version: spec.version,
            kind: spec.kind,
            flags: spec.flags | flag::VALID,
            crc: crc.value(),
        };
        let writing = Writing { id, file, meta, written: 0, growing, crc, expected: spec.crc, crc32: None };
        // There is room: checked above.
        let _ = self.writers.push(writing);
        Ok(id)
    }

    fn mounted(&self) -> Result<(), FileError> {
        if self.next == 0 { Err(FileError::NotMounted) } else { Ok(()) }
    }

    /// The name may be created, and the table will have a row for it when it is complete.
    fn check_free_name(&self, name: &[u8], replace: bool) -> Result<(), FileError> {
        if self.writers.iter().any(|writer| writer.meta.name == name) {
            return Err(if replace { FileError::Busy } else { FileError::Exists });
        }
        match self.find(name) {
            Some(_) if replace => Ok(()),
            Some(_) => Err(FileError::Exists),
            None if self.entries.len() + self.promised_rows() < limits::FILES => Ok(()),
            None => Err(FileError::TableFull),
        }
    }

    /// Files being written that will need a row of their own.
    fn promised_rows(&self) -> usize {
        self.writers.iter().filter(|writer| self.find(&writer.meta.name).is_none()).count()
    }

    /// Flash that is neither used nor promised.
    fn free(&self) -> u64 {
        let promised: u64 = self.writers.iter().map(Writing::reserved).sum();
        u64::from(self.volume.flash.free_space()).saturating_sub(promised)
    }

    pub fn free_space(&self) -> u32 {
        let payload = (self.free() / UNIT * UNIT_PAYLOAD).saturating_sub(record::MAX as u64);
        u32::try_from(payload).unwrap_or(u32::MAX)
    }

    pub fn expect_crc32(&mut self, id: Id, crc: u32) -> Result<(), FileError> {
        let writer = self.writers.iter_mut().find(|writer| writer.id == id).ok_or(FileError::Gone)?;
        writer.crc32 = Some((CRC32.digest(), crc));
        Ok(())
    }

    pub fn writing(&self, id: Id) -> Option<(&Meta, u32)> {
        let writer = self.writers.iter().find(|writer| writer.id == id)?;
        Some((&writer.meta, writer.written))
    }

    pub fn write(&mut self, id: Id, data: &[u8]) -> Result<bool, FileError> {
        let flash = self.volume.flash;
        let free = self.free();
        let writer = self.writers.iter_mut().find(|writer| writer.id == id).ok_or(FileError::Gone)?;
        let written = writer.after(data.len(), free)?;
        if !data.is_empty()
            && let Err(error) = flash.append(writer.file, data)
        {
            if flash.length(writer.file) != Ok(writer.written) {
                self.abandon(id);
            }
            return Err(error.into());
        }
        writer.written = written;
        writer.crc.update(data);
        if let Some((digest, _)) = &mut writer.crc32 {
            digest.update(data);
        }
        if writer.growing {
            writer.meta.size = written;
        }
        if writer.growing || written < writer.meta.size {
            return Ok(false);
        }
        self.complete(id).map(|()| true)
    }

    /// Ends a writer that no more bytes come for: a file that is not whole vanishes.
    pub fn finish(&mut self, id: Id) -> Result<(), FileError> {
        let writer = self.writers.iter().find(|writer| writer.id == id).ok_or(FileError::Gone)?;
        if writer.written == writer.meta.size {
            return self.complete(id);
        }
        self.abandon(id);
        Err(FileError::Incomplete)
    }

    /// All content is there: checks it and commits the file, or removes it.
    fn complete(&mut self, id: Id) -> Result<(), FileError> {
        let Some(mut writer) = self.take_writer(id) else {
            return Err(FileError::Gone);
        };
        writer.meta.crc = writer.crc.value();
        let stored = writer.check().and_then(|()| self.seal(&writer));
        self.volume.flash.close_file(writer.file);
        let committed = stored.and_then(|()| self.commit(id, writer.meta));
        if committed.is_err() {
            // Under either name: a rename may have failed halfway. The next boot removes what cannot be removed now.
            let _ = self.volume.remove(Stage::Temporary, id);
            let _ = self.volume.remove(Stage::Committed, id);
        }
        committed
    }

    /// Writes the record and makes everything durable.
    fn seal(&self, writer: &Writing) -> Result<(), FileError> {
        let record = record::encode(&writer.meta).ok_or(FileError::InvalidName)?;
        self.volume.flash.append(writer.file, &record)?;
        self.volume.flash.sync(writer.file)?;
        Ok(())
    }

    /// The switch: from here on the file is there, and an older one of its name is not.
    fn commit(&mut self, id: Id, meta: Meta) -> Result<(), FileError> {
        let older = self.find(&meta.name);
        match older {
            Some(_) => self.sweep()?,
            None if self.entries.is_full() => return Err(FileError::TableFull),
            None => {}
        }
        self.volume.rename(id, Stage::Temporary, Stage::Committed)?;
        if let Some(older) = older {
            let older = self.entries.remove(older).id;
            self.retire(older);
        }
        let place = self.entries.partition_point(|entry| entry.id < id);
        // There is room: checked above.
        let _ = self.entries.insert(place, Entry { id, meta, content: Content::Sound });
        Ok(())
    }

    /// Lets a replaced file go, which is in the index no longer.
    fn retire(&mut self, id: Id) {
        if self.remove_committed(id).is_err() {
            self.stale = Some(id);
        }
    }

    /// Removes a replaced file that could not be removed before.
    fn sweep(&mut self) -> Result<(), FileError> {
        if let Some(id) = self.stale {
            self.remove_committed(id)?;
            self.stale = None;
        }
        Ok(())
    }

    /// Makes a committed file vanish, atomically. While it is read, its content stays in a temporary entry.
    fn remove_committed(&self, id: Id) -> Result<(), FileError> {
        if !self.readers.iter().any(|reader| reader.id == id) {
            return self.volume.remove(Stage::Committed, id);
        }
        self.volume.rename(id, Stage::Committed, Stage::Temporary)
    }

    pub fn abandon(&mut self, id: Id) {
        if let Some(writer) = self.take_writer(id) {
            self.volume.flash.close_file(writer.file);
            // The next boot removes what cannot be removed now.
            let _ = self.volume.remove(Stage::Temporary, id);
        }
    }

    fn take_writer(&mut self, id: Id) -> Option<Writing> {
        let place = self.writers.iter().position(|writer| writer.id == id)?;
        Some(self.writers.swap_remove(place))
    }

    pub fn open(&mut self, name: &[u8]) -> Result<(Id, Meta), FileError> {
        let place = self.find(name).ok_or(FileError::NotFound)?;
        let entry = self.entries.get(place).ok_or(FileError::NotFound)?;
        if entry.content == Content::Damaged {
            return Err(FileError::Corrupt);
        }
        if let Some(open) = self.readers.iter_mut().find(|reader| reader.id == entry.id) {
            open.readers = open.readers.checked_add(1).ok_or(FileError::TooManyOpen)?;
            return Ok((entry.id, entry.meta.clone()));
        }
        if self.readers.is_full() {
            return Err(FileError::TooManyOpen);
        }
        let file = match self.volume.flash.open(&entry_name(Stage::Committed, entry.id)) {
            Ok(file) => file,
            Err(PortError::NoRoom) => return Err(FileError::TooManyOpen),
            Err(error) => return Err(error.into()),
        };
        // There is room: checked above.
        let _ = self.readers.push(Reading { id: entry.id, file, readers: 1 });
        Ok((entry.id, entry.meta.clone()))
    }

    /// The content of a file was compared with its check sum since the start. Not so for a file that is gone.
    pub fn is_verified(&self, id: Id) -> bool {
        self.entries.iter().any(|entry| entry.id == id && entry.content == Content::Sound)
    }

    /// Notes what a comparison has shown.
    pub fn judge(&mut self, id: Id, sound: bool) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            entry.content = if sound { Content::Sound } else { Content::Damaged };
        }
    }

    /// Fills the buffer, which must end within the content.
    pub fn read_at(&self, id: Id, position: u32, buffer: &mut [u8]) -> Result<(), FileError> {
        let reader = self.readers.iter().find(|reader| reader.id == id).ok_or(FileError::Gone)?;
        let count = self.volume.flash.read_at(reader.file, position, buffer)?;
        if count == buffer.len() { Ok(()) } else { Err(FileError::Corrupt) }
    }

    pub fn close(&mut self, id: Id) {
        let Some(place) = self.readers.iter().position(|reader| reader.id == id) else {
            return;
        };
        if let Some(reader) = self.readers.get_mut(place).filter(|reader| reader.readers > 1) {
            reader.readers -= 1;
            return;
        }
        self.volume.flash.close_file(self.readers.swap_remove(place).file);
        if !self.entries.iter().any(|entry| entry.id == id) {
            // It was deleted under its reader. The next boot removes what cannot be removed now.
            let _ = self.volume.remove(Stage::Temporary, id);
        }
    }

    pub fn delete(&mut self, name: &[u8]) -> Result<(), FileError> {
        let place = self.find(name).ok_or(FileError::NotFound)?;
        self.delete_at(place)
    }

    fn delete_at(&mut self, place: usize) -> Result<(), FileError> {
        self.sweep()?;
        let id = self.entries.get(place).ok_or(FileError::NotFound)?.id;
        self.remove_committed(id)?;
        self.entries.remove(place);
        Ok(())
    }

    pub fn erase_all(&mut self, keep_essential: bool) -> Result<(), FileError> {
        self.mounted()?;
        while let Some(id) = self.writers.last().map(|writer| writer.id) {
            self.abandon(id);
        }
        let mut outcome = Ok(());
        for place in (0..self.entries.len()).rev() {
            let essential = self.entries.get(place).is_some_and(|entry| entry.meta.is_essential());
            if !(keep_essential && essential) {
                outcome = outcome.and(self.delete_at(place));
            }
        }
        if !keep_essential {
            outcome = outcome.and(self.erase_unlisted());
        }
        outcome
    }

    /// Removes files that [`Store::mount`] could not take into the index.
    fn erase_unlisted(&self) -> Result<(), FileError> {
        let volume = self.volume;
        let mut outcome = Ok(());
        volume.each(Stage::Committed, &mut |id| {
            if !self.entries.iter().any(|entry| entry.id == id) {
                outcome = outcome.and(volume.remove(Stage::Committed, id));
            }
        })?;
        outcome
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        self.entries.iter().position(|entry| entry.meta.name == name)
    }

    pub fn stat(&self, name: &[u8]) -> Option<&Meta> {
        self.find(name).and_then(|place| self.entry(place))
    }

    pub fn entry(&self, index: usize) -> Option<&Meta> {
        self.entries.get(index).map(|entry| &entry.meta)
    }

    pub fn count(&self) -> usize {
        self.entries.len()
    }
}
