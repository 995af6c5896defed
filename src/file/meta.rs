//! The metadata of a file.

use heapless::Vec;

use super::error::FileError;
use super::version::Version;
use crate::limits;

/// A file name: any bytes but control characters, not empty, not beginning with `/`.
pub type Name = Vec<u8, { limits::FILE_NAME }>;

/// Bits of [`Meta::flags`] (interface, commands/file_create).
///
/// The web app shows no download link for a file with `flags & 0x1A` (executable, internal or bootable), so the two
/// bits that users set lie outside of that mask. The bit of `UNPROTECTED` is a choice of this project.
pub mod flag {
    /// The content is complete; set on every file that can be listed.
    pub const VALID: u16 = 1 << 0;
    /// A program.
    pub const EXECUTABLE: u16 = 1 << 1;
    /// The content is encrypted; never served over HTTP.
    pub const ENCRYPTED: u16 = 1 << 2;
    /// In internal flash.
    pub const INTERNAL: u16 = 1 << 3;
    /// A program that can be booted.
    pub const BOOTABLE: u16 = 1 << 4;
    /// Made by a user application.
    pub const USER: u16 = 1 << 5;
    /// Kept by a factory reset (`file_create -e`).
    pub const ESSENTIAL: u16 = 1 << 6;
    /// Served over HTTP without a login (`file_create -u`).
    pub const UNPROTECTED: u16 = 1 << 7;
    /// Written by somebody other than the owner: it runs no scripts in a browser (an extension).
    pub const FOREIGN: u16 = 1 << 12;
}

/// Values of [`Meta::kind`] that matter to the device itself (interface, commands/file_create).
pub mod kind {
    /// The upgrade application.
    pub const UPGRADE_APP: u8 = 0x00;
    /// Wi-Fi firmware.
    pub const WIFI_FIRMWARE: u8 = 0x01;
    /// A TLS certificate (Gecko OS 4).
    pub const CERTIFICATE: u8 = 0x41;
    /// The key of a certificate: it can be written, but never read. The number is a choice of this project.
    pub const KEY: u8 = 0x4B;
    /// The application.
    pub const APPLICATION: u8 = 0x81;
    /// Miscellaneous; the type for `file_create` without a type.
    pub const MISCELLANEOUS: u8 = 0xFE;
}

/// The metadata of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// The name.
    pub name: Name,
    /// Bytes of content.
    pub size: u32,
    /// The version its creator gave it.
    pub version: Version,
    /// The file type, see [`kind`].
    pub kind: u8,
    /// See [`flag`].
    pub flags: u16,
    /// CRC-16 over the content, always computed by the device (0xFFFF while the file is written).
    pub crc: u16,
}

impl Meta {
    /// A factory reset keeps the file.
    pub fn is_essential(&self) -> bool {
        self.flags & flag::ESSENTIAL != 0
    }

    /// HTTP serves the file without a login.
    pub fn is_unprotected(&self) -> bool {
        self.flags & flag::UNPROTECTED != 0
    }

    /// Somebody other than the owner has written the file.
    pub fn is_foreign(&self) -> bool {
        self.flags & flag::FOREIGN != 0
    }

    /// The file may be sent over HTTP at all: not encrypted and not part of the firmware
    /// (interface, http 6.1).
    pub fn is_servable(&self) -> bool {
        let firmware = matches!(self.kind, kind::UPGRADE_APP | kind::WIFI_FIRMWARE | kind::APPLICATION);
        self.flags & flag::VALID != 0 && self.flags & flag::ENCRYPTED == 0 && !firmware
    }
}

/// The properties of a new file.
#[derive(Clone, Copy, Debug)]
pub struct FileSpec<'a> {
    /// Its name, see [`check_name`].
    pub name: &'a [u8],
    /// Bytes of content that will be written; ignored by [`super::Files::create_growing`].
    pub size: u32,
    /// Its version; [`Version::default`] when the host names none.
    pub version: Version,
    /// Its type; [`kind::MISCELLANEOUS`] when the host names none.
    pub kind: u8,
    /// Its flags, see [`flag`]; [`flag::VALID`] is added.
    pub flags: u16,
    /// The CRC-16 that the content must have. For an empty file both 0xFFFF and 0 are right.
    pub crc: Option<u16>,
    /// Replace an existing file at the moment when the new one is complete.
    pub replace: bool,
}

/// Checks a file name.
pub fn check_name(name: &[u8]) -> Result<Name, FileError> {
    let refused = name.is_empty() || name.first() == Some(&b'/') || name.iter().any(u8::is_ascii_control);
    if refused {
        return Err(FileError::InvalidName);
    }
    Name::from_slice(name).map_err(|_| FileError::InvalidName)
}
