//! The command UART: what the test types, and what the device prints.

use std::collections::VecDeque;
use std::vec::Vec;

use super::super::{PortError, Result, Serial};
use super::{Call, SimPort};

pub(super) struct State {
    typed: VecDeque<u8>,
    /// Nothing will be typed any more.
    ended: bool,
    /// A break condition the device has not asked for yet.
    broken: bool,
    printed: Vec<u8>,
    /// Bytes that may be printed and not taken by the test yet.
    room: usize,
    /// Bytes that one read takes at most.
    read_limit: usize,
    /// Bytes that one write takes at most.
    write_limit: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            typed: VecDeque::new(),
            ended: false,
            broken: false,
            printed: Vec::new(),
            room: usize::MAX,
            read_limit: usize::MAX,
            write_limit: usize::MAX,
        }
    }
}

impl State {
    pub(super) fn is_readable(&self) -> bool {
        !self.typed.is_empty() || self.ended || self.broken
    }

    pub(super) fn is_writable(&self) -> bool {
        self.printed.len() < self.room
    }

    /// What was typed to the old life is lost when the power was cut, and kept over a restart; what it printed can
    /// still be taken.
    pub(super) fn power_cycle(&mut self, restart: bool) {
        self.broken = false;
        if !restart {
            self.typed.clear();
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.typed.is_empty() {
            return if self.ended { Ok(0) } else { Err(PortError::WouldBlock) };
        }
        let length = buffer.len().min(self.typed.len()).min(self.read_limit);
        for (place, byte) in buffer.iter_mut().zip(self.typed.drain(..length)) {
            *place = byte;
        }
        Ok(length)
    }

    fn write(&mut self, data: &[u8]) -> Result<usize> {
        let room = self.room.saturating_sub(self.printed.len());
        let length = data.len().min(room).min(self.write_limit);
        if length == 0 && !data.is_empty() {
            return Err(PortError::WouldBlock);
        }
        self.printed.extend_from_slice(&data[..length]);
        Ok(length)
    }
}

impl Serial for SimPort {
    fn serial_read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.check(Call::SerialRead)?;
        self.serial.borrow_mut().read(buffer)
    }

    fn serial_write(&self, data: &[u8]) -> Result<usize> {
        self.check(Call::SerialWrite)?;
        self.serial.borrow_mut().write(data)
    }

    fn serial_give_back(&self, bytes: &[u8]) {
        let mut serial = self.serial.borrow_mut();
        for byte in bytes.iter().rev() {
            serial.typed.push_front(*byte);
        }
    }

    fn serial_break(&self) -> bool {
        std::mem::take(&mut self.serial.borrow_mut().broken)
    }
}

impl SimPort {
    /// Types bytes on the serial line.
    pub fn type_bytes(&self, bytes: &[u8]) {
        self.serial.borrow_mut().typed.extend(bytes);
        self.notify();
    }

    /// Bytes typed that the device has not read yet.
    pub fn unread(&self) -> usize {
        self.serial.borrow().typed.len()
    }

    /// Sends a break condition.
    pub fn send_break(&self) {
        self.serial.borrow_mut().broken = true;
        self.notify();
    }

    /// Ends the serial line: after what was typed, reads answer `Ok(0)`.
    pub fn hang_up(&self) {
        self.serial.borrow_mut().ended = true;
        self.notify();
    }

    /// Takes what the device has printed since the last call, which makes room for more.
    pub fn printed(&self) -> Vec<u8> {
        let printed = std::mem::take(&mut self.serial.borrow_mut().printed);
        self.notify();
        printed
    }

    /// Lets the device print no more than `room` bytes ahead of [`SimPort::printed`], for tests of back-pressure. A
    /// [`super::SimDevice`] takes output only when it is asked for it.
    pub fn limit_output(&self, room: usize) {
        self.serial.borrow_mut().room = room;
        self.notify();
    }

    /// Lets one read and one write of the UART take at most so many bytes.
    pub fn limit_serial_calls(&self, read: usize, write: usize) {
        let mut serial = self.serial.borrow_mut();
        (serial.read_limit, serial.write_limit) = (read, write);
    }
}
