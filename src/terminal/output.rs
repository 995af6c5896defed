//! What goes out on the UART: whole frames, one after another, never one inside another (serial reference 4).

use core::cell::Cell;
use core::fmt::Write;
use core::future::poll_fn;
use core::task::Poll;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::semaphore::{FairSemaphore, Semaphore};
use heapless::String;

use crate::base::Base;
use crate::command::Reply;
use crate::port::{self, Event};
use crate::variable::{Id, id};

const HEADER: Id = id("system.cmd.header_enabled");
const PROMPT: Id = id("system.cmd.prompt_enabled");
const PRINT_LEVEL: Id = id("system.print_level");

/// The sending side of the UART.
pub struct Output {
    base: &'static Base,
    /// Held while a frame goes out.
    line: FairSemaphore<NoopRawMutex, 4>,
    /// Number of the next log line to print.
    next_log: Cell<u32>,
}

impl Output {
    /// Prints log lines from now on.
    pub fn new(base: &'static Base) -> Self {
        Self { base, line: FairSemaphore::new(1), next_log: Cell::new(base.log.next()) }
    }

    /// Sends bytes as they are (echo).
    pub async fn raw(&self, bytes: &[u8]) {
        let _line = self.line.acquire(1).await;
        self.send(bytes).await;
    }

    /// Sends an answer: first the log lines that the command has caused, then header, text and prompt.
    pub async fn reply(&self, reply: &Reply) {
        let _line = self.line.acquire(1).await;
        self.send_log().await;
        self.frame(self.letter(), reply.code, &reply.text).await;
        self.send_prompt().await;
    }

    /// Sends the prompt, if there is one.
    pub async fn prompt(&self) {
        let _line = self.line.acquire(1).await;
        self.send_log().await;
        self.send_prompt().await;
    }

    async fn send_prompt(&self) {
        if self.base.variables.flag(PROMPT) {
            self.send(if self.base.status.safe_mode.get() { b"SAFEMODE> " } else { b"> " }).await;
        }
    }

    fn letter(&self) -> char {
        if self.base.status.safe_mode.get() { 'S' } else { 'R' }
    }

    /// Sends the log lines that are new and not below the print level.
    async fn send_log(&self) {
        while let Some((number, level, text)) = self.base.log.get(self.next_log.get()) {
            self.next_log.set(number.wrapping_add(1));
            if level <= self.print_level() {
                let mut line = text;
                // A full line loses its last two bytes to the line end.
                line.truncate(line.capacity() - 2);
                let _ = line.extend_from_slice(b"\r\n");
                self.frame('L', 0, &line).await;
            }
        }
    }

    fn print_level(&self) -> u8 {
        self.base.variables.with(PRINT_LEVEL, |value| match value {
            [digit @ b'0'..=b'5'] => digit - b'0',
            _ => 5,
        })
    }

    async fn frame(&self, letter: char, code: u8, text: &[u8]) {
        if self.base.variables.flag(HEADER) {
            let mut header: String<16> = String::new();
            // Nine bytes.
            let _ = write!(header, "{letter}{code}{:05}\r\n", text.len());
            self.send(header.as_bytes()).await;
        }
        self.send(text).await;
    }

    async fn send(&self, mut data: &[u8]) {
        let port = self.base.port;
        while !data.is_empty() {
            match port::io(port, Event::SerialWritable, || port.serial().serial_write(data)).await {
                Ok(sent) => data = data.get(sent..).unwrap_or_default(),
                // The other end is gone: what it misses is lost, as on a wire.
                Err(_) => return,
            }
        }
    }
}

/// Prints log lines as they come, for ever.
pub async fn follow_log(output: &'static Output) {
    loop {
        poll_fn(|context| {
            if output.base.log.next() != output.next_log.get() {
                return Poll::Ready(());
            }
            output.base.log.follow(context.waker());
            Poll::Pending
        })
        .await;
        let _line = output.line.acquire(1).await;
        output.send_log().await;
    }
}
