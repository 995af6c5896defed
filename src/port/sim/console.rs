//! The operator console: lines in, whole answers out.

use std::collections::VecDeque;
use std::vec::Vec;

use super::super::{PortError, Result};
use super::SimPort;

#[derive(Default)]
pub(super) struct State {
    lines: VecDeque<Vec<u8>>,
    pub(super) answers: Vec<Vec<u8>>,
}

impl State {
    pub(super) fn is_readable(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Takes the next line; what does not fit into `buffer` is lost.
    pub(super) fn take_line(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let line = self.lines.pop_front().ok_or(PortError::WouldBlock)?;
        let length = line.len().min(buffer.len());
        buffer[..length].copy_from_slice(&line[..length]);
        Ok(length)
    }
}

impl SimPort {
    /// Gives a command on the operator console.
    pub fn console_type(&self, line: &str) {
        self.console.borrow_mut().lines.push_back(line.as_bytes().to_vec());
        self.notify();
    }

    /// Takes the answers that the operator console got since the last call.
    pub fn console_answers(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.console.borrow_mut().answers)
    }
}
