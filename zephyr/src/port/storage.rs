//! Flash.

use openzentri::port::{Handle, Result, Storage};

use crate::shim;

/// Settings and files of the board.
pub struct ZephyrStorage;

fn file(handle: Handle) -> i32 {
    i32::from(handle.0)
}

impl Storage for ZephyrStorage {
    fn slot_write(&self, slot: u8, record: &[u8]) -> Result<()> {
        shim::slot_write(slot, record)
    }

    fn slot_read(&self, slot: u8, buffer: &mut [u8]) -> Result<usize> {
        shim::slot_read(slot, buffer)
    }

    fn create(&self, name: &str) -> Result<Handle> {
        shim::file_create(name).map(|file| Handle(file as u16))
    }

    fn open(&self, name: &str) -> Result<Handle> {
        shim::file_open(name).map(|file| Handle(file as u16))
    }

    fn append(&self, handle: Handle, data: &[u8]) -> Result<()> {
        shim::file_append(file(handle), data)
    }

    fn read_at(&self, handle: Handle, position: u32, buffer: &mut [u8]) -> Result<usize> {
        shim::file_read(file(handle), position, buffer)
    }

    fn length(&self, handle: Handle) -> Result<u32> {
        shim::file_length(file(handle)).map(|length| length as u32)
    }

    fn sync(&self, handle: Handle) -> Result<()> {
        shim::file_sync(file(handle))
    }

    fn close_file(&self, handle: Handle) {
        shim::file_close(file(handle));
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        shim::file_rename(from, to)
    }

    fn remove(&self, name: &str) -> Result<()> {
        shim::file_remove(name)
    }

    fn list(&self, each: &mut dyn FnMut(&str)) -> Result<()> {
        shim::file_list(each)
    }

    fn free_space(&self) -> u32 {
        shim::file_space()
    }
}
