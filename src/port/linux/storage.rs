//! A folder as flash: slots for settings and faults, a volume of files, and a lock against a second device.

use std::cell::{Cell, RefCell};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;

use super::errors::{StartError, io_error};
use crate::port::{FlashWork, Handle, PortError, Result, Storage};

/// The slots: two for settings, one for faults.
const SLOTS: [&str; 3] = ["settings.a", "settings.b", "faults"];
/// The space that the smallest file takes.
const BLOCK: u64 = 4096;
/// Files open at once.
const MAX_OPEN: usize = 64;

/// An open file.
struct Open {
    /// Shared with the thread that makes it durable.
    file: Arc<File>,
    /// Created by us, so that data can be appended.
    writable: bool,
    length: u64,
}

#[derive(Default)]
struct OpenFile {
    generation: u16,
    open: Option<Open>,
}

/// The device's flash.
pub(super) struct Store {
    folder: PathBuf,
    volume: PathBuf,
    /// Bytes of space for files, counted in blocks.
    size: u64,
    used: Cell<u64>,
    /// The time of the folder's last change that `used` includes.
    measured: Cell<Option<SystemTime>>,
    /// Another thread has changed the folder.
    changed: Arc<AtomicBool>,
    open: RefCell<Vec<OpenFile>>,
    /// Holds the lock as long as it lives.
    _lock: File,
}

impl Store {
    /// Opens a folder, or creates it for its owner only. Refuses a folder that another process uses. `warnings` names
    /// whatever blocks settings or files; the device then works without them.
    pub(super) fn take_into_use(
        folder: &Path,
        size: u32,
        warnings: &mut Vec<String>,
    ) -> std::result::Result<Self, StartError> {
        let shown = folder.display();
        let make = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
        make(folder).map_err(|error| StartError::new(format_args!("create the data folder {shown}"), error))?;
        let lock = lock(folder)?;
        let volume = folder.join("volume");
        if let Err(error) = make(&volume) {
            warnings.push(format!("no files: cannot create the folder {}: {error}", volume.display()));
        }
        for name in SLOTS {
            let path = folder.join(name);
            if is_no_file(&path) {
                warnings.push(format!("{} is not a file: no settings are read from it", path.display()));
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            volume,
            size: size.into(),
            used: Cell::new(0),
            measured: Cell::new(None),
            changed: Arc::default(),
            open: RefCell::default(),
            _lock: lock,
        })
    }

    fn slot_path(&self, slot: u8) -> Result<PathBuf> {
        SLOTS.get(usize::from(slot)).map(|name| self.folder.join(name)).ok_or(PortError::NotFound)
    }

    /// Where a file of the volume is.
    fn path(&self, name: &str) -> Result<PathBuf> {
        if name.is_empty() {
            return Err(PortError::NotFound);
        }
        Ok(self.volume.join(file_name(name)))
    }

    fn insert(&self, open: Open) -> Result<Handle> {
        let mut slots = self.open.borrow_mut();
        let index = match slots.iter().position(|slot| slot.open.is_none()) {
            Some(free) => free,
            None if slots.len() < MAX_OPEN => {
                slots.push(OpenFile::default());
                slots.len() - 1
            }
            None => return Err(PortError::NoRoom),
        };
        let slot = &mut slots[index];
        slot.generation = slot.generation.wrapping_add(1);
        slot.open = Some(open);
        Ok(handle(index, slot))
    }

    /// Calls `action` with an open file.
    fn with<T>(&self, file: Handle, action: impl FnOnce(&mut Open) -> Result<T>) -> Result<T> {
        let mut slots = self.open.borrow_mut();
        let slot = find(&mut slots, file).ok_or(PortError::Closed)?;
        slot.open.as_mut().map_or(Err(PortError::Closed), action)
    }

    /// Counts `more` bytes of the flash as used.
    fn take(&self, more: u64) -> Result<()> {
        let used = self.used.get() + more;
        if used > self.size {
            return Err(PortError::NoRoom);
        }
        self.used.set(used);
        Ok(())
    }

    /// Counts the space that the files take, if others have changed the folder. Files that cannot be read count
    /// nothing.
    fn measure(&self) {
        let again = self.changed.swap(false, Ordering::AcqRel);
        let changed = changed(&self.volume);
        if !again && changed.is_some() && changed == self.measured.get() {
            return;
        }
        let files = fs::read_dir(&self.volume).into_iter().flatten().flatten();
        self.used.set(files.map(|entry| taken(&entry.path())).sum());
        self.measured.set(changed);
    }

    /// Does something that changes the folder and frees `freed` bytes, so that nothing has to be counted again.
    fn change<T>(&self, freed: u64, action: impl FnOnce() -> io::Result<T>) -> Result<T> {
        self.measure();
        let result = action().map_err(|error| io_error(&error));
        match result {
            Ok(_) => {
                self.used.set(self.used.get().saturating_sub(freed));
                self.measured.set(changed(&self.volume));
            }
            Err(_) => self.measured.set(None),
        }
        result
    }
}

impl Store {
    /// Work for another thread, so that a slow disk does not block the loop.
    pub(super) fn work(&self, work: &FlashWork<'_>) -> Result<impl FnOnce() -> Result<()> + Send + 'static> {
        let work = match *work {
            FlashWork::SlotWrite { slot, record } => Work::Replace(self.slot_path(slot)?, record.to_vec()),
            FlashWork::Sync(file) => Work::Sync(self.with(file, |open| Ok(open.file.clone()))?),
            FlashWork::Rename { from, to } => Work::Rename(self.path(from)?, self.path(to)?),
            FlashWork::Remove(name) => Work::Remove(self.path(name)?),
        };
        let (volume, changed) = (self.volume.clone(), self.changed.clone());
        Ok(move || {
            let result = work.carry_out(&volume);
            changed.store(true, Ordering::Release);
            result.map_err(|error| io_error(&error))
        })
    }
}

/// Work on the folder that may be slow.
enum Work {
    Replace(PathBuf, Vec<u8>),
    Sync(Arc<File>),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl Work {
    fn carry_out(&self, volume: &Path) -> io::Result<()> {
        match self {
            Self::Replace(path, content) => return replace(path, content),
            Self::Sync(file) => file.sync_all()?,
            Self::Rename(from, to) => {
                File::open(from)?.sync_all()?;
                fs::rename(from, to)?;
            }
            Self::Remove(path) => fs::remove_file(path)?,
        }
        sync_folder(volume)
    }
}

impl Storage for Store {
    fn slot_write(&self, slot: u8, record: &[u8]) -> Result<()> {
        self.work(&FlashWork::SlotWrite { slot, record })?()
    }

    /// `NoRoom` when the record is longer than the buffer.
    fn slot_read(&self, slot: u8, buffer: &mut [u8]) -> Result<usize> {
        let path = self.slot_path(slot)?;
        let file = open_file(&path).map_err(|error| io_error(&error))?.ok_or(PortError::NotFound)?;
        let mut record = Vec::new();
        // One byte more shows that it is too long.
        file.take(buffer.len() as u64 + 1).read_to_end(&mut record).map_err(|error| io_error(&error))?;
        buffer.get_mut(..record.len()).ok_or(PortError::NoRoom)?.copy_from_slice(&record);
        Ok(record.len())
    }

    /// Readers of the previous file can go on reading it.
    fn create(&self, name: &str) -> Result<Handle> {
        let path = self.path(name)?;
        match self.change(taken(&path), || fs::remove_file(&path)) {
            Ok(()) | Err(PortError::NotFound) => {}
            Err(error) => return Err(error),
        }
        self.measure();
        self.take(BLOCK)?;
        let new = || OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
        let file = self.change(0, new)?;
        self.insert(Open { file: file.into(), writable: true, length: 0 })
    }

    fn open(&self, name: &str) -> Result<Handle> {
        let open = open_nonblocking(&self.path(name)?, OFlags::empty()).map_err(|error| io_error(&error))?;
        let (file, length) = open.ok_or(PortError::NotFound)?;
        self.insert(Open { file: file.into(), writable: false, length })
    }

    fn append(&self, file: Handle, data: &[u8]) -> Result<()> {
        self.with(file, |open| {
            if !open.writable {
                return Err(PortError::Denied);
            }
            let length = open.length + data.len() as u64;
            let more = blocks(length) - blocks(open.length);
            self.take(more)?;
            if let Err(error) = open.file.write_all_at(data, open.length) {
                let _ = open.file.set_len(open.length);
                self.used.set(self.used.get() - more);
                return Err(io_error(&error));
            }
            open.length = length;
            Ok(())
        })
    }

    fn read_at(&self, file: Handle, position: u32, buffer: &mut [u8]) -> Result<usize> {
        self.with(file, |open| {
            let mut done = 0;
            while let Some(rest @ [_, ..]) = buffer.get_mut(done..) {
                match open.file.read_at(rest, u64::from(position) + done as u64) {
                    Ok(0) => break,
                    Ok(count) => done += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(io_error(&error)),
                }
            }
            Ok(done)
        })
    }

    fn length(&self, file: Handle) -> Result<u32> {
        self.with(file, |open| Ok(open.length.try_into().unwrap_or(u32::MAX)))
    }

    fn sync(&self, file: Handle) -> Result<()> {
        self.work(&FlashWork::Sync(file))?()
    }

    fn close_file(&self, file: Handle) {
        if let Some(slot) = find(&mut self.open.borrow_mut(), file) {
            slot.open = None;
        }
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.work(&FlashWork::Rename { from, to })?()
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.work(&FlashWork::Remove(name))?()
    }

    /// Includes files that people put into the folder.
    fn list(&self, each: &mut dyn FnMut(&str)) -> Result<()> {
        for entry in fs::read_dir(&self.volume).map_err(|error| io_error(&error))? {
            let entry = entry.map_err(|error| io_error(&error))?;
            let is_file = match entry.file_type() {
                Ok(kind) if kind.is_symlink() => fs::metadata(entry.path()).is_ok_and(|data| data.is_file()),
                kind => kind.is_ok_and(|kind| kind.is_file()),
            };
            if let (true, Some(name)) = (is_file, entry.file_name().to_str().and_then(device_name)) {
                each(&name);
            }
        }
        Ok(())
    }

    fn free_space(&self) -> u32 {
        self.measure();
        self.size.saturating_sub(self.used.get()).try_into().unwrap_or(u32::MAX)
    }
}

/// Bytes that a file of this length takes: whole blocks, and one even for an empty file.
fn blocks(length: u64) -> u64 {
    length.div_ceil(BLOCK).max(1) * BLOCK
}

/// Makes the names in a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn handle(index: usize, slot: &OpenFile) -> Handle {
    Handle(slot.generation.wrapping_mul(MAX_OPEN as u16) | index as u16)
}

fn find(slots: &mut [OpenFile], file: Handle) -> Option<&mut OpenFile> {
    let index = usize::from(file.0) % MAX_OPEN;
    slots.get_mut(index).filter(|slot| handle(index, slot) == file)
}

/// A file's name in the folder: the device's name, with a leading dot and the characters that are special on Linux
/// written as `%XX`.
fn file_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for (at, character) in name.char_indices() {
        if character.is_ascii_control() || matches!(character, '/' | '%') || (character == '.' && at == 0) {
            out.push_str(&format!("%{:02X}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
}

/// The device's name for a file in the folder; `None` for a name that the device cannot have written.
fn device_name(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let decoded = String::from_utf8(bytes).ok()?;
    (file_name(&decoded) == name).then_some(decoded)
}

/// When a folder was last changed.
fn changed(folder: &Path) -> Option<SystemTime> {
    fs::metadata(folder).and_then(|data| data.modified()).ok()
}

/// The space that a file of the volume takes; 0 if it is not a file.
fn taken(path: &Path) -> u64 {
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map_or(0, |data| blocks(data.len()))
}

/// Locks the folder against a second device, as long as the returned file lives.
fn lock(folder: &Path) -> std::result::Result<File, StartError> {
    let shown = folder.display();
    let lock =
        File::open(folder).map_err(|error| StartError::new(format_args!("open the data folder {shown}"), error))?;
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(lock),
        Err(Errno::WOULDBLOCK) => {
            let why = "another device is running on it; stop that one or give another folder with --data";
            Err(StartError::new(format_args!("use the data folder {shown}"), why))
        }
        Err(error) => Err(StartError::new(format_args!("lock the data folder {shown}"), error)),
    }
}

/// Whether the path exists and is not a regular file: a link, a folder, a named pipe, a device.
pub(super) fn is_no_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|data| !data.is_file())
}

/// Opens a regular file and returns its length; `None` for anything else. Without `NONBLOCK`, opening a named pipe
/// would block.
fn open_nonblocking(path: &Path, flags: OFlags) -> io::Result<Option<(File, u64)>> {
    let flags = (flags | OFlags::NONBLOCK).bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let data = file.metadata()?;
    Ok(data.is_file().then_some((file, data.len())))
}

/// Opens a file of the device itself, which is never a link; `None` when there is none.
fn open_file(path: &Path) -> io::Result<Option<File>> {
    match open_nonblocking(path, OFlags::NOFOLLOW) {
        Ok(open) => Ok(open.map(|(file, _)| file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(_) if is_no_file(path) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a small file, for its owner only, so that a power cut leaves the old file or the new one. It replaces a link
/// or a pipe of that name.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let write = || {
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&draft)))?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Reads a small text file; `None` when there is none.
pub(super) fn read_text(path: &Path) -> io::Result<Option<String>> {
    let Some(file) = open_file(path)? else { return Ok(None) };
    let mut text = String::new();
    file.take(4096).read_to_string(&mut text).map(|_| Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_the_folder_are_plain_and_come_back() {
        for name in
            ["a.txt", "webapp/index.html", "../../etc/passwd", ".hidden", "100%", "für alle", "%2F", "a b", "\0\n"]
        {
            let shown = file_name(name);
            assert!(!shown.contains(['/', '\0']) && !shown.starts_with('.'), "{shown}");
            assert_eq!(device_name(&shown).as_deref(), Some(name));
        }
        assert_eq!(device_name("%41"), None, "not written like this by the device");
        assert_eq!(device_name(".swp"), None);
        assert_eq!(device_name("%zz"), None);
        assert_eq!(device_name("%F"), None);
    }
}
