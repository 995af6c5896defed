//! `get`, `set`, and settings files (interface, variables 1).

use core::pin::pin;

use embassy_futures::yield_now;
use heapless::Vec;

use super::call::{Call, Machine};
use super::response::{CommandError, Ending, Reply};
use crate::buffer::{Content, Pool};
use crate::file::{FileError, FileSpec, Reader, Unfinished, Version, kind};
use crate::limits;
use crate::log::Level;
use crate::variable::{self, Full, Id, Sink, ValueError, id, settings};

impl From<ValueError> for CommandError {
    fn from(error: ValueError) -> Self {
        match error {
            ValueError::Unknown => Self::UnknownVariable,
            ValueError::UnknownOption => Self::UnknownOption,
            ValueError::Invalid => Self::Invalid,
            ValueError::TooFew => Self::TooFew,
            ValueError::TooMany => Self::TooMany,
            ValueError::Denied | ValueError::InUse => Self::Failed,
            ValueError::Full => Self::Bounds,
        }
    }
}

impl Sink for Reply {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        Reply::put(self, bytes);
        Ok(())
    }
}

/// An asker that reads this variable alone knows of the events; lists of variables do not count.
const EVENTS: Id = id("system.oob.status");

pub(super) fn get(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let mut words: Vec<&str, { limits::COMMAND_WORDS }> = Vec::new();
    for word in call.line.words().skip(1) {
        // A name or index that is not text names nothing.
        let word = core::str::from_utf8(word).map_err(|_| CommandError::UnknownVariable)?;
        words.push(word).map_err(|_| CommandError::TooMany)?;
    }
    let base = call.machine.base;
    call.long = variable::is_long(&words);
    base.variables.get(base, &words, &mut call.reply)?;
    // Looking a name up costs time, and most names belong to other groups.
    let may_be = words.first().is_some_and(|word| word.starts_with("sy"));
    if may_be && variable::find(&words).is_some_and(|(id, _)| id == EVENTS) {
        base.status.out_of_band.forget();
        base.status.changed();
    }
    Ok(Ending::Text)
}

pub(super) fn set(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let words: Vec<&[u8], { limits::COMMAND_WORDS }> = call.line.words().skip(1).collect();
    let (id, taken) = variable::find_bytes(&words).ok_or(CommandError::UnknownVariable)?;
    let base = call.machine.base;
    base.variables.set(base, id, words.get(taken..).unwrap_or_default())?;
    Ok(Ending::SetOk)
}

/// `save <file>`: writes the variables that differ from their defaults as a settings file.
pub(super) async fn save_file(call: &mut Call<'_>, name: &[u8]) -> Result<Ending, CommandError> {
    let machine = call.machine;
    let file = settings_file(machine, name, super::files::foreign(call.asker()))?;
    call.apart(pin!(finish(machine, file))).await??;
    Ok(Ending::Success)
}

/// Waits until a file is stored.
pub(super) async fn finish(machine: &Machine, file: Unfinished<'_>) -> Result<(), CommandError> {
    file.finish().await.map_err(|error| failed(machine, error))
}

/// Begins the file and gives it all of its content.
fn settings_file(machine: &'static Machine, name: &[u8], flags: u16) -> Result<Unfinished<'static>, CommandError> {
    let mut size = Count(0);
    settings::save_text(machine.base, &mut size)?;
    let spec = FileSpec {
        name,
        size: size.0,
        version: Version::default(),
        kind: kind::MISCELLANEOUS,
        flags,
        crc: None,
        replace: true,
    };
    let writer = machine.files.create(&spec).map_err(|error| failed(machine, error))?;
    let mut lines = Lines { file: Unfinished::new(machine.files, writer), failure: None };
    let written = settings::save_text(machine.base, &mut lines);
    if let Some(error) = lines.failure {
        return Err(failed(machine, error));
    }
    written?;
    Ok(lines.file)
}

/// Counts what would be written.
struct Count(u32);

impl Sink for Count {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.0 += bytes.len() as u32;
        Ok(())
    }
}

/// Writes into a new file.
struct Lines {
    file: Unfinished<'static>,
    failure: Option<FileError>,
}

impl Sink for Lines {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.file.write(bytes).map_err(|error| {
            self.failure = Some(error);
            Full
        })
    }
}

/// Logs why a file is not there or not stored.
pub(super) fn failed(machine: &Machine, error: FileError) -> CommandError {
    machine.base.log.line(Level::Failure, format_args!("{error}"));
    CommandError::Failed
}

/// Bytes of a settings file to read before other tasks have their turn.
const PIECE: usize = 256;

/// `load <file>`: reads a settings file into RAM, one `variable value` pair per line, `#` for comments. Other tasks run
/// between its pieces.
pub(super) async fn load(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let machine = call.machine;
    let reader = call.sound_file(0).await?;
    let file = OpenFile { machine, reader: Some(reader) };
    call.apart(pin!(load_lines(machine, call.pool(), file))).await??;
    Ok(Ending::Success)
}

/// A file that is also closed when the command is given up.
struct OpenFile {
    machine: &'static Machine,
    reader: Option<Reader>,
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            self.machine.files.close(reader);
        }
    }
}

/// Reads piece by piece; other tasks run in between. A buffer of the pool keeps the current line.
async fn load_lines(machine: &'static Machine, pool: &'static Pool, mut file: OpenFile) -> Result<(), CommandError> {
    let mut line = pool.wait().await;
    while let Some(reader) = file.reader.as_mut() {
        if !load_piece(machine, reader, &mut line)? {
            break;
        }
        yield_now().await;
    }
    load_line(machine, &mut line)
}

/// Reads the next piece; false at the end of the file.
fn load_piece(machine: &Machine, reader: &mut Reader, line: &mut Content) -> Result<bool, CommandError> {
    let mut piece = [0; PIECE];
    let count = machine.files.read(reader, &mut piece).map_err(|error| failed(machine, error))?;
    for byte in piece.iter().take(count) {
        match byte {
            b'\n' => {
                load_line(machine, line)?;
                line.clear();
            }
            b'\r' => {}
            _ if line.len() >= limits::COMMAND_LINE => return Err(CommandError::TooLong),
            byte => line.push(*byte).map_err(|_| CommandError::TooLong)?,
        }
    }
    Ok(count > 0)
}

fn load_line(machine: &Machine, line: &mut [u8]) -> Result<(), CommandError> {
    if matches!(line.first(), None | Some(b'#')) {
        return Ok(());
    }
    let line = super::Line::parse(line).map_err(|_| CommandError::Parse)?;
    let words: Vec<&[u8], { limits::COMMAND_WORDS }> = line.words().collect();
    let Some((id, taken)) = variable::find_bytes(&words) else {
        return if words.is_empty() { Ok(()) } else { Err(CommandError::UnknownVariable) };
    };
    Ok(machine.base.variables.set(machine.base, id, words.get(taken..).unwrap_or_default())?)
}
