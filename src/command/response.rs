//! Result codes and their texts: the one table of them (commands reference 0.3, reference README decision 7).

use core::fmt;

use heapless::Vec;

use crate::limits;

/// Why a command did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// Code 1 without a more special text.
    Failed,
    /// Code 1: no echo reply.
    PingFailed,
    /// Code 2: the line cannot be read (an open quote, a broken escape).
    Parse,
    /// Code 3.
    UnknownCommand,
    /// Code 4.
    TooFew,
    /// Code 5.
    TooMany,
    /// Code 6, of `get` and `set`.
    UnknownVariable,
    /// Code 6, of an option letter or word.
    UnknownOption,
    /// Code 7.
    Invalid,
    /// Code 8: the line is longer than the command buffer.
    TooLong,
    /// Code 9: a command's own limit is exceeded.
    Bounds,
}

impl CommandError {
    /// The digit in the response header and the `code` of the REST answer.
    pub const fn code(self) -> u8 {
        match self {
            Self::Failed | Self::PingFailed => 1,
            Self::Parse => 2,
            Self::UnknownCommand => 3,
            Self::TooFew => 4,
            Self::TooMany => 5,
            Self::UnknownVariable | Self::UnknownOption => 6,
            Self::Invalid => 7,
            Self::TooLong => 8,
            Self::Bounds => 9,
        }
    }

    /// The text of the response, without CR LF.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Failed => "Command failed",
            Self::PingFailed => "Ping failed",
            Self::Parse => "Parse error",
            Self::UnknownCommand => "Unknown command",
            Self::TooFew => "Too few arguments",
            Self::TooMany => "Too many arguments",
            Self::UnknownVariable => "Unknown variable",
            Self::UnknownOption => "Unknown option",
            Self::Invalid => "Invalid argument",
            Self::TooLong => "Command too long",
            Self::Bounds => "Bounds error",
        }
    }
}

/// The outcome of one command. The text is complete: it ends in CR LF, or is empty for an empty value.
pub struct Reply {
    /// The result digit; 0 is success.
    pub code: u8,
    /// What the command says, in bytes (a `stream_read` carries anything).
    pub text: Vec<u8, { limits::RESPONSE }>,
    /// Something was written that did not fit.
    overflow: bool,
}

impl Reply {
    /// An empty reply.
    pub const fn new() -> Self {
        Self { code: 0, text: Vec::new(), overflow: false }
    }

    /// Makes the reply empty again, for the next command.
    pub fn clear(&mut self) {
        self.code = 0;
        self.text.clear();
        self.overflow = false;
    }

    /// Adds bytes. What does not fit makes the command end with a bounds error instead of a cut answer.
    pub fn put(&mut self, bytes: &[u8]) {
        self.overflow |= self.text.extend_from_slice(bytes).is_err();
    }

    /// Room that is left for text, the final CR LF taken off.
    pub fn room(&self) -> usize {
        (self.text.capacity() - self.text.len()).saturating_sub(2)
    }

    /// The reply to a line that is longer than the command buffer.
    pub fn too_long(&mut self) {
        self.finish(Err(CommandError::TooLong));
    }

    /// The reply to a command that could not be run.
    pub fn failed(&mut self) {
        self.finish(Err(CommandError::Failed));
    }

    /// Ends the reply: CR LF after a text that has none, the error's text in place of whatever was there.
    pub(super) fn finish(&mut self, result: Result<Ending, CommandError>) {
        let result = if self.overflow { Err(CommandError::Bounds) } else { result };
        match result {
            Ok(Ending::Text) if self.text.is_empty() => {}
            Ok(Ending::Text) => self.end_line(),
            Ok(Ending::Raw) if self.text.is_empty() => {}
            Ok(Ending::Raw) => self.put(b"\r\n"),
            Ok(Ending::Success) => self.fixed("Success\r\n"),
            Ok(Ending::SetOk) => self.fixed("Set OK\r\n"),
            Ok(Ending::InProgress) => self.fixed("In progress\r\n"),
            Err(error) => {
                self.fixed(error.text());
                self.put(b"\r\n");
                self.code = error.code();
            }
        }
        if self.overflow {
            // Only the line end did not fit any more.
            self.finish(Err(CommandError::Bounds));
        }
    }

    fn fixed(&mut self, text: &str) {
        self.clear();
        self.put(text.as_bytes());
    }

    fn end_line(&mut self) {
        if !self.text.ends_with(b"\r\n") {
            self.put(b"\r\n");
        }
    }
}

impl Default for Reply {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Write for Reply {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes());
        Ok(())
    }
}

/// How a command that succeeded ends its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// What was written, as text; nothing at all for an empty value.
    Text,
    /// What was written is data: CR LF always follows, unless there is no data.
    Raw,
    /// `Success`.
    Success,
    /// `Set OK`.
    SetOk,
    /// `In progress`.
    InProgress,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_data_that_ends_in_a_line_end_gets_another() {
        let mut reply = Reply::new();
        reply.put(b"a\r\n");
        reply.finish(Ok(Ending::Raw));
        assert_eq!(reply.text.as_slice(), b"a\r\n\r\n");
    }

    #[test]
    fn what_does_not_fit_is_an_error_and_not_a_cut_answer() {
        let mut reply = Reply::new();
        reply.put(&[b'x'; limits::RESPONSE]);
        reply.finish(Ok(Ending::Text));
        assert_eq!((reply.code, reply.text.as_slice()), (9, b"Bounds error\r\n".as_slice()));
    }
}
