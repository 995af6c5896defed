//! What a stream accepts from its owner.

use super::error::StreamError;

/// What may be written to a stream now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Intake {
    /// Anything; a writer waits until the peer has taken enough.
    #[default]
    Open,
    /// As much as fits into the send buffer: nothing empties it yet, so a writer must not wait for room.
    Held,
    /// Exactly this number of bytes more.
    Exactly(u32),
    /// Nothing: the stream is for reading only.
    Shut,
}

impl Intake {
    /// Whether `bytes` more may be written when the send buffer has room for `room`.
    pub(super) fn admits(self, bytes: usize, room: usize) -> Result<(), StreamError> {
        match self {
            Self::Open => Ok(()),
            Self::Held if bytes <= room => Ok(()),
            Self::Exactly(left) if bytes <= left as usize => Ok(()),
            Self::Held | Self::Exactly(_) => Err(StreamError::TooLarge),
            Self::Shut => Err(StreamError::NotSupported),
        }
    }

    /// How many of `room` bytes may be written.
    pub(super) fn limit(self, room: usize) -> usize {
        match self {
            Self::Open | Self::Held => room,
            Self::Exactly(left) => room.min(left as usize),
            Self::Shut => 0,
        }
    }

    /// `bytes` were written.
    pub(super) fn took(&mut self, bytes: usize) {
        if let Self::Exactly(left) = self {
            *left = left.saturating_sub(bytes as u32);
        }
    }
}
