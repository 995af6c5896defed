//! The connection to a mail server: receives lines, sends bytes.

use core::cell::RefMut;
use core::fmt::{self, Write};
use core::future::poll_fn;
use core::ops::Range;
use core::task::{Context, Poll};

use embassy_time::{Duration, Instant, with_deadline, with_timeout};

use super::failure::Failure;
use crate::base::Base;
use crate::limits;
use crate::log::Level;
use crate::network::Remote;
use crate::port::{self, Event, Interface, OpenSocket, PortError};
use crate::stream::HostName;
use crate::wire::smtp::reply::{Line, Malformed};

/// How long a server may take no byte.
const SEND_TIME: Duration = Duration::from_secs(60);
/// How long to wait for a last reply of a server that takes no more bytes.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Lines of the longest reply.
const LINES: usize = 100;

/// The buffers for the one message that is sent at a time.
pub struct Desk {
    /// The server.
    pub(super) remote: Remote,
    input: [u8; limits::MAIL_LINE],
    /// Bytes received and not used yet.
    received: Range<usize>,
    /// The text of the last line.
    text: Range<usize>,
    output: [u8; limits::MAIL_OUTPUT],
    filled: usize,
}

impl Desk {
    /// An empty desk.
    pub const fn new() -> Self {
        Self {
            remote: Remote { interface: Interface::Wlan, host: HostName::new(), port: 0, local_port: 0 },
            input: [0; limits::MAIL_LINE],
            received: 0..0,
            text: 0..0,
            output: [0; limits::MAIL_OUTPUT],
            filled: 0,
        }
    }

    fn clear(&mut self) {
        // A password must not stay in memory longer than needed.
        self.input.fill(0);
        self.output.fill(0);
        (self.received, self.text, self.filled) = (0..0, 0..0, 0);
    }

    /// The text of the last line, to be read while a proof is written.
    pub(super) fn text_and_output(&mut self) -> (&[u8], Output<'_>) {
        (
            self.input.get(self.text.clone()).unwrap_or_default(),
            Output { bytes: &mut self.output, filled: &mut self.filled },
        )
    }

    /// The bytes that will be sent.
    pub(super) fn output(&mut self) -> Output<'_> {
        Output { bytes: &mut self.output, filled: &mut self.filled }
    }
}

impl Default for Desk {
    fn default() -> Self {
        Self::new()
    }
}

/// Bytes that will be sent. A write that does not fit is an error.
pub(super) struct Output<'a> {
    bytes: &'a mut [u8],
    filled: &'a mut usize,
}

impl Output<'_> {
    /// Lets `write` fill free room. `write` answers two counts: the first one is the result, the second one is the
    /// number of bytes written.
    pub fn fill(&mut self, write: impl FnOnce(&mut [u8]) -> (usize, usize)) -> usize {
        let (used, written) = write(self.bytes.get_mut(*self.filled..).unwrap_or_default());
        *self.filled = (*self.filled + written).min(self.bytes.len());
        used
    }

    /// Writes everything that `write` writes, or nothing.
    pub fn attempt(&mut self, write: impl FnOnce(&mut dyn Write) -> fmt::Result) -> fmt::Result {
        let before = *self.filled;
        write(self).inspect_err(|_| *self.filled = before)
    }

    /// Bytes that still fit.
    pub fn room(&self) -> usize {
        self.bytes.len() - *self.filled
    }
}

impl Write for Output<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.get_mut(*self.filled..).and_then(|rest| rest.get_mut(..text.len())).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        *self.filled += text.len();
        Ok(())
    }
}

/// A connection and the desk.
pub(super) struct Link {
    base: &'static Base,
    socket: OpenSocket<'static>,
    pub desk: RefMut<'static, Desk>,
    /// Bytes of the output that were sent.
    sent: usize,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.desk.clear();
    }
}

impl Link {
    /// A new connection, on which nothing was sent yet.
    pub fn new(base: &'static Base, socket: OpenSocket<'static>, mut desk: RefMut<'static, Desk>) -> Self {
        desk.clear();
        Self { base, socket, desk, sent: 0 }
    }

    /// The socket.
    pub fn socket(&self) -> port::Socket {
        self.socket.socket()
    }

    /// Whether the server has sent more than the replies used so far.
    pub fn is_ahead(&self) -> bool {
        !self.desk.received.is_empty()
    }

    /// Sends what is in the output.
    pub async fn flush(&mut self, step: &'static str) -> Result<(), Failure> {
        while self.sent < self.desk.filled {
            match with_timeout(SEND_TIME, poll_fn(|context| self.poll_send(context))).await {
                Ok(Ok(count)) => self.sent += count,
                Ok(Err(_)) => return Err(self.last_words(step).await),
                Err(_) => return Err(Failure::Silent(step)),
            }
        }
        let sent = core::mem::take(&mut self.sent);
        self.desk.output.get_mut(..sent).unwrap_or_default().fill(0);
        self.desk.filled = 0;
        Ok(())
    }

    fn poll_send(&self, context: &Context<'_>) -> Poll<port::Result<usize>> {
        let (port, socket) = (self.base.port, self.socket.socket());
        let bytes = self.desk.output.get(self.sent..self.desk.filled).unwrap_or_default();
        match port.sockets().send(socket, bytes) {
            Err(PortError::WouldBlock) => {
                port.wake_when(Event::Writable(socket), context.waker());
                Poll::Pending
            }
            sent => Poll::Ready(sent),
        }
    }

    /// The server takes no more bytes: perhaps it has sent the reason.
    async fn last_words(&mut self, step: &'static str) -> Failure {
        match self.line(step, Instant::now() + LAST_WORDS).await {
            Ok((code, _)) => self.refuse(step, code),
            Err(_) => Failure::Closed(step),
        }
    }

    /// The code of the next reply, which must be complete within `patience`; `each` gets the text of each line.
    pub async fn reply(
        &mut self,
        step: &'static str,
        patience: Duration,
        mut each: impl FnMut(&[u8]),
    ) -> Result<u16, Failure> {
        let deadline = Instant::now() + patience;
        let mut first = None;
        for _ in 0..LINES {
            let (code, is_last) = self.line(step, deadline).await?;
            each(self.desk.text_and_output().0);
            if *first.get_or_insert(code) != code {
                return Err(Failure::Malformed(step));
            }
            if is_last {
                return Ok(code);
            }
        }
        Err(Failure::Malformed(step))
    }

    /// Receives a line: its code, and whether it is the last one of its reply.
    async fn line(&mut self, step: &'static str, deadline: Instant) -> Result<(u16, bool), Failure> {
        loop {
            if let Some(line) = self.next_line().map_err(|_| Failure::Malformed(step))? {
                return Ok(line);
            }
            match with_deadline(deadline, poll_fn(|context| self.poll_receive(context))).await {
                Ok(Ok(0)) if self.desk.received.len() == limits::MAIL_LINE => {
                    return Err(Failure::Malformed(step));
                }
                Ok(Ok(0) | Err(_)) => return Err(Failure::Closed(step)),
                Ok(Ok(count)) => self.desk.received.end += count,
                Err(_) => return Err(Failure::Silent(step)),
            }
        }
    }

    /// The next line if it is complete; its text stays in place until more is received.
    fn next_line(&mut self) -> Result<Option<(u16, bool)>, Malformed> {
        let Desk { input, received, text, .. } = &mut *self.desk;
        let bytes = input.get(received.clone()).unwrap_or_default();
        let Some((line, used)) = Line::read(bytes)? else { return Ok(None) };
        let start = received.start + 3 + usize::from(!line.text.is_empty());
        *text = start..start + line.text.len();
        received.start += used;
        Ok(Some((line.code, line.is_last)))
    }

    /// Receives more bytes after those received; zero at the end, and when there is no room.
    fn poll_receive(&mut self, context: &Context<'_>) -> Poll<port::Result<usize>> {
        let (port, socket) = (self.base.port, self.socket.socket());
        let Desk { input, received, .. } = &mut *self.desk;
        input.copy_within(received.clone(), 0);
        *received = 0..received.len();
        let room = input.get_mut(received.end..).unwrap_or_default();
        if room.is_empty() {
            return Poll::Ready(Ok(0));
        }
        match port.sockets().receive(socket, room) {
            Err(PortError::WouldBlock) => {
                port.wake_when(Event::Readable(socket), context.waker());
                Poll::Pending
            }
            received => Poll::Ready(received),
        }
    }

    /// The server has refused: logs its text.
    pub fn refuse(&mut self, step: &'static str, code: u16) -> Failure {
        let words = Words(self.desk.input.get(self.desk.text.clone()).unwrap_or_default());
        self.base.log.line(Level::Failure, format_args!("SMTP {step}: {code} {words}"));
        Failure::Refused
    }
}

/// The text of a server, with control characters and invalid UTF-8 replaced.
struct Words<'a>(&'a [u8]);

impl fmt::Display for Words<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.utf8_chunks().try_for_each(|chunk| {
            let mut visible = chunk.valid().chars().map(|letter| if letter.is_control() { '?' } else { letter });
            visible.try_for_each(|letter| out.write_char(letter))?;
            if chunk.invalid().is_empty() { Ok(()) } else { out.write_char('?') }
        })
    }
}
