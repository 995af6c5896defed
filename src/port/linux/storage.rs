//! A folder as flash: two settings slots, a volume of files, and a lock against a second device.

use std::cell::{Cell, RefCell};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;

use super::StartError;
use super::errors::io_error;
use crate::port::{Handle, PortError, Result, Storage};

/// What the smallest file takes.
const BLOCK: u64 = 4096;
/// Files open at once.
const MAX_OPEN: usize = 64;

/// An open file.
struct Open {
    file: File,
    /// Created by us, so that it can be added to.
    writable: bool,
    length: u64,
}

#[derive(Default)]
struct Slot {
    generation: u16,
    open: Option<Open>,
}

/// The device's flash.
pub(super) struct Store {
    folder: PathBuf,
    volume: PathBuf,
    /// Bytes that the files may take, counted in blocks.
    size: u64,
    used: Cell<u64>,
    open: RefCell<Vec<Slot>>,
    /// Holds the lock as long as it lives.
    _lock: File,
}

impl Store {
    /// Takes a folder into use, and creates it when there is none. Refuses one that another process uses.
    pub(super) fn take_into_use(folder: &Path, size: u32) -> std::result::Result<Self, StartError> {
        let shown = folder.display();
        let volume = folder.join("volume");
        fs::create_dir_all(&volume)
            .map_err(|error| StartError::new(format_args!("create the data folder {shown}"), error))?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join("lock"))
            .map_err(|error| StartError::new(format_args!("lock the data folder {shown}"), error))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let why = "another device is running on it; stop that one or give another folder with --data";
                return Err(StartError::new(format_args!("use the data folder {shown}"), why));
            }
            Err(error) => return Err(StartError::new(format_args!("lock the data folder {shown}"), error)),
        }
        let store = Self {
            folder: folder.to_owned(),
            volume,
            size: size.into(),
            used: Cell::new(0),
            open: RefCell::default(),
            _lock: lock,
        };
        store.measure();
        Ok(store)
    }

    fn slot_path(&self, slot: u8) -> Result<PathBuf> {
        match slot {
            0 => Ok(self.folder.join("settings.a")),
            1 => Ok(self.folder.join("settings.b")),
            _ => Err(PortError::NotFound),
        }
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
                slots.push(Slot::default());
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

    /// Takes `more` bytes of the flash.
    fn take(&self, more: u64) -> Result<()> {
        let used = self.used.get() + more;
        if used > self.size {
            return Err(PortError::NoRoom);
        }
        self.used.set(used);
        Ok(())
    }

    /// Counts what the files take. What cannot be read counts nothing.
    fn measure(&self) {
        let files = fs::read_dir(&self.volume).into_iter().flatten().flatten();
        let lengths = files.filter_map(|entry| fs::metadata(entry.path()).ok()).filter(fs::Metadata::is_file);
        self.used.set(lengths.map(|data| blocks(data.len())).sum());
    }
}

impl Storage for Store {
    fn slot_write(&self, slot: u8, record: &[u8]) -> Result<()> {
        let path = self.slot_path(slot)?;
        let write = || {
            let mut file = File::create(&path)?;
            file.write_all(record)?;
            file.sync_all()?;
            sync_folder(&self.folder)
        };
        write().map_err(|error| io_error(&error))
    }

    /// `NoRoom` when the record is longer than the buffer.
    fn slot_read(&self, slot: u8, buffer: &mut [u8]) -> Result<usize> {
        let path = self.slot_path(slot)?;
        let record = fs::read(path).map_err(|error| io_error(&error))?;
        buffer.get_mut(..record.len()).ok_or(PortError::NoRoom)?.copy_from_slice(&record);
        Ok(record.len())
    }

    /// Who still reads the file that was there keeps reading it.
    fn create(&self, name: &str) -> Result<Handle> {
        let path = self.path(name)?;
        match fs::remove_file(&path) {
            Ok(()) => self.measure(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error(&error)),
        }
        self.take(BLOCK)?;
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let file = file.inspect_err(|_| self.measure()).map_err(|error| io_error(&error))?;
        self.insert(Open { file, writable: true, length: 0 })
    }

    fn open(&self, name: &str) -> Result<Handle> {
        let open = || {
            // A named pipe in the folder must not block the device.
            let flags = OFlags::NONBLOCK.bits() as i32;
            let file = OpenOptions::new().read(true).custom_flags(flags).open(self.path(name)?);
            let file = file.map_err(|error| io_error(&error))?;
            let data = file.metadata().map_err(|error| io_error(&error))?;
            if !data.is_file() {
                return Err(PortError::NotFound);
            }
            Ok(Open { file, writable: false, length: data.len() })
        };
        self.insert(open()?)
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
        self.with(file, |open| open.file.sync_all().map_err(|error| io_error(&error)))?;
        sync_folder(&self.volume).map_err(|error| io_error(&error))
    }

    fn close_file(&self, file: Handle) {
        if let Some(slot) = find(&mut self.open.borrow_mut(), file) {
            slot.open = None;
        }
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let (from, to) = (self.path(from)?, self.path(to)?);
        let rename = || {
            File::open(&from)?.sync_all()?;
            fs::rename(&from, &to)?;
            sync_folder(&self.volume)
        };
        let renamed = rename().map_err(|error| io_error(&error));
        self.measure();
        renamed
    }

    fn remove(&self, name: &str) -> Result<()> {
        fs::remove_file(self.path(name)?).map_err(|error| io_error(&error))?;
        self.measure();
        sync_folder(&self.volume).map_err(|error| io_error(&error))
    }

    /// Files that people put into the folder count as well.
    fn list(&self, each: &mut dyn FnMut(&str)) -> Result<()> {
        for entry in fs::read_dir(&self.volume).map_err(|error| io_error(&error))? {
            let entry = entry.map_err(|error| io_error(&error))?;
            let is_file = fs::metadata(entry.path()).is_ok_and(|data| data.is_file());
            if let (true, Some(name)) = (is_file, entry.file_name().to_str().and_then(device_name)) {
                each(&name);
            }
        }
        self.measure();
        Ok(())
    }

    fn free_space(&self) -> u32 {
        self.measure();
        self.size.saturating_sub(self.used.get()).try_into().unwrap_or(u32::MAX)
    }
}

/// Bytes that a file of some length takes: whole blocks, and one even when it is empty.
fn blocks(length: u64) -> u64 {
    length.div_ceil(BLOCK).max(1) * BLOCK
}

/// Makes the names in a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn handle(index: usize, slot: &Slot) -> Handle {
    Handle(slot.generation.wrapping_mul(MAX_OPEN as u16) | index as u16)
}

fn find(slots: &mut [Slot], file: Handle) -> Option<&mut Slot> {
    let index = usize::from(file.0) % MAX_OPEN;
    slots.get_mut(index).filter(|slot| handle(index, slot) == file)
}

/// The name that a file has in the folder: the device's, with characters that mean something to Linux, and a dot
/// in front, written as `%XX`.
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

/// The device's name of a file in the folder; `None` for one that the device cannot have written.
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

/// Writes a small file so that a cut leaves the old one or the new one.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = File::create(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Reads a small text file; `None` when there is none.
pub(super) fn read_text(path: &Path) -> io::Result<Option<String>> {
    let mut text = String::new();
    match File::open(path) {
        Ok(file) => file.take(4096).read_to_string(&mut text).map(|_| Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
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
