//! The one table of result codes and their texts (interface, serial 4.2).

use core::fmt;

use crate::buffer::Buffer;

/// Why a command did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// Code 1 without a more special text.
    Failed,
    /// Code 1: no echo reply.
    PingFailed,
    /// Code 2: the line cannot be read: a quote is open.
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
        // All texts have the line end.
        self.line().split_at(self.line().len() - 2).0
    }

    /// The text of the response.
    const fn line(self) -> &'static str {
        match self {
            Self::Failed => "Command failed\r\n",
            Self::PingFailed => "Ping failed\r\n",
            Self::Parse => "Parse error\r\n",
            Self::UnknownCommand => "Unknown command\r\n",
            Self::TooFew => "Too few arguments\r\n",
            Self::TooMany => "Too many arguments\r\n",
            Self::UnknownVariable => "Unknown variable\r\n",
            Self::UnknownOption => "Unknown option\r\n",
            Self::Invalid => "Invalid argument\r\n",
            Self::TooLong => "Command too long\r\n",
            Self::Bounds => "Bounds error\r\n",
        }
    }
}

/// The outcome of one command. The text is complete: it ends in CR LF, or is empty for an empty value.
pub struct Reply {
    /// The result digit; 0 is success.
    pub code: u8,
    text: Text,
    /// Something that was written did not fit.
    overflow: bool,
    /// The line speaks the structured protocol after the answer.
    structured: bool,
}

/// What a command says.
enum Text {
    /// One of the fixed texts, or nothing.
    Fixed(&'static str),
    /// Anything, in bytes (a `stream_read` carries anything).
    Buffer(Buffer),
}

impl Reply {
    /// An empty reply without a buffer: it can only have a fixed text.
    pub const fn new() -> Self {
        Self { code: 0, text: Text::Fixed(""), overflow: false, structured: false }
    }

    /// An empty reply with a buffer for its text.
    pub const fn with(buffer: Buffer) -> Self {
        Self { code: 0, text: Text::Buffer(buffer), overflow: false, structured: false }
    }

    /// What the command says.
    pub fn text(&self) -> &[u8] {
        match &self.text {
            Text::Fixed(text) => text.as_bytes(),
            Text::Buffer(buffer) => buffer,
        }
    }

    /// Whether the asking line speaks the structured protocol from now on.
    pub fn is_structured(&self) -> bool {
        self.structured
    }

    /// The reply to a line that is longer than the command buffer.
    pub fn too_long() -> Self {
        Self::failed(CommandError::TooLong)
    }

    /// The reply to a command that could not be run.
    pub fn refused() -> Self {
        Self::failed(CommandError::Failed)
    }

    fn failed(error: CommandError) -> Self {
        Self { code: error.code(), text: Text::Fixed(error.line()), overflow: false, structured: false }
    }

    /// Adds bytes. If they do not fit, the command ends with a bounds error instead of a cut answer.
    pub fn put(&mut self, bytes: &[u8]) {
        self.overflow |= match &mut self.text {
            Text::Fixed(_) => true,
            Text::Buffer(buffer) => buffer.extend_from_slice(bytes).is_err(),
        }
    }

    /// Adds up to `size` bytes that `read` writes; `read` returns how many it has written.
    pub(super) fn fill<E>(
        &mut self,
        size: usize,
        read: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), CommandError>
    where
        CommandError: From<E>,
    {
        let Text::Buffer(buffer) = &mut self.text else { return Err(CommandError::Failed) };
        let start = buffer.len();
        // The final CR LF must fit.
        let size = size.min((buffer.capacity() - start).saturating_sub(2));
        buffer.resize_default(start + size).map_err(|_| CommandError::Bounds)?;
        let count = read(buffer.get_mut(start..).unwrap_or_default());
        buffer.truncate(start + *count.as_ref().unwrap_or(&0));
        count?;
        Ok(())
    }

    /// Asks to keep the text for as long as a client takes to read it; see [`Buffer::keep`].
    #[must_use = "who may not keep it must give it back soon"]
    pub fn keep(&mut self) -> bool {
        match &mut self.text {
            Text::Fixed(_) => true,
            Text::Buffer(buffer) => buffer.keep(),
        }
    }

    /// Waits until the text may be kept.
    pub async fn kept(&mut self) {
        if let Text::Buffer(buffer) = &mut self.text {
            buffer.kept().await;
        }
    }

    /// Takes the buffer out, unless there is a fixed text.
    pub(super) fn take_buffer(&mut self) -> Option<Buffer> {
        match core::mem::replace(&mut self.text, Text::Fixed("")) {
            Text::Buffer(buffer) => Some(buffer),
            fixed => {
                self.text = fixed;
                None
            }
        }
    }

    /// Gives the buffer back if nothing is in it.
    pub(super) fn release(&mut self) {
        if self.text().is_empty() {
            self.text = Text::Fixed("");
        }
    }

    /// Whether text can be written.
    pub(super) fn has_buffer(&self) -> bool {
        matches!(self.text, Text::Buffer(_))
    }

    /// Ends the reply: CR LF after a text that has none; an error's text replaces any other. A fixed text needs no
    /// buffer.
    pub(super) fn finish(&mut self, result: Result<Ending, CommandError>) {
        match result {
            _ if self.overflow => *self = Self::failed(CommandError::Bounds),
            Ok(Ending::Text | Ending::Raw) if self.text().is_empty() => self.release(),
            Ok(Ending::Text) if self.text().ends_with(b"\r\n") => {}
            Ok(Ending::Text | Ending::Raw) => self.put(b"\r\n"),
            Ok(Ending::Success) => self.text = Text::Fixed("Success\r\n"),
            Ok(Ending::Structured) => (self.text, self.structured) = (Text::Fixed("Success\r\n"), true),
            Ok(Ending::SetOk) => self.text = Text::Fixed("Set OK\r\n"),
            Ok(Ending::InProgress) => self.text = Text::Fixed("In progress\r\n"),
            Err(error) => *self = Self::failed(error),
        }
        if self.overflow {
            // Only the line end did not fit any more.
            *self = Self::failed(CommandError::Bounds);
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
    /// `Success`, and the line speaks the structured protocol from now on.
    Structured,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::Pool;
    use crate::limits;
    use crate::place::place;

    fn reply() -> Reply {
        Reply::with(place!(Pool, Pool::new()).take().unwrap())
    }

    #[test]
    fn raw_data_that_ends_in_a_line_end_gets_another() {
        let mut reply = reply();
        reply.put(b"a\r\n");
        reply.finish(Ok(Ending::Raw));
        assert_eq!(reply.text(), b"a\r\n\r\n");
    }

    #[test]
    fn what_does_not_fit_is_an_error_and_not_a_cut_answer() {
        let mut reply = reply();
        reply.put(&[b'x'; limits::RESPONSE]);
        reply.finish(Ok(Ending::Text));
        assert_eq!((reply.code, reply.text()), (9, b"Bounds error\r\n".as_slice()));
    }
}
