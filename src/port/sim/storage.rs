//! The device's side of the flash.

use std::vec::Vec;

use super::super::{Handle, PortError, Result, Storage};
use super::flash::State;
use super::{Call, SimPort};

impl SimPort {
    /// As [`SimPort::on_flash`], for calls that block on a slow flash.
    fn on_slow_flash<T>(&self, call: Call, action: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        self.flash.state.borrow_mut().slow();
        self.on_flash(call, action)
    }

    /// Does a call on the flash unless a fault waits for it or the power is off.
    fn on_flash<T>(&self, call: Call, action: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        self.check(call)?;
        action(self.flash.state.borrow_mut().powered()?)
    }
}

/// Copies as many bytes as fit and returns their number.
fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let length = from.len().min(to.len());
    to[..length].copy_from_slice(&from[..length]);
    length
}

impl Storage for SimPort {
    fn slot_write(&self, slot: u8, record: &[u8]) -> Result<()> {
        self.on_slow_flash(Call::SlotWrite, |flash| flash.slot_write(slot, record))
    }

    fn slot_read(&self, slot: u8, buffer: &mut [u8]) -> Result<usize> {
        self.on_flash(Call::SlotRead, |flash| match flash.slots.get(usize::from(slot)) {
            Some(Some(record)) => Ok(copy(record, buffer)),
            _ => Err(PortError::NotFound),
        })
    }

    fn create(&self, name: &str) -> Result<Handle> {
        self.on_flash(Call::Create, |flash| flash.create(name))
    }

    fn open(&self, name: &str) -> Result<Handle> {
        self.on_flash(Call::Open, |flash| {
            let file = *flash.names.get(name).ok_or(PortError::NotFound)?;
            flash.room_for_handle()?;
            Ok(flash.new_handle(file, false))
        })
    }

    fn append(&self, file: Handle, data: &[u8]) -> Result<()> {
        self.on_flash(Call::Append, |flash| flash.append(file, data))
    }

    fn read_at(&self, file: Handle, position: u32, buffer: &mut [u8]) -> Result<usize> {
        self.on_flash(Call::ReadAt, |flash| {
            let data = &flash.opened(file)?.0.data;
            Ok(copy(data.get(position as usize..).unwrap_or_default(), buffer))
        })
    }

    fn length(&self, file: Handle) -> Result<u32> {
        Ok(self.flash.state.borrow_mut().powered()?.opened(file)?.0.data.len() as u32)
    }

    fn sync(&self, file: Handle) -> Result<()> {
        self.on_slow_flash(Call::Sync, |flash| {
            let file = flash.opened(file)?.0;
            file.synced = file.data.len();
            Ok(())
        })
    }

    fn close_file(&self, file: Handle) {
        let mut flash = self.flash.state.borrow_mut();
        flash.handles.remove(&file.0);
        flash.drop_nameless();
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.on_slow_flash(Call::Rename, |flash| flash.rename(from, to))
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.on_slow_flash(Call::Remove, |flash| flash.remove(name))
    }

    fn list(&self, each: &mut dyn FnMut(&str)) -> Result<()> {
        let names = self.on_flash(Call::List, |flash| Ok(flash.names.keys().cloned().collect::<Vec<_>>()))?;
        for name in &names {
            each(name);
        }
        Ok(())
    }

    fn free_space(&self) -> u32 {
        let flash = self.flash.state.borrow();
        flash.capacity.saturating_sub(flash.used()) as u32
    }
}
