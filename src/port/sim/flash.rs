//! The flash, byte by byte: its power can be cut at any byte.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::string::{String, ToString};
use std::vec::Vec;

use embassy_time::Duration;

use super::super::{Handle, PortError, Result};

/// What a settings slot holds after a power cut during a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tear {
    /// The bytes that were written, and nothing else.
    #[default]
    Prefix,
    /// The bytes that were written, then erased flash (0xFF).
    Erased,
    /// The bytes that were written, then those of the old record.
    Overwritten,
}

/// The error of every call once the power is cut (EIO).
const NO_POWER: PortError = PortError::Failed(5);

/// The flash of a [`super::SimPort`]. Its contents survive [`super::SimPort::power_cycle`].
#[derive(Default)]
pub struct Flash {
    pub(super) state: RefCell<State>,
}

pub(super) struct State {
    pub(super) slots: [Option<Vec<u8>>; 3],
    pub(super) names: BTreeMap<String, u32>,
    /// By number, so that an open file outlives its name.
    pub(super) files: BTreeMap<u32, File>,
    pub(super) handles: BTreeMap<u16, OpenFile>,
    pub(super) next_file: u32,
    pub(super) next_handle: u16,
    pub(super) capacity: usize,
    pub(super) open_limit: usize,
    pub(super) written: usize,
    /// Writes left until the power goes.
    pub(super) left: Option<usize>,
    pub(super) is_cut: bool,
    pub(super) tear: Tear,
    pub(super) loses_unsynced: bool,
    /// How long a piece of work takes; `None`: no time.
    pub(super) delay: Option<Duration>,
    /// A job is at work.
    pub(super) at_work: bool,
    pub(super) held_up: usize,
}

#[derive(Default)]
pub(super) struct File {
    pub(super) data: Vec<u8>,
    pub(super) synced: usize,
}

pub(super) struct OpenFile {
    file: u32,
    writable: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            slots: [None, None, None],
            names: BTreeMap::new(),
            files: BTreeMap::new(),
            handles: BTreeMap::new(),
            next_file: 0,
            next_handle: 0,
            capacity: 1 << 20,
            open_limit: 16,
            written: 0,
            left: None,
            is_cut: false,
            tear: Tear::default(),
            loses_unsynced: false,
            delay: None,
            at_work: false,
            held_up: 0,
        }
    }
}

impl Flash {
    /// Cuts the power after `writes` more writes: the next one does not happen, and every call from then on fails
    /// with `Failed(5)` until [`super::SimPort::power_cycle`]. Each byte is a write, and so is each change of a name:
    /// `create`, `rename`, `remove`, and the removal of an old file by `create`.
    pub fn cut_after(&self, writes: usize) {
        self.state.borrow_mut().left = Some(writes);
    }

    /// The power was cut.
    pub fn is_cut(&self) -> bool {
        self.state.borrow().is_cut
    }

    /// Writes since the port was made, counted as in [`Flash::cut_after`].
    pub fn written(&self) -> usize {
        self.state.borrow().written
    }

    /// Makes the flash slow: each piece of work ([`super::super::FlashWork`]) takes this long from now on. A power cut
    /// before the end leaves it undone.
    pub fn set_delay(&self, delay: Option<Duration>) {
        self.state.borrow_mut().delay = delay;
    }

    /// How often the device has done such work by a direct call, not as a job, while the flash was slow: each such call
    /// would have blocked the whole device.
    pub fn held_up(&self) -> usize {
        self.state.borrow().held_up
    }

    /// Chooses what a settings slot holds after a cut.
    pub fn set_tear(&self, tear: Tear) {
        self.state.borrow_mut().tear = tear;
    }

    /// Chooses whether a power cycle loses what was appended after the last `sync` of a file.
    pub fn lose_unsynced(&self, loses: bool) {
        self.state.borrow_mut().loses_unsynced = loses;
    }

    /// Sets how many bytes the files may have in all; 1 MiB at first.
    pub fn set_capacity(&self, bytes: usize) {
        self.state.borrow_mut().capacity = bytes;
    }

    /// Sets how many files can be open at once; 16 at first.
    pub fn limit_open(&self, files: usize) {
        self.state.borrow_mut().open_limit = files;
    }

    /// The names of all files, in order.
    pub fn names(&self) -> Vec<String> {
        self.state.borrow().names.keys().cloned().collect()
    }

    /// The bytes of a file.
    pub fn content(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state.borrow();
        Some(state.files.get(state.names.get(name)?)?.data.clone())
    }

    /// Creates or replaces a file.
    pub fn set_content(&self, name: &str, data: &[u8]) {
        let mut state = self.state.borrow_mut();
        let file = state.new_file(name);
        state.files.insert(file, File { data: data.to_vec(), synced: data.len() });
    }

    /// The bytes of a slot: 0 or 1 for settings, 2 for faults.
    pub fn slot(&self, slot: usize) -> Option<Vec<u8>> {
        self.state.borrow().slots[slot].clone()
    }

    /// Sets a slot, or erases it.
    pub fn set_slot(&self, slot: usize, record: Option<Vec<u8>>) {
        self.state.borrow_mut().slots[slot] = record;
    }

    /// Files open now.
    pub fn open_files(&self) -> usize {
        self.state.borrow().handles.len()
    }

    pub(super) fn power_cycle(&self) {
        let mut state = self.state.borrow_mut();
        state.is_cut = false;
        state.left = None;
        state.handles.clear();
        state.drop_nameless();
        if state.loses_unsynced {
            for file in state.files.values_mut() {
                file.data.truncate(file.synced);
            }
        }
    }
}

impl State {
    /// Fails when the power is off.
    pub(super) fn powered(&mut self) -> Result<&mut Self> {
        if self.is_cut { Err(NO_POWER) } else { Ok(self) }
    }

    /// Counts a call that would block the device.
    pub(super) fn slow(&mut self) {
        if self.delay.is_some() && !self.at_work {
            self.held_up += 1;
        }
    }

    /// Takes up to `wanted` writes out of what is left, and cuts the power when that is not enough.
    pub(super) fn spend(&mut self, wanted: usize) -> usize {
        let granted = self.left.map_or(wanted, |left| left.min(wanted));
        self.left = self.left.map(|left| left - granted);
        self.written += granted;
        self.is_cut = granted < wanted;
        granted
    }

    /// One write that happens wholly or not at all.
    pub(super) fn spend_one(&mut self) -> Result<()> {
        if self.spend(1) == 1 { Ok(()) } else { Err(NO_POWER) }
    }

    pub(super) fn used(&self) -> usize {
        self.files.values().map(|file| file.data.len()).sum()
    }

    /// Gives a new, empty file the name, and drops the one that had it.
    pub(super) fn new_file(&mut self, name: &str) -> u32 {
        let file = self.next_file;
        self.next_file += 1;
        self.files.insert(file, File::default());
        self.names.insert(name.to_string(), file);
        self.drop_nameless();
        file
    }

    /// Drops files that have neither a name nor a handle.
    pub(super) fn drop_nameless(&mut self) {
        let (names, handles) = (&self.names, &self.handles);
        self.files.retain(|number, _| {
            names.values().any(|named| named == number) || handles.values().any(|open| open.file == *number)
        });
    }

    pub(super) fn new_handle(&mut self, file: u32, writable: bool) -> Handle {
        let handle = self.next_handle;
        self.next_handle = handle.wrapping_add(1);
        self.handles.insert(handle, OpenFile { file, writable });
        Handle(handle)
    }

    pub(super) fn room_for_handle(&self) -> Result<()> {
        if self.handles.len() < self.open_limit { Ok(()) } else { Err(PortError::NoRoom) }
    }

    pub(super) fn opened(&mut self, handle: Handle) -> Result<(&mut File, bool)> {
        // EBADF: a handle that was never given, or was closed.
        let open = self.handles.get(&handle.0).ok_or(PortError::Failed(9))?;
        let file = self.files.get_mut(&open.file).ok_or(PortError::Failed(9))?;
        Ok((file, open.writable))
    }

    pub(super) fn slot_write(&mut self, slot: u8, record: &[u8]) -> Result<()> {
        let granted = self.spend(record.len());
        let tear = self.tear;
        let place = self.slots.get_mut(usize::from(slot)).ok_or(PortError::NotFound)?;
        let old = place.take().unwrap_or_default();
        let mut new = record[..granted].to_vec();
        if granted < record.len() {
            match tear {
                Tear::Prefix => {}
                Tear::Erased => new.resize(record.len(), 0xFF),
                Tear::Overwritten => new.extend(old.iter().skip(granted)),
            }
        }
        *place = Some(new);
        if granted < record.len() { Err(NO_POWER) } else { Ok(()) }
    }

    pub(super) fn create(&mut self, name: &str) -> Result<Handle> {
        self.room_for_handle()?;
        if self.names.contains_key(name) {
            self.spend_one()?;
            self.names.remove(name);
            self.drop_nameless();
        }
        self.spend_one()?;
        let file = self.new_file(name);
        Ok(self.new_handle(file, true))
    }

    pub(super) fn append(&mut self, handle: Handle, data: &[u8]) -> Result<()> {
        if !self.opened(handle)?.1 {
            return Err(PortError::Denied);
        }
        if self.used() + data.len() > self.capacity {
            return Err(PortError::NoRoom);
        }
        let granted = self.spend(data.len());
        self.opened(handle)?.0.data.extend_from_slice(&data[..granted]);
        if granted < data.len() { Err(NO_POWER) } else { Ok(()) }
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        let file = *self.names.get(from).ok_or(PortError::NotFound)?;
        self.spend_one()?;
        self.names.remove(from);
        self.names.insert(to.to_string(), file);
        self.drop_nameless();
        Ok(())
    }

    pub(super) fn remove(&mut self, name: &str) -> Result<()> {
        if !self.names.contains_key(name) {
            return Err(PortError::NotFound);
        }
        self.spend_one()?;
        self.names.remove(name);
        self.drop_nameless();
        Ok(())
    }
}
