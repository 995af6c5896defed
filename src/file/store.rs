//! The index of files, with their writers and readers.

use core::task::Poll;

use heapless::Vec;

use super::error::FileError;
use super::meta::{FileSpec, Meta, check_name, flag};
use super::record::{self, CRC32};
use super::volume::{Id, Stage, Volume, entry_name};
use super::writing::{Progress, UNIT, UNIT_PAYLOAD, Writing, footprint};
use crate::limits;
use crate::port::{Handle, PortError, Storage};
use crate::wire::crc16::Crc16;

/// A committed file.
struct Entry {
    id: Id,
    meta: Meta,
    content: Content,
}

/// The known state of the content of a committed file. Flash may have lost bits while the power was off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Not read since boot.
    Unknown,
    /// Matches its check sum, or was written since boot.
    Sound,
    /// Does not match its check sum.
    Damaged,
    /// Being removed: the file is not found any more.
    Leaving,
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
    /// A replaced file that could not be removed. It would come back if its successor were deleted first, so every
    /// delete and replace removes it before anything else; therefore there is at most one.
    stale: Option<Id>,
}

/// Removes useless entries at boot, at most as many as the device itself can have left: more would delay the boot. The
/// next boot tries the remaining ones again; they do no harm until then.
struct Sweep(usize);

impl Sweep {
    fn remove(&mut self, volume: Volume, stage: Stage, id: Id) {
        if let Some(left) = self.0.checked_sub(1) {
            self.0 = left;
            let _ = volume.remove(stage, id);
        }
    }
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
        let writers = self.writers.iter().filter(|writer| writer.is_unsettled()).map(|writer| writer.file);
        let readers = self.readers.iter().map(|reader| reader.file);
        writers.chain(readers).for_each(|file| self.volume.flash.close_file(file));
        self.writers.clear();
        self.readers.clear();
    }

    /// Adds a committed file to the index. Numbers come in ascending order, so a file of the same name there is older.
    /// Answers whether there is, or may be, a file of the device under this number.
    fn index(&mut self, id: Id, sweep: &mut Sweep) -> bool {
        let meta = match self.volume.load(id) {
            Ok(meta) => meta,
            Err(FileError::Corrupt) => {
                sweep.remove(self.volume, Stage::Committed, id);
                return false;
            }
            // The flash may be readable at the next boot; do not remove the file.
            Err(_) => return true,
        };
        if let Some(older) = self.find(&meta.name) {
            let older = self.entries.remove(older).id;
            if self.volume.remove(Stage::Committed, older).is_err() {
                self.stale = Some(older);
            }
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
        let writing = Writing {
            id,
            file,
            progress: Progress::Open,
            given_up: false,
            meta,
            written: 0,
            growing,
            crc,
            expected: spec.crc,
            crc32: None,
        };
        // There is room: checked above.
        let _ = self.writers.push(writing);
        Ok(id)
    }

    fn mounted(&self) -> Result<(), FileError> {
        if self.next == 0 { Err(FileError::NotMounted) } else { Ok(()) }
    }

    /// Checks that the name may be created, and that the table will have a row for it when it is complete.
    fn check_free_name(&self, name: &[u8], replace: bool) -> Result<(), FileError> {
        if self.writers.iter().any(|writer| writer.is_unsettled() && writer.meta.name == name) {
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
        self.writers.iter().filter(|writer| writer.is_unsettled() && self.find(&writer.meta.name).is_none()).count()
    }

    /// Flash that is neither used nor promised.
    fn free(&self) -> u64 {
        let promised: u64 = self.writers.iter().filter(|writer| writer.is_unsettled()).map(Writing::reserved).sum();
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
        if writer.progress != Progress::Open {
            return Err(FileError::TooLong);
        }
        let written = writer.after(data.len(), free)?;
        if !data.is_empty()
            && let Err(error) = flash.append(writer.file, data)
        {
            if flash.length(writer.file) != Ok(writer.written) {
                self.give_up(id);
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

    /// Ends the content: an incomplete file vanishes.
    pub fn end(&mut self, id: Id) -> Result<(), FileError> {
        let writer = self.writer(id)?;
        if writer.progress != Progress::Open {
            return Ok(());
        }
        if writer.written == writer.meta.size {
            return self.complete(id);
        }
        self.give_up(id);
        Err(FileError::Incomplete)
    }

    /// Checks the complete content. Afterwards the file is to be committed, or vanishes.
    fn complete(&mut self, id: Id) -> Result<(), FileError> {
        let writer = self.writers.iter_mut().find(|writer| writer.id == id).ok_or(FileError::Gone)?;
        writer.meta.crc = writer.crc.value();
        let checked = writer.check();
        match checked {
            Ok(()) => writer.progress = Progress::Whole,
            Err(_) => self.give_up(id),
        }
        checked
    }

    fn writer(&self, id: Id) -> Result<&Writing, FileError> {
        self.writers.iter().find(|writer| writer.id == id).ok_or(FileError::Gone)
    }

    pub fn is_whole(&self, id: Id) -> bool {
        self.writer(id).is_ok_and(|writer| writer.progress != Progress::Open)
    }

    /// The file that is to be committed next: the oldest.
    pub fn next_whole(&self) -> Option<Id> {
        self.writers.iter().filter(|writer| writer.progress == Progress::Whole).map(|writer| writer.id).min()
    }

    /// Appends the record to the content; answers the file that is to be made durable.
    pub fn append_record(&self, id: Id) -> Result<Handle, FileError> {
        let writer = self.writer(id)?;
        let record = record::encode(&writer.meta).ok_or(FileError::InvalidName)?;
        self.volume.flash.append(writer.file, &record)?;
        Ok(writer.file)
    }

    /// Closes the file of a writer, whether its content was written successfully or not.
    pub fn close_writer(&mut self, id: Id) {
        if let Ok(writer) = self.writer(id) {
            self.volume.flash.close_file(writer.file);
        }
    }

    /// Whether a file replaces another one, or takes the row of one that is being removed.
    pub fn replaces(&self, id: Id) -> Result<bool, FileError> {
        let name = &self.writer(id)?.meta.name;
        match self.find(name) {
            Some(_) => Ok(true),
            None if !self.entries.is_full() => Ok(false),
            None if self.entries.iter().any(|entry| entry.content == Content::Leaving) => Ok(true),
            None => Err(FileError::TableFull),
        }
    }

    /// Adds a file to the index after its entry got its name. Answers the file that it replaces.
    pub fn enter(&mut self, id: Id) -> Option<Id> {
        let meta = self.writer(id).ok()?.meta.clone();
        let older = self.find(&meta.name).map(|older| self.entries.remove(older).id);
        let place = self.entries.partition_point(|entry| entry.id < id);
        // There is room: `create` keeps a row free for each file being written.
        let _ = self.entries.insert(place, Entry { id, meta, content: Content::Sound });
        self.stale = older.or(self.stale);
        older
    }

    /// A replaced or removed file that is still on flash, as far as is known.
    pub fn stale(&self) -> Option<Id> {
        self.stale
    }

    /// A replaced or removed file is gone.
    pub fn retired(&mut self, id: Id) {
        self.stale = self.stale.filter(|stale| *stale != id);
        self.entries.retain(|entry| entry.id != id);
    }

    /// The number of a file.
    pub fn id_of(&self, name: &[u8]) -> Result<Id, FileError> {
        let entry = self.find(name).and_then(|place| self.entries.get(place));
        entry.map(|entry| entry.id).ok_or(FileError::NotFound)
    }

    /// Hides a file while it is removed from flash.
    pub fn leave(&mut self, id: Id) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            entry.content = Content::Leaving;
            self.stale = Some(id);
        }
    }

    /// A file could not be removed from flash.
    pub fn stay(&mut self, id: Id) {
        self.stale = self.stale.filter(|stale| *stale != id);
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            entry.content = Content::Unknown;
        }
    }

    /// Whether the file is being read.
    pub fn is_read(&self, id: Id) -> bool {
        self.readers.iter().any(|reader| reader.id == id)
    }

    /// Notes that a file was committed, or could not be and was removed.
    pub fn ended(&mut self, id: Id, outcome: Result<(), FileError>) {
        let Some(writer) = self.writers.iter_mut().find(|writer| writer.id == id) else { return };
        writer.progress = Progress::Ended(outcome);
        if writer.given_up {
            self.take_writer(id);
        }
    }

    /// The outcome of a complete file. Giving it also gives the writer back.
    pub fn outcome(&mut self, id: Id) -> Poll<Result<(), FileError>> {
        match self.writer(id).map(|writer| writer.progress) {
            Ok(Progress::Open) | Err(_) => Poll::Ready(Err(FileError::Gone)),
            Ok(Progress::Whole) => Poll::Pending,
            Ok(Progress::Ended(outcome)) => {
                self.take_writer(id);
                Poll::Ready(outcome)
            }
        }
    }

    /// Gives up a file that nobody writes any more and whose outcome nobody needs: it vanishes unless it is complete.
    pub fn give_up(&mut self, id: Id) {
        let Some(writer) = self.writers.iter_mut().find(|writer| writer.id == id) else { return };
        match writer.progress {
            Progress::Whole => writer.given_up = true,
            Progress::Ended(_) => drop(self.take_writer(id)),
            Progress::Open => {
                self.volume.flash.close_file(writer.file);
                self.take_writer(id);
                // The next boot removes what cannot be removed now.
                let _ = self.volume.remove(Stage::Temporary, id);
            }
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

    /// Whether the content of a file was compared with its check sum since boot. False for a file that is gone.
    pub fn is_verified(&self, id: Id) -> bool {
        self.entries.iter().any(|entry| entry.id == id && entry.content == Content::Sound)
    }

    /// Notes the result of a comparison.
    pub fn judge(&mut self, id: Id, sound: bool) {
        let here = |entry: &&mut Entry| entry.id == id && entry.content != Content::Leaving;
        if let Some(entry) = self.entries.iter_mut().find(here) {
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
            // It was deleted while it was read. The next boot removes it if this fails.
            let _ = self.volume.remove(Stage::Temporary, id);
        }
    }

    /// Gives up incomplete files; answers a number above all that are to be erased.
    pub fn begin_erase(&mut self) -> Result<Id, FileError> {
        self.mounted()?;
        let open = |writer: &&Writing| writer.progress == Progress::Open;
        while let Some(id) = self.writers.iter().find(open).map(|writer| writer.id) {
            self.give_up(id);
        }
        Ok(self.next)
    }

    /// The newest of the files to be erased with a number below `below`.
    pub fn next_below(&self, below: Id, keep_essential: bool) -> Option<Id> {
        let doomed = |entry: &&Entry| {
            entry.id < below && entry.content != Content::Leaving && !(keep_essential && entry.meta.is_essential())
        };
        self.entries.iter().rev().find(doomed).map(|entry| entry.id)
    }

    /// Removes files that [`Store::mount`] could not add to the index.
    pub fn erase_unlisted(&self) -> Result<(), FileError> {
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
        self.entries.iter().position(|entry| entry.content != Content::Leaving && entry.meta.name == name)
    }

    pub fn stat(&self, name: &[u8]) -> Option<&Meta> {
        self.find(name).and_then(|place| self.entries.get(place)).map(|entry| &entry.meta)
    }

    pub fn entry(&self, index: usize) -> Option<&Meta> {
        self.listed().nth(index)
    }

    pub fn count(&self) -> usize {
        self.listed().count()
    }

    fn listed(&self) -> impl Iterator<Item = &Meta> {
        self.entries.iter().filter(|entry| entry.content != Content::Leaving).map(|entry| &entry.meta)
    }
}
