//! What goes out on a line: whole frames, one after another, never one inside another (interface, serial 4).

use core::cell::Cell;
use core::future::{pending, poll_fn};
use core::task::Poll;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::semaphore::{FairSemaphore, Semaphore, SemaphoreReleaser};
use embassy_time::{Duration, Timer};

use super::line::Line;
use super::visitor::Visitor;
use crate::base::Base;
use crate::command::Reply;
use crate::variable::{Id, id};

const HEADER: Id = id("system.cmd.header_enabled");
const PROMPT: Id = id("system.cmd.prompt_enabled");
const DATA_BUS: Id = id("bus.data_bus");
const LOG_BUS: Id = id("bus.log_bus");
const PRINT_LEVEL: Id = id("system.print_level");

/// How long the echo of a line waits for the answer, to go out in one piece with it.
const HOLD: Duration = Duration::from_millis(500);

/// The sending side of a line.
pub struct Output {
    base: &'static Base,
    line: Line,
    /// Held while a frame goes out.
    frame: FairSemaphore<NoopRawMutex, 4>,
    /// Log lines go to another UART.
    logs_elsewhere: bool,
    /// Number of the next log line to print.
    next_log: Cell<u32>,
}

impl Output {
    /// Prints the log lines from number `first_log` on.
    pub fn new(base: &'static Base, line: Line, first_log: u32) -> Self {
        let bus = |id| base.variables.at(id, 0);
        let logs_elsewhere = line.is_uart() && bus(DATA_BUS) != bus(LOG_BUS);
        Self { base, line, frame: FairSemaphore::new(1), logs_elsewhere, next_log: Cell::new(first_log) }
    }

    /// Lets somebody else have the line, who sends the log lines from the number on that is answered. Nothing is printed until
    /// what is answered with it is dropped.
    pub async fn lend(&self) -> (Option<SemaphoreReleaser<'_, FairSemaphore<NoopRawMutex, 4>>>, u32) {
        let frame = self.frame.acquire(1).await.ok();
        (frame, self.next_log.get())
    }

    /// Prints the log lines from this number on.
    pub fn continue_log(&self, next: u32) {
        self.next_log.set(next);
    }

    /// Sends bytes as they are (echo).
    pub async fn raw(&self, bytes: &[u8]) {
        let _frame = self.frame.acquire(1).await;
        self.send(bytes).await;
        self.leave().await;
    }

    /// A line is whole: to a client in the network, its echo and all that follows go out together with the answer, or when
    /// [`Output::let_go`] says so.
    pub fn command_begins(&self) {
        if let Some(visitor) = self.line.as_visitor() {
            visitor.command_begins();
        }
    }

    /// The command takes its time: sends what was held back for its answer after so long. For ever.
    pub async fn let_go(&self) {
        if let Some(visitor) = self.line.as_visitor() {
            Timer::after(HOLD).await;
            visitor.lets_go();
            let _frame = self.frame.acquire(1).await;
            self.leave().await;
        }
        pending().await
    }

    /// The command is over, with an answer or without: nothing is held back any more.
    pub async fn command_ends(&self) {
        if let Some(visitor) = self.line.as_visitor() {
            visitor.lets_go();
            let _frame = self.frame.acquire(1).await;
            self.leave().await;
            visitor.command_ends();
        }
    }

    /// Lets go out what a command does not hold back.
    async fn leave(&self) {
        if self.line.as_visitor().is_some_and(Visitor::holds) {
            return;
        }
        // Who is gone misses it.
        let _ = poll_fn(|context| self.line.poll_flush(context)).await;
    }

    /// Where it goes.
    pub fn line(&self) -> Line {
        self.line
    }

    /// Whether answers have a header now.
    pub fn has_headers(&self) -> bool {
        self.base.variables.flag(HEADER)
    }

    /// Sends the log line that comes next as the answer to a `reboot` (interface, serial 8). Without headers
    /// it is printed as any other.
    pub async fn greet(&self) {
        let next = self.base.log.get(self.next_log.get());
        if let (true, Some((number, _, text))) = (self.has_headers(), next) {
            let _frame = self.frame.acquire(1).await;
            self.next_log.set(number.wrapping_add(1));
            self.send_frame(true, self.letter(), 0, &with_line_end(text)).await;
        }
    }

    /// Tells the host that it has broken out of stream mode, at every print level. What was logged until then is not printed.
    pub async fn command_mode_starts(&self) {
        let _frame = self.frame.acquire(1).await;
        self.next_log.set(self.base.log.next());
        let text = with_line_end(self.base.command_mode_text());
        self.send_frame(self.has_headers(), b'L', 0, &text).await;
    }

    /// Sends an answer: first the log lines that the command has caused, then header, text and, unless the device
    /// restarts, the prompt. The header is there when headers were on before the command (`framed`) or are now.
    pub async fn reply(&self, reply: &Reply, framed: bool, prompt: bool) {
        let _frame = self.frame.acquire(1).await;
        self.send_log().await;
        self.send_frame(framed || self.has_headers(), self.letter(), reply.code, reply.text()).await;
        if prompt {
            self.send_prompt().await;
        }
        self.leave().await;
    }

    /// Sends the prompt, if there is one.
    pub async fn prompt(&self) {
        let _frame = self.frame.acquire(1).await;
        self.send_log().await;
        self.send_prompt().await;
        self.leave().await;
    }

    /// Prints log lines as they come, for ever.
    pub async fn follow_log(&self) {
        loop {
            poll_fn(|context| {
                if self.base.log.next() != self.next_log.get() {
                    return Poll::Ready(());
                }
                self.base.log.follow(context.waker());
                Poll::Pending
            })
            .await;
            let _frame = self.frame.acquire(1).await;
            self.send_log().await;
            self.leave().await;
        }
    }

    async fn send_prompt(&self) {
        if self.base.variables.flag(PROMPT) {
            self.send(if self.base.status.safe_mode.get() { b"SAFEMODE> " } else { b"> " }).await;
        }
    }

    fn letter(&self) -> u8 {
        if self.base.status.safe_mode.get() { b'S' } else { b'R' }
    }

    /// Sends the log lines that are new and not below the print level.
    async fn send_log(&self) {
        while let Some((number, level, text)) = self.base.log.get(self.next_log.get()) {
            self.next_log.set(number.wrapping_add(1));
            // A line that is there for looks only is nothing to frame.
            if level <= self.print_level() && !self.logs_elsewhere && !(text.is_empty() && self.has_headers()) {
                self.send_frame(self.has_headers(), b'L', 0, &with_line_end(text)).await;
            }
        }
    }

    fn print_level(&self) -> u8 {
        self.base.variables.with(PRINT_LEVEL, |value| match value {
            [digit @ b'0'..=b'5'] => digit - b'0',
            _ => 5,
        })
    }

    async fn send_frame(&self, framed: bool, letter: u8, code: u8, text: &[u8]) {
        if framed {
            self.send(&header(letter, code, text.len())).await;
        }
        self.send(text).await;
    }

    async fn send(&self, mut data: &[u8]) {
        while !data.is_empty() {
            match poll_fn(|context| self.line.poll_write(context, data)).await {
                Ok(sent) => data = data.get(sent..).unwrap_or_default(),
                // The other end is gone: what it misses is lost, as on a wire.
                Err(_) => return,
            }
        }
    }
}

/// The header of a frame: what it is, its code, the length of its text in five digits.
fn header(letter: u8, code: u8, mut length: usize) -> [u8; 9] {
    const { assert!(crate::limits::RESPONSE <= 99_999, "the length of an answer has five digits") };
    let mut header = *b"R000000\r\n";
    let [kind, digit, digits @ .., _, _] = &mut header;
    (*kind, *digit) = (letter, b'0' + code % 10);
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (length % 10) as u8;
        length /= 10;
    }
    header
}

/// A full log line loses its last two bytes to the line end.
fn with_line_end(mut line: crate::log::Line) -> crate::log::Line {
    line.truncate(line.capacity() - 2);
    let _ = line.extend_from_slice(b"\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_nine_bytes() {
        assert_eq!(&header(b'R', 0, 0), b"R000000\r\n");
        assert_eq!(&header(b'S', 9, 70_123), b"S970123\r\n");
        assert_eq!(&header(b'L', 1, 99_999), b"L199999\r\n");
    }
}
