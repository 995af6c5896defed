//! Why a file operation fails.

use core::fmt;

use crate::port::PortError;

/// What a file operation can answer besides success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileError {
    /// [`super::Files::mount`] has not succeeded yet.
    NotMounted,
    /// The name is empty, too long, begins with `/` or holds control characters.
    InvalidName,
    /// A file of that name exists, complete or being written.
    Exists,
    /// The file is to be replaced, but someone is already writing a file of that name.
    Busy,
    /// There is no (complete) file of that name.
    NotFound,
    /// Not enough flash.
    NoRoom,
    /// The device holds as many files as it can.
    TableFull,
    /// Too many files are open.
    TooManyOpen,
    /// More data than declared; none of them were stored.
    TooLong,
    /// Fewer bytes than declared were written; the file is gone.
    Incomplete,
    /// The content does not match its check sum; a new file is removed, a stored one is no longer opened.
    Corrupt,
    /// The writer or reader is no longer valid: complete, given up, or erased.
    Gone,
    /// The flash failed.
    Flash(PortError),
}

impl From<PortError> for FileError {
    fn from(error: PortError) -> Self {
        match error {
            PortError::NoRoom => Self::NoRoom,
            error => Self::Flash(error),
        }
    }
}

/// The texts that hosts know, where there are any (interface, files 2).
impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NotMounted => "File system not ready",
            Self::InvalidName => "Invalid file name",
            Self::Exists => "File already exists",
            Self::Busy => "File busy",
            Self::NotFound => "File not found",
            Self::NoRoom => "Not enough free space",
            Self::TableFull => "Too many files",
            Self::TooManyOpen => "Too many open files",
            Self::TooLong => "Too much data",
            Self::Incomplete => "File incomplete",
            Self::Corrupt => "File CRC mismatch",
            Self::Gone => "File closed",
            Self::Flash(PortError::ReadOnly) => "Flash is write-protected",
            Self::Flash(PortError::Failed(code)) => return write!(f, "Flash error {code}"),
            Self::Flash(error) => return write!(f, "Flash error: {error}"),
        })
    }
}
