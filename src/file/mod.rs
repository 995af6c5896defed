//! Named files with flags, type, version and CRC-16, safe against power cuts (interface, files).
//!
//! The name space is flat; `/` is a character like any other. A file appears when its last byte was written and its CRC
//! is right. It then stays as it is until it is deleted or replaced: its content cannot be changed. A power cut at any
//! moment leaves each file either complete or absent, and a file that is being replaced in its old or new form.
//!
//! `volume.rs` and `record.rs` achieve this: content and record go into a temporary entry, `sync` makes them durable,
//! one atomic rename commits them, and [`Files::mount`] removes entries that were not committed. This is slow on flash,
//! so it happens in a task of its own ([`Files::keep`], `keeper.rs`). The task goes on when the writer of the file is
//! gone, and only the writer waits for it.

mod error;
mod held;
mod keeper;
pub mod listing;
mod meta;
mod record;
mod store;
mod unfinished;
mod version;
mod volume;
mod writing;

#[cfg(test)]
mod tests;

use core::cell::RefCell;
use core::future::poll_fn;
use core::task::{Context, Poll};

use embassy_futures::yield_now;
use embassy_sync::waitqueue::{MultiWakerRegistration, WakerRegistration};

pub use error::FileError;
pub use meta::{FileSpec, Meta, Name, check_name, flag, kind};
pub use unfinished::Unfinished;
pub use version::Version;

use crate::ground::Flash;
use crate::limits;
use crate::wire::crc16::Crc16;
use held::Held;
use store::Store;
use volume::Id;

/// A file being written. Give it back with [`Files::abandon`] or [`Files::finish`], or let [`Unfinished`] do that.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the file and its flash stay reserved until it is complete or abandoned"]
pub struct Writer {
    id: Id,
}

/// A file open for reading. Give it back with [`Files::close`]. It reads the file as it was when it was opened, even
/// after the file was deleted or replaced.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the file stays open until it is closed"]
pub struct Reader {
    id: Id,
    meta: Meta,
    position: u32,
}

impl Reader {
    /// Name, size, version and the rest.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The number of the file on the volume. A file that takes its name gets another one.
    pub fn number(&self) -> u32 {
        self.id
    }

    /// Bytes of content.
    pub fn size(&self) -> u32 {
        self.meta.size
    }

    /// Where the next [`Files::read`] begins.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// Bytes from the position to the end.
    pub fn remaining(&self) -> u32 {
        self.meta.size.saturating_sub(self.position)
    }

    /// Moves the position, at most to the end.
    pub fn seek(&mut self, position: u32) {
        self.position = position.min(self.meta.size);
    }
}

/// The files of one device.
///
/// A task commits complete files ([`Files::keep`]); the writer waits with [`Files::stored`]. Other calls return when
/// the flash has done its work; none waits for anything else.
pub struct Files {
    flash: &'static Flash,
    store: RefCell<Store>,
    /// The task that commits.
    keeper: RefCell<WakerRegistration>,
    /// Tasks that wait for the end of a commit: one for each file, and those that wait for all.
    waiting: RefCell<MultiWakerRegistration<{ limits::FILE_WRITERS + 2 }>>,
}

impl Files {
    /// A file system on a flash, not mounted yet.
    pub fn new(flash: &'static Flash) -> Self {
        Self {
            flash,
            store: RefCell::new(Store::new(flash.storage())),
            keeper: RefCell::new(WakerRegistration::new()),
            waiting: RefCell::new(MultiWakerRegistration::new()),
        }
    }

    /// Reads the volume, at boot: indexes the committed files and removes damaged ones and leftovers of unfinished ones.
    ///
    /// Returns the number of files. Files beyond `limits::FILES` stay on flash but are not listed.
    /// Fails only when the volume cannot be read at all. Writers and readers from before become [`FileError::Gone`].
    pub fn mount(&self) -> Result<usize, FileError> {
        self.store.borrow_mut().mount()
    }

    /// Reserves name, table room and flash for a new file.
    ///
    /// Errors: `InvalidName`, `Exists`, `Busy`, `TableFull`, `TooManyOpen`, `NoRoom`, `NotMounted`, `Flash`.
    pub fn create(&self, spec: &FileSpec<'_>) -> Result<Writer, FileError> {
        self.store.borrow_mut().create(spec, false).map(|id| Writer { id })
    }

    /// The same for a file whose size is not known yet: `spec.size` is ignored, flash is reserved as the file grows,
    /// and the file is complete with [`Files::finish`]. A power cut before that leaves nothing of it.
    ///
    /// [`Files::write`] answers `NoRoom` and stores nothing when there is not enough flash for more.
    pub fn create_growing(&self, spec: &FileSpec<'_>) -> Result<Writer, FileError> {
        self.store.borrow_mut().create(spec, true).map(|id| Writer { id })
    }

    /// Requires this CRC-32 of the content (the form of Gecko OS 4 hosts); if a CRC-16 is required as well, one of the
    /// two must be right. For use between `create` and the first `write`.
    pub fn expect_crc32(&self, writer: &Writer, crc: u32) -> Result<(), FileError> {
        self.store.borrow_mut().expect_crc32(writer.id, crc)
    }

    /// Adds content: all of `data`, or none of it on failure. Answers whether the content is complete now: then wait
    /// for [`Files::stored`]. An empty file is complete after a write of no bytes.
    ///
    /// Errors: `TooLong` (nothing stored, the writer goes on), `Flash` or `NoRoom` (nothing stored; the writer goes on
    /// unless the flash left a torn write), `Corrupt` (check sum wrong; the file is removed), `Gone`.
    pub fn write(&self, writer: &Writer, data: &[u8]) -> Result<bool, FileError> {
        let whole = self.store.borrow_mut().write(writer.id, data)?;
        if whole {
            self.keeper.borrow_mut().wake();
        }
        Ok(whole)
    }

    /// Ends the content: a growing file is complete as it is, and so is a file of size 0; any other incomplete file
    /// vanishes with `Incomplete`. Then wait for [`Files::stored`].
    fn end(&self, writer: &Writer) -> Result<(), FileError> {
        self.store.borrow_mut().end(writer.id)?;
        self.keeper.borrow_mut().wake();
        Ok(())
    }

    /// Ends the content, and waits until the file is stored. A growing file is complete as it is, and so is a file of
    /// size 0; any other incomplete file vanishes with `Incomplete`. Other errors: those of [`Files::write`] and
    /// [`Files::stored`].
    pub async fn finish(&self, writer: Writer) -> Result<(), FileError> {
        Unfinished::new(self, writer).finish().await
    }

    /// Whether the content is complete, and the file stored or about to be.
    pub fn is_whole(&self, writer: &Writer) -> bool {
        self.store.borrow().is_whole(writer.id)
    }

    /// Waits until a file with complete content is committed; only one task may wait, once. Afterwards the writer is
    /// invalid. Errors: `Flash` or `NoRoom`, and the file is removed; `Gone`.
    pub async fn stored(&self, writer: &Writer) -> Result<(), FileError> {
        poll_fn(|context| self.poll_stored(writer, context)).await
    }

    /// [`Files::stored`] as a poll function.
    pub fn poll_stored(&self, writer: &Writer, context: &mut Context<'_>) -> Poll<Result<(), FileError>> {
        let outcome = self.store.borrow_mut().outcome(writer.id);
        if outcome.is_pending() {
            self.waiting.borrow_mut().register(context.waker());
        }
        outcome
    }

    /// Gives up a file: one with incomplete content vanishes, a complete one is stored nevertheless. Harmless when the
    /// writer is gone already.
    pub fn abandon(&self, writer: Writer) {
        self.give_up(&writer);
    }

    fn give_up(&self, writer: &Writer) {
        self.store.borrow_mut().give_up(writer.id);
    }

    /// Ends the content without waiting for the outcome: an empty file is stored, an incomplete one vanishes.
    pub fn release(&self, writer: Writer) {
        let _ = self.end(&writer);
        self.give_up(&writer);
    }

    /// Name, declared size and the rest of a file being written.
    pub fn writing(&self, writer: &Writer) -> Option<Meta> {
        self.store.borrow().writing(writer.id).map(|(meta, _)| meta.clone())
    }

    /// Bytes written so far.
    pub fn written(&self, writer: &Writer) -> Option<u32> {
        self.store.borrow().writing(writer.id).map(|(_, written)| written)
    }

    /// Opens a file for reading from its start.
    ///
    /// Errors: `NotFound`, `TooManyOpen`, `Flash`; `Corrupt` when [`Files::verify`] has found that already.
    pub fn open(&self, name: &[u8]) -> Result<Reader, FileError> {
        let (id, meta) = self.store.borrow_mut().open(name)?;
        Ok(Reader { id, meta, position: 0 })
    }

    /// Reads on from the reader's position. 0 only at the end of the file (or for an empty buffer).
    pub fn read(&self, reader: &mut Reader, buffer: &mut [u8]) -> Result<usize, FileError> {
        let count = self.read_at(reader, reader.position, buffer)?;
        reader.position += count as u32;
        Ok(count)
    }

    /// Reads at a position without moving the reader's own. Fewer bytes than requested only at the end of the file.
    ///
    /// Errors: `Flash`, `Corrupt` (the flash has fewer bytes than the file), `Gone`.
    pub fn read_at(&self, reader: &Reader, position: u32, buffer: &mut [u8]) -> Result<usize, FileError> {
        let left = reader.meta.size.saturating_sub(position) as usize;
        let count = buffer.len().min(left);
        let Some(buffer) = buffer.get_mut(..count).filter(|buffer| !buffer.is_empty()) else {
            return Ok(0);
        };
        self.store.borrow().read_at(reader.id, position, buffer)?;
        Ok(count)
    }

    /// Opens a file and compares it with its check sum; see [`Files::open`] and [`Files::verify`].
    pub async fn open_verified(&self, name: &[u8]) -> Result<Reader, FileError> {
        Held::open(self, name)?.verified().await
    }

    /// Compares the content of an open file with its check sum, unless that was done, or the file was written, since
    /// boot. Reads a large file in pieces, between which other tasks run.
    ///
    /// Errors: `Corrupt`, from then on by [`Files::open`] too; `Flash`, `Gone`.
    pub async fn verify(&self, reader: &Reader) -> Result<(), FileError> {
        if self.store.borrow().is_verified(reader.id) {
            return Ok(());
        }
        let (mut crc, mut position) = (Crc16::new(), 0);
        while position < reader.size() {
            position += self.add_piece(reader, position, &mut crc)?;
            yield_now().await;
        }
        self.judge(reader, crc.value() == reader.meta.crc)
    }

    /// Adds a piece to a check sum; answers the length of the piece, which is not 0 before the end.
    fn add_piece(&self, reader: &Reader, position: u32, crc: &mut Crc16) -> Result<u32, FileError> {
        let mut piece = [0; limits::FILE_PIECE];
        match self.read_at(reader, position, &mut piece) {
            Ok(count) => {
                crc.update(piece.get(..count).unwrap_or_default());
                Ok(count.max(1) as u32)
            }
            Err(FileError::Corrupt) => self.judge(reader, false).map(|()| 0),
            Err(error) => Err(error),
        }
    }

    fn judge(&self, reader: &Reader, sound: bool) -> Result<(), FileError> {
        self.store.borrow_mut().judge(reader.id, sound);
        if sound { Ok(()) } else { Err(FileError::Corrupt) }
    }

    /// Gives a reader back.
    pub fn close(&self, reader: Reader) {
        self.store.borrow_mut().close(reader.id);
    }

    /// Deletes a file. It is not found any more once the work on flash has begun. Its readers can read on. A file still
    /// being written is not found: abandon its writer.
    ///
    /// When this future is dropped meanwhile, the file is gone, but may exist again after the next boot.
    pub async fn delete(&self, name: &[u8]) -> Result<(), FileError> {
        self.store.borrow().id_of(name)?;
        let turn = self.flash.turn().await;
        let id = self.store.borrow().id_of(name)?;
        self.remove(&turn, id).await
    }

    /// The metadata of a file.
    pub fn stat(&self, name: &[u8]) -> Option<Meta> {
        self.store.borrow().stat(name).cloned()
    }

    /// The `index`-th file, counted from 0 in the order of creation.
    pub fn entry(&self, index: usize) -> Option<Meta> {
        self.store.borrow().entry(index).cloned()
    }

    /// How many complete files there are.
    pub fn count(&self) -> usize {
        self.store.borrow().count()
    }

    /// The size of the largest file that can be created now, in bytes.
    pub fn free_space(&self) -> u32 {
        self.store.borrow().free_space()
    }

    /// Deletes all files, or all but the essential ones (factory reset), and gives up unfinished ones; one per step,
    /// between which other tasks run. Files that are committed meanwhile stay.
    ///
    /// Goes on after a failure and returns the first failure.
    pub async fn erase_all(&self, keep_essential: bool) -> Result<(), FileError> {
        self.idle().await;
        let turn = self.flash.turn().await;
        let mut below = self.store.borrow_mut().begin_erase()?;
        let mut outcome = Ok(());
        loop {
            let next = self.store.borrow().next_below(below, keep_essential);
            let Some(id) = next else { break };
            below = id;
            outcome = outcome.and(self.remove(&turn, id).await);
        }
        if !keep_essential {
            outcome = outcome.and(self.store.borrow_mut().erase_unlisted());
        }
        outcome
    }
}
