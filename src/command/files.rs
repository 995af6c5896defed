//! `file_create`, `file_open`, `file_delete`, `file_stat`, `ls`, `format_flash` (commands reference 3).

use core::fmt::Write;

use super::call::{Call, Sink, Step};
use super::response::{CommandError, Ending};
use crate::file::{FileError, FileSpec, Version, flag, kind, listing};
use crate::log::Level;
use crate::stream::Kind;

impl Call<'_> {
    /// Logs why a file command failed; the answer itself is always `Command failed`.
    pub fn file_failed(&self, error: FileError) -> CommandError {
        self.machine.base.log.line(Level::Failure, format_args!("{error}"));
        CommandError::Failed
    }
}

/// What the words of `file_create` say, in either form.
#[derive(Default)]
struct Creation<'a> {
    open: bool,
    essential: bool,
    unprotected: bool,
    replace: bool,
    name: Option<&'a [u8]>,
    size: Option<u32>,
    version: Option<Version>,
    kind: Option<u8>,
    crc: Option<u16>,
    crc32: Option<u32>,
}

impl<'a> Creation<'a> {
    /// Reads `[-[e][u][r]] [-o] <name> <size> [<version> [<type> [<crc>]]]` or the Gecko OS form, whose options with
    /// values (`-v`, `-t`, `-c`) follow the size.
    fn parse(words: impl Iterator<Item = &'a [u8]>) -> Result<Self, CommandError> {
        let mut creation = Self::default();
        let mut words = words.peekable();
        let mut place = 0;
        while let Some(word) = words.next() {
            match word {
                [b'-', letters @ ..] if place == 0 || place >= 2 => {
                    if let [letter @ (b'v' | b't' | b'c')] = letters {
                        let value = words.next().ok_or(CommandError::TooFew)?;
                        creation.valued(*letter, value)?;
                    } else {
                        creation.letters(letters)?;
                    }
                }
                _ => {
                    creation.positional(place, word)?;
                    place += 1;
                }
            }
        }
        Ok(creation)
    }

    fn letters(&mut self, letters: &[u8]) -> Result<(), CommandError> {
        for letter in letters {
            match letter {
                b'o' => self.open = true,
                b'e' => self.essential = true,
                b'u' => self.unprotected = true,
                b'r' => self.replace = true,
                _ => return Err(CommandError::UnknownOption),
            }
        }
        if letters.is_empty() { Err(CommandError::UnknownOption) } else { Ok(()) }
    }

    fn valued(&mut self, letter: u8, value: &[u8]) -> Result<(), CommandError> {
        match letter {
            b'v' => self.version = Some(Version::parse(value).ok_or(CommandError::Invalid)?),
            b't' => self.kind = Some(hex(value, u8::MAX.into())? as u8),
            // Gecko OS 4 gives a CRC-32 here; four digits or fewer can only be a CRC-16.
            _ => match hex(value, u32::MAX)? {
                crc @ 0..=0xFFFF if digits(value) <= 4 => self.crc = Some(crc as u16),
                crc => self.crc32 = Some(crc),
            },
        }
        Ok(())
    }

    fn positional(&mut self, place: usize, word: &'a [u8]) -> Result<(), CommandError> {
        match place {
            0 => self.name = Some(word),
            1 => self.size = Some(decimal(word)?),
            2 => self.version = Some(Version::parse(word).ok_or(CommandError::Invalid)?),
            3 => self.kind = Some(hex(word, u8::MAX.into())? as u8),
            4 => self.crc = Some(hex(word, u16::MAX.into())? as u16),
            _ => return Err(CommandError::TooMany),
        }
        Ok(())
    }

    fn flags(&self) -> u16 {
        let bit = |set: bool, flag: u16| if set { flag } else { 0 };
        bit(self.essential, flag::ESSENTIAL) | bit(self.unprotected, flag::UNPROTECTED)
    }
}

pub(super) fn digits(word: &[u8]) -> usize {
    word.strip_prefix(b"0x").unwrap_or(word).len()
}

/// Hexadecimal with or without `0x`; a bare `1234` is hexadecimal too (HTTP reference 9.3).
pub(super) fn hex(word: &[u8], max: u32) -> Result<u32, CommandError> {
    let text = core::str::from_utf8(word).map_err(|_| CommandError::Invalid)?;
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let value = u32::from_str_radix(digits, 16).ok().filter(|value| *value <= max);
    value.ok_or(CommandError::Invalid)
}

fn decimal(word: &[u8]) -> Result<u32, CommandError> {
    core::str::from_utf8(word).ok().and_then(|text| text.parse().ok()).ok_or(CommandError::Invalid)
}

pub(super) fn create(call: &mut Call<'_>) -> Result<Step, CommandError> {
    let creation = Creation::parse(call.line.words().skip(1))?;
    let name = creation.name.ok_or(CommandError::TooFew)?;
    let size = creation.size.ok_or(CommandError::TooFew)?;
    let spec = FileSpec {
        name,
        size,
        version: creation.version.unwrap_or_default(),
        kind: creation.kind.unwrap_or(kind::MISCELLANEOUS),
        flags: creation.flags(),
        crc: creation.crc,
        replace: creation.replace,
    };
    let machine = call.machine;
    // The handle comes first: a full stream table must not touch the flash.
    let reservation = if creation.open { Some(machine.streams.reserve(Kind::File)?) } else { None };
    let writer = match machine.files.create(&spec) {
        Ok(writer) => writer,
        Err(error) if creation.open || size == 0 => return Err(call.file_failed(error)),
        Err(error) => return call.refuse(size as usize, call.file_failed(error)),
    };
    if let Some(crc) = creation.crc32 {
        // The writer was made just now, so this cannot fail.
        let _ = machine.files.expect_crc32(&writer, crc);
    }
    match reservation {
        Some(reservation) => {
            let handle = reservation.writer(writer).ok_or(CommandError::Failed)?;
            let _ = write!(call.reply, "{handle}");
            Ok(Step::Done(Ending::Text))
        }
        None if size == 0 => {
            machine.files.finish(writer).map_err(|error| call.file_failed(error))?;
            machine.base.log.line(Level::Detail, format_args!("File created"));
            Ok(Step::Done(Ending::Success))
        }
        None => Ok(Step::Data { size: size as usize, sink: Sink::File(writer) }),
    }
}

pub(super) fn open(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.at_most(1)?;
    let machine = call.machine;
    let reservation = machine.streams.reserve(Kind::File)?;
    let reader = machine.files.open(call.argument(0)?).map_err(|error| call.file_failed(error))?;
    let handle = reservation.reader(reader).ok_or(CommandError::Failed)?;
    let _ = write!(call.reply, "{handle}");
    Ok(Step::Done(Ending::Text))
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.at_most(1)?;
    let machine = call.machine;
    machine.files.delete(call.argument(0)?).map_err(|error| call.file_failed(error))?;
    machine.base.log.line(Level::Detail, format_args!("File deleted"));
    Ok(Step::Done(Ending::Success))
}

pub(super) fn stat(call: &mut Call<'_>) -> Result<Step, CommandError> {
    let verbose = call.argument(0)? == b"-v";
    call.at_most(1 + usize::from(verbose))?;
    let name = call.argument(usize::from(verbose))?;
    let meta = call.machine.files.stat(name).ok_or_else(|| call.file_failed(FileError::NotFound))?;
    listing::stat_lines(&meta, &mut |name, value| {
        call.reply.put(name.as_bytes());
        call.reply.put(b": ");
        call.reply.put(value);
        call.reply.put(b"\r\n");
    });
    Ok(Step::Done(Ending::Text))
}

pub(super) fn list(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.at_most(1)?;
    let verbose = match call.argument(0) {
        Err(_) => false,
        Ok(b"-v" | b"-l") => true,
        Ok(_) => return Err(CommandError::UnknownOption),
    };
    let header = if verbose { listing::LS_VERBOSE_HEADER } else { listing::LS_HEADER };
    call.reply.put(header.as_bytes());
    call.reply.put(b"\r\n");
    for (index, meta) in (0..).map_while(|index| Some((index, call.machine.files.entry(index)?))) {
        let mut sink = |bytes: &[u8]| call.reply.put(bytes);
        match verbose {
            true => listing::ls_verbose_row(index, &meta, &mut sink),
            false => listing::ls_row(index, &meta, &mut sink),
        }
        call.reply.put(b"\r\n");
    }
    call.long = true;
    Ok(Step::Done(Ending::Text))
}

/// `format_flash <memory> <MAC>`: erases the files; the device's own MAC is the guard.
pub(super) fn format(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.at_most(2)?;
    if !matches!(call.argument(0)?, b"extended" | b"bulk") {
        return Err(CommandError::Invalid);
    }
    call.own_mac(1)?;
    call.machine.files.erase_all(false).map_err(|error| call.file_failed(error))?;
    Ok(Step::Done(Ending::Success))
}
