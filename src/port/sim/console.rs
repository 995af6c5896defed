//! The operator console: lines in, whole answers out.

use std::collections::VecDeque;
use std::vec::Vec;

use super::super::{PortError, Result};

#[derive(Default)]
pub(super) struct State {
    pub(super) lines: VecDeque<Vec<u8>>,
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
