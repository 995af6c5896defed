//! Files that are written by something that can be given up.

use super::{FileError, Files, Writer};

/// A file being written that vanishes when this is dropped before it is complete.
pub struct Unfinished<'a> {
    files: &'a Files,
    writer: Option<Writer>,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            self.files.abandon(writer);
        }
    }
}

impl<'a> Unfinished<'a> {
    /// Takes the writer over.
    pub fn new(files: &'a Files, writer: Writer) -> Self {
        Self { files, writer: Some(writer) }
    }

    /// Adds content; see [`Files::write`]. What comes behind the end is `TooLong`.
    pub fn write(&mut self, data: &[u8]) -> Result<(), FileError> {
        let writer = self.writer.as_ref().ok_or(FileError::TooLong)?;
        if self.files.write(writer, data)? {
            self.writer = None;
        }
        Ok(())
    }

    /// No more content comes: commits the file if it is whole; see [`Files::finish`].
    pub fn finish(mut self) -> Result<(), FileError> {
        match self.writer.take() {
            Some(writer) => self.files.finish(writer),
            None => Ok(()),
        }
    }

    /// Lets somebody else have the writer; `None` when the file is complete.
    pub fn into_writer(mut self) -> Option<Writer> {
        self.writer.take()
    }
}
