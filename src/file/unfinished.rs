//! Files that are written by something that can be given up.

use super::{FileError, Files, Writer};

/// A file being written that vanishes when this is dropped before its content is complete.
pub struct Unfinished<'a> {
    files: &'a Files,
    writer: Writer,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.files.give_up(&self.writer);
    }
}

impl<'a> Unfinished<'a> {
    /// Takes over the writer.
    pub fn new(files: &'a Files, writer: Writer) -> Self {
        Self { files, writer }
    }

    /// Adds content; see [`Files::write`]. Content after the end is `TooLong`.
    pub fn write(&mut self, data: &[u8]) -> Result<(), FileError> {
        self.files.write(&self.writer, data).map(|_| ())
    }

    /// Ends the content, and waits until the file is stored if it is complete; see [`Files::finish`].
    pub async fn finish(self) -> Result<(), FileError> {
        self.files.end(&self.writer)?;
        self.files.stored(&self.writer).await
    }
}
