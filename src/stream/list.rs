//! The table of `stream_list` (interface, commands/stream_list).

use core::fmt::{self, Write};

use super::{Ends, Source, StreamError, Streams};
use crate::file::Meta;

/// The heading of the table.
pub const HEADING: &str = "! # Type  Info\r\n";

impl Streams {
    /// Writes one row, CR LF included, to `raw`. It takes bytes because a file name need not be text.
    pub fn list_row(&self, handle: u8, raw: &mut dyn FnMut(&[u8])) -> Result<(), StreamError> {
        self.with(handle, |_, stream| {
            let mut out = Raw(raw);
            // The sink takes everything.
            let _ = write!(out, "# {handle} {:<5} ", stream.kind.name());
            match &stream.source {
                Source::Reader(reader) => out.file(reader.meta(), reader.position()),
                Source::Writer(writer) => {
                    if let Some(meta) = self.files.writing(writer) {
                        out.file(&meta, self.files.written(writer).unwrap_or(0));
                    }
                }
                Source::Text(text, read) => {
                    let _ = write!(out, "({}, {read})", text.len());
                }
                Source::Bus(device, _) => {
                    let _ = write!(out, "{device}");
                }
                Source::Socket(_) | Source::Room => {
                    let _ = stream.ends.write(&mut out);
                }
            }
            (out.0)(b"\r\n");
        })
    }
}

impl Ends {
    fn write(&self, out: &mut dyn Write) -> fmt::Result {
        match self {
            Self::Client { host, port, local } => write!(out, "{host}:{port} ({local})"),
            Self::Server { local, remote } => write!(out, "{local} {remote}"),
            Self::None => Ok(()),
        }
    }
}

/// Formats text into a byte sink.
struct Raw<'a>(&'a mut dyn FnMut(&[u8]));

impl Raw<'_> {
    /// `<name>-<version> (<size>, <position>)`
    fn file(&mut self, meta: &Meta, position: u32) {
        (self.0)(&meta.name);
        let _ = write!(self, "-{} ({}, {position})", meta.version, meta.size);
    }
}

impl Write for Raw<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.0)(text.as_bytes());
        Ok(())
    }
}
