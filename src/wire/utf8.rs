//! UTF-8 (RFC 3629) that comes in pieces.

use heapless::Vec;

/// Checks UTF-8 that comes in pieces.
#[derive(Default)]
pub struct Utf8 {
    /// The beginning of a character whose end has not arrived.
    begun: Vec<u8, 4>,
}

impl Utf8 {
    /// Takes a piece; `false` when the text can no longer become valid.
    pub fn push(&mut self, mut piece: &[u8]) -> bool {
        while !self.begun.is_empty() {
            let Some((first, rest)) = piece.split_first() else { return true };
            if self.begun.push(*first).is_err() {
                return false;
            }
            piece = rest;
            match core::str::from_utf8(&self.begun) {
                Ok(_) => self.begun.clear(),
                Err(error) if error.error_len().is_some() => return false,
                Err(_) => {}
            }
        }
        let Err(error) = core::str::from_utf8(piece) else { return true };
        let rest = piece.get(error.valid_up_to()..).unwrap_or_default();
        error.error_len().is_none() && self.begun.extend_from_slice(rest).is_ok()
    }

    /// The text ends; `false` when it ends within a character.
    pub fn end(&mut self) -> bool {
        let whole = self.begun.is_empty();
        self.begun.clear();
        whole
    }
}
