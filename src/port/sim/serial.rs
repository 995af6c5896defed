//! The command UART: what the test types, and what the device prints.

use std::collections::VecDeque;
use std::vec::Vec;

use super::super::{PortError, Result, UartSettings};

pub(super) struct State {
    pub(super) typed: VecDeque<u8>,
    /// Nothing will be typed any more.
    pub(super) ended: bool,
    /// A break condition the device has not asked for yet.
    pub(super) broken: bool,
    pub(super) printed: Vec<u8>,
    /// Bytes that may be printed and not taken by the test yet.
    pub(super) room: usize,
    /// The UART still holds the last bytes that were printed.
    pub(super) holds: bool,
    /// How the device has set the UART up.
    pub(super) settings: Option<UartSettings>,
    /// Bytes that one read takes at most.
    pub(super) read_limit: usize,
    /// Bytes that one write takes at most.
    pub(super) write_limit: usize,
    /// The columns of the terminal at which a person sits.
    pub(super) columns: Option<u16>,
    /// What the place of the device has to say to that person.
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

    /// What was typed to the old life is lost when the power was cut, and kept over a restart; what it printed can
    /// still be taken.
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
