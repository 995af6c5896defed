//! A file that is being written.

use crc::Digest;

use super::error::FileError;
use super::meta::Meta;
use super::record;
use super::volume::Id;
use crate::port::Handle;
use crate::wire::crc16::Crc16;

/// Flash is granted in units of 4 KB (interface, files 1).
pub const UNIT: u64 = 4096;
/// Bytes of a unit that can hold content; a block of LittleFS also holds the links of its list.
pub const UNIT_PAYLOAD: u64 = UNIT - 8;

/// Bytes of flash that a file of `size` bytes takes at most.
pub fn footprint(size: u32) -> u64 {
    (u64::from(size) + record::MAX as u64).div_ceil(UNIT_PAYLOAD) * UNIT
}

/// The progress of a file that is being written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More content is to come.
    Open,
    /// The content is complete; the file is to be committed.
    Whole,
    /// Committed, or not; the writer has not read the outcome yet.
    Ended(Result<(), FileError>),
}

/// A file being written.
pub struct Writing {
    pub id: Id,
    pub file: Handle,
    pub progress: Progress,
    /// Nobody will ask for the outcome.
    pub given_up: bool,
    /// For a growing file: with its size so far.
    pub meta: Meta,
    pub written: u32,
    /// The size is not known beforehand: `finish` ends the file.
    pub growing: bool,
    pub crc: Crc16,
    pub expected: Option<u16>,
    pub crc32: Option<(Digest<'static, u32>, u32)>,
}

impl Writing {
    /// Compares the check sums that the host gave.
    pub fn check(&self) -> Result<(), FileError> {
        // Hosts give either 0 or 0xFFFF for an empty file.
        let empty = self.meta.size == 0 && self.expected == Some(0);
        let wrong16 = self.expected.is_some_and(|expected| expected != self.crc.value()) && !empty;
        let wrong32 = self.crc32.as_ref().is_some_and(|(digest, expected)| digest.clone().finalize() != *expected);
        // If both are required, the host has not said which of the two its value is.
        let wrong =
            if self.expected.is_some() && self.crc32.is_some() { wrong16 && wrong32 } else { wrong16 || wrong32 };
        if wrong { Err(FileError::Corrupt) } else { Ok(()) }
    }

    /// Bytes of content after a write of `length` more, if they are allowed: no more than declared, and for a growing
    /// file no more than there is `free` flash for.
    pub fn after(&self, length: usize, free: u64) -> Result<u32, FileError> {
        let written = u32::try_from(length).ok().and_then(|length| self.written.checked_add(length));
        if !self.growing {
            return written.filter(|&written| written <= self.meta.size).ok_or(FileError::TooLong);
        }
        let written = written.filter(|&written| written <= u32::MAX - record::MAX as u32).ok_or(FileError::NoRoom)?;
        let more = footprint(written) - footprint(self.written);
        if more <= free { Ok(written) } else { Err(FileError::NoRoom) }
    }

    /// Whether it is neither committed nor given up.
    pub fn is_unsettled(&self) -> bool {
        !matches!(self.progress, Progress::Ended(_))
    }

    /// Flash that is promised to this file and not written yet.
    pub fn reserved(&self) -> u64 {
        let written = u64::from(self.written);
        footprint(self.meta.size) - (written - written % UNIT)
    }
}
