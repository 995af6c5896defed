//! The command UART: input from the test, and output of the device.

use std::collections::VecDeque;
use std::vec::Vec;

use super::super::{PortError, Result, UartSettings};

pub(super) struct State {
    pub(super) typed: VecDeque<u8>,
    /// No more input will come.
    pub(super) ended: bool,
    /// A break condition the device has not asked for yet.
    pub(super) broken: bool,
    pub(super) printed: Vec<u8>,
    /// The most printed bytes that may wait for the test.
    pub(super) room: usize,
    /// The UART still holds the last bytes that were printed.
    pub(super) holds: bool,
    /// The settings that the device has given the UART.
    pub(super) settings: Option<UartSettings>,
    /// The most bytes that one read takes.
    pub(super) read_limit: usize,
    /// The most bytes that one write takes.
    pub(super) write_limit: usize,
    /// The columns of the terminal at which a person sits.
    pub(super) columns: Option<u16>,
    /// Notices for that person.
    pub(super) notices: VecDeque<Vec<u8>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            typed: VecDeque::new(),
            ended: false,
            broken: false,
            printed: Vec::new(),
            room: usize::MAX,
            holds: false,
            settings: None,
            read_limit: usize::MAX,
            write_limit: usize::MAX,
            columns: None,
            notices: VecDeque::new(),
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

    /// Unread input is lost in a power cut, and kept over a restart; earlier output can still be taken.
    pub(super) fn power_cycle(&mut self, restart: bool) {
        self.broken = false;
        if !restart {
            self.typed.clear();
        }
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.typed.is_empty() {
            return if self.ended { Ok(0) } else { Err(PortError::WouldBlock) };
        }
        let length = buffer.len().min(self.typed.len()).min(self.read_limit);
        for (place, byte) in buffer.iter_mut().zip(self.typed.drain(..length)) {
            *place = byte;
        }
        Ok(length)
    }

    pub(super) fn write(&mut self, data: &[u8]) -> Result<usize> {
        let room = self.room.saturating_sub(self.printed.len());
        let length = data.len().min(room).min(self.write_limit);
        if length == 0 && !data.is_empty() {
            return Err(PortError::WouldBlock);
        }
        self.printed.extend_from_slice(&data[..length]);
        Ok(length)
    }
}
