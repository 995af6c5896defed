//! Files that are read by something that can be given up.

use super::error::FileError;
use super::{Files, Reader};

/// An open file that is closed when this is dropped.
pub(super) struct Held<'a> {
    files: &'a Files,
    reader: Option<Reader>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            self.files.close(reader);
        }
    }
}

impl<'a> Held<'a> {
    /// Opens a file; see [`Files::open`].
    pub fn open(files: &'a Files, name: &[u8]) -> Result<Self, FileError> {
        Ok(Self { files, reader: Some(files.open(name)?) })
    }

    /// Compares the file with its check sum, and leaves closing it to the caller; see [`Files::verify`].
    pub async fn verified(mut self) -> Result<Reader, FileError> {
        if let Some(reader) = &self.reader {
            self.files.verify(reader).await?;
        }
        self.reader.take().ok_or(FileError::Gone)
    }
}
