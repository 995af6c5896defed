//! `file_create`, `file_open`, `file_delete`, `file_stat`, `ls`, `format_flash` (interface, commands/README).

use core::fmt::Write;
use core::pin::pin;

use super::call::{Call, Machine};
use super::data::Data;
use super::response::{CommandError, Ending};
use super::turn::Asker;
use super::variables::{failed, finish};
use crate::file::{FileError, FileSpec, Meta, Reader, Unfinished, Version, Writer, flag, kind, listing};
use crate::log::Level;
use crate::stream::Kind;
use crate::{tls, version};

impl Call<'_> {
    /// Logs why a file command failed; the answer itself is always `Command failed`.
    pub fn file_failed(&self, error: FileError) -> CommandError {
        self.machine.base.log.line(Level::Failure, format_args!("{error}"));
        CommandError::Failed
    }

    /// Checks that the file is not a key: no command may read keys.
    pub fn readable(&self, file: &Meta) -> Result<(), CommandError> {
        if !tls::is_key(self.machine.base, file) {
            return Ok(());
        }
        let name = core::str::from_utf8(&file.name).unwrap_or("?");
        self.machine.base.log.line(Level::Failure, format_args!("Not readable: {name} is a key"));
        Err(CommandError::Failed)
    }

    /// Opens the file that an argument names, if its content is what was stored.
    pub async fn sound_file(&mut self, index: usize) -> Result<Reader, CommandError> {
        let name = self.argument(index)?;
        let files = self.machine.files;
        files.stat(name).map_or(Ok(()), |file| self.readable(&file))?;
        match self.apart(pin!(files.open_verified(name))).await? {
            Err(error @ FileError::Corrupt) => {
                let name = core::str::from_utf8(name).unwrap_or("?");
                self.machine.base.log.line(Level::Failure, format_args!("{error}: {name}"));
                Err(CommandError::Failed)
            }
            opened => opened.map_err(|error| self.file_failed(error)),
        }
    }
}

/// A checksum that a host has given: four digits or fewer can be either kind (Gecko OS 4 gives a CRC-32).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub crc16: Option<u16>,
    pub crc32: Option<u32>,
}

impl Sums {
    /// The value of the option `-c`: hexadecimal, negative values modulo 2^32.
    pub fn parse(word: &[u8]) -> Result<Self, CommandError> {
        let crc32 = match word {
            [b'-', digits @ ..] => hex(digits, u32::MAX)?.wrapping_neg(),
            digits => hex(digits, u32::MAX)?,
        };
        Ok(Self { crc16: u16::try_from(crc32).ok(), crc32: Some(crc32) })
    }
}

/// Hexadecimal with or without `0x`; a bare `1234` is hexadecimal too (interface, files 3).
pub(super) fn hex(word: &[u8], max: u32) -> Result<u32, CommandError> {
    let text = core::str::from_utf8(word).map_err(|_| CommandError::Invalid)?;
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let value = u32::from_str_radix(digits, 16).ok().filter(|value| plain && *value <= max);
    value.ok_or(CommandError::Invalid)
}

impl Call<'_> {
    /// An option that is a version.
    pub fn version(&self, word: Option<&[u8]>) -> Result<Version, CommandError> {
        word.map_or(Ok(Version::default()), |word| Version::parse(word).ok_or(CommandError::Invalid))
    }

    /// An option that is a file type.
    pub fn kind(&self, word: Option<&[u8]>) -> Result<u8, CommandError> {
        word.map_or(Ok(kind::MISCELLANEOUS), |word| hex(word, u8::MAX.into()).map(|kind| kind as u8))
    }

    /// The flags that `-e` and `-u` stand for.
    pub fn file_flags(&self) -> u16 {
        let bit = |letter: u8, flag: u16| if self.flag(letter) { flag } else { 0 };
        bit(b'e', flag::ESSENTIAL) | bit(b'u', flag::UNPROTECTED) | foreign(self.asker())
    }

    /// Whether the words are in the form of Gecko OS 4: its options with values, options after the size, or
    /// `system.compatibility` says so.
    fn is_gecko_form(&self) -> bool {
        version::is_gecko_os(self.machine.base)
            || b"vtcl".iter().any(|letter| self.flag(*letter))
            || b"oeurm".iter().any(|letter| self.is_behind(*letter, 1))
    }

    /// Refuses what Gecko OS 4 can ask of a new file but this device cannot do: `-u` means *encrypt* there, and here is
    /// one memory, the extended one.
    fn check_gecko_form(&self) -> Result<(), CommandError> {
        if !self.is_gecko_form() {
            return Ok(());
        }
        let refused = match self.option(b'l') {
            _ if self.flag(b'u') => "Encrypted files are not available in this build",
            None | Some(b"extended") => return Ok(()),
            Some(b"bulk") => "There is no bulk memory: -l extended",
            Some(_) => return Err(CommandError::Invalid),
        };
        self.machine.base.log.line(Level::Failure, format_args!("{refused}"));
        Err(CommandError::Failed)
    }

    /// Begins the file that `file_create` describes:
    /// `[-[e][u][r]] [-o] <name> <size> [<version> [<type> [<crc>]]]`, or the options `-v`, `-t`, `-c` of Gecko OS 4 in place
    /// of the last three.
    fn new_file(&self, size: u32) -> Result<Writer, CommandError> {
        let mut sums = self.option(b'c').map(Sums::parse).transpose()?.unwrap_or_default();
        if let Ok(word) = self.argument(4) {
            sums = Sums { crc16: Some(hex(word, u16::MAX.into())? as u16), crc32: None };
        }
        let spec = FileSpec {
            name: self.argument(0)?,
            size,
            version: self.version(self.argument(2).ok().or(self.option(b'v')))?,
            kind: self.kind(self.argument(3).ok().or(self.option(b't')))?,
            flags: self.file_flags(),
            crc: sums.crc16,
            replace: self.flag(b'r'),
        };
        let files = self.machine.files;
        let writer = files.create(&spec).map_err(|error| self.file_failed(error))?;
        if let Some(crc) = sums.crc32 {
            // The writer was made just now, so this cannot fail.
            let _ = files.expect_crc32(&writer, crc);
        }
        Ok(writer)
    }
}

/// What marks the files of somebody who is not the owner.
pub(super) fn foreign(asker: Asker) -> u16 {
    if asker == Asker::Guest { flag::FOREIGN } else { 0 }
}

pub(super) async fn create(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let machine = call.machine;
    let size = call.number(1, u32::MAX)?;
    let taken = if call.flag(b'o') { 0 } else { size as usize };
    if let Err(error) = call.check_gecko_form() {
        return refuse(call, taken, error).await;
    }
    if call.flag(b'o') {
        // The handle comes first: a full stream table must not touch the flash.
        let reservation = machine.streams.reserve(Kind::File)?;
        let handle = reservation.writer(call.new_file(size)?).ok_or(CommandError::Failed)?;
        let _ = write!(call.reply, "{handle}");
        return Ok(Ending::Text);
    }
    let file = match call.new_file(size) {
        Ok(writer) => Unfinished::new(machine.files, writer),
        Err(error) => return refuse(call, taken, error).await,
    };
    if taken > 0 {
        let data = call.data(taken)?;
        call.apart(pin!(store(machine, file, data))).await??;
    } else {
        call.apart(pin!(finish(machine, file))).await??;
    }
    machine.base.log.line(Level::Detail, format_args!("File created"));
    Ok(Ending::Success)
}

/// Answers an error. Skips the data on the way, unless the line itself is wrong: then its size may be wrong too.
async fn refuse(call: &mut Call<'_>, size: usize, error: CommandError) -> Result<Ending, CommandError> {
    if size == 0 || error != CommandError::Failed { Err(error) } else { call.refuse(size, error).await }
}

/// Writes a file from the data of a command. After a failure the rest of the data is still taken off the line.
async fn store(machine: &Machine, mut file: Unfinished<'_>, mut data: Data<'_>) -> Result<(), CommandError> {
    let mut written = Ok(());
    while written.is_ok() {
        let piece = data.piece().await;
        let count = piece.len();
        if count == 0 {
            break;
        }
        written = file.write(piece);
        data.used(count);
    }
    if written.is_err() {
        data.skip().await;
    }
    // A file with missing bytes vanishes.
    written.map_err(|error| failed(machine, error))?;
    finish(machine, file).await
}

pub(super) async fn open(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let reservation = call.machine.streams.reserve(Kind::File)?;
    let reader = call.sound_file(0).await?;
    let handle = reservation.reader(reader).ok_or(CommandError::Failed)?;
    let _ = write!(call.reply, "{handle}");
    Ok(Ending::Text)
}

pub(super) async fn delete(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let machine = call.machine;
    let name = call.argument(0)?;
    let deleting = async { machine.files.delete(name).await.map_err(|error| failed(machine, error)) };
    call.apart(pin!(deleting)).await??;
    machine.base.log.line(Level::Detail, format_args!("File deleted"));
    Ok(Ending::Success)
}

pub(super) fn stat(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let meta = call.machine.files.stat(call.argument(0)?).ok_or_else(|| call.file_failed(FileError::NotFound))?;
    if call.flag(b'v') {
        listing::stat_lines(&meta, &mut |name, value| {
            call.reply.put(name.as_bytes());
            call.reply.put(b": ");
            call.reply.put(value);
            call.reply.put(b"\r\n");
        });
    } else {
        listing::stat_row(&meta, &mut |bytes| call.reply.put(bytes));
        call.reply.put(b"\r\n");
    }
    Ok(Ending::Text)
}

pub(super) fn list(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let verbose = call.flag(b'v') || call.flag(b'l');
    let (header, row): (&str, listing::Row) = match verbose {
        true if version::is_gecko_os(call.machine.base) => (listing::LS_GECKO_OS_HEADER, listing::ls_gecko_os_row),
        true => (listing::LS_VERBOSE_HEADER, listing::ls_verbose_row),
        false => (listing::LS_HEADER, listing::ls_row),
    };
    call.reply.put(header.as_bytes());
    call.reply.put(b"\r\n");
    for (index, meta) in (0..).map_while(|index| Some((index, call.machine.files.entry(index)?))) {
        let mut sink = |bytes: &[u8]| call.reply.put(bytes);
        row(index, &meta, &mut sink);
        call.reply.put(b"\r\n");
    }
    call.long = true;
    Ok(Ending::Text)
}

/// `format_flash <memory> <MAC>`: erases the files; it needs the device's own MAC.
pub(super) async fn format(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    if !matches!(call.argument(0)?, b"extended" | b"bulk") {
        return Err(CommandError::Invalid);
    }
    call.own_mac(1)?;
    let machine = call.machine;
    let erasing = async { machine.files.erase_all(false).await.map_err(|error| failed(machine, error)) };
    call.apart(pin!(erasing)).await??;
    Ok(Ending::Success)
}
