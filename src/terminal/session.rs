//! Command mode: one line, one answer.

use core::task::{Context, Poll};

use heapless::Vec;

use super::editor::{Editor, Input};
use super::output::Output;
use crate::command::{DataSource, Reply, Shell};
use crate::limits;
use crate::port::{self, Event, Port, PortError};
use crate::variable::{Id, id};

const ECHO: Id = id("system.cmd.echo");

/// Bytes that came with a line but are not read yet.
struct Received {
    port: &'static dyn Port,
    bytes: [u8; limits::SERIAL_RX],
    start: usize,
    end: usize,
    /// A command has taken data since the last line.
    data_taken: bool,
    /// The rest of the line end, which is no data.
    line_end: Option<u8>,
}

impl Received {
    /// The next byte, or `None` when the line has ended for good.
    async fn byte(&mut self) -> Option<u8> {
        if self.start == self.end {
            let (port, bytes) = (self.port, &mut self.bytes);
            self.start = 0;
            self.end = port::io(port, Event::SerialReadable, || port.serial().serial_read(bytes)).await.unwrap_or(0);
        }
        let byte = self.bytes.get(self.start).copied().filter(|_| self.start < self.end)?;
        self.start += 1;
        Some(byte)
    }

    /// No byte waits in the buffer.
    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Fills the buffer, which is empty.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<usize> {
        self.start = 0;
        self.end = 0;
        match self.port.serial().serial_read(&mut self.bytes) {
            Ok(read) => {
                self.end = read;
                Poll::Ready(read)
            }
            Err(PortError::WouldBlock) => {
                self.port.wake_when(Event::SerialReadable, context.waker());
                Poll::Pending
            }
            Err(_) => Poll::Ready(0),
        }
    }
}

impl DataSource for Received {
    fn poll_data(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<usize> {
        self.data_taken = true;
        if let Some(line_end) = self.line_end {
            if self.is_empty() {
                match self.poll_fill(context) {
                    Poll::Ready(1..) => {}
                    other => return other,
                }
            }
            self.line_end = None;
            if self.bytes.get(self.start) == Some(&line_end) {
                self.start += 1;
            }
        }
        let waiting = self.bytes.get(self.start..self.end).unwrap_or_default();
        if !waiting.is_empty() {
            let taken = waiting.len().min(buffer.len());
            buffer[..taken].copy_from_slice(&waiting[..taken]);
            self.start += taken;
            return Poll::Ready(taken);
        }
        match self.port.serial().serial_read(buffer) {
            Ok(read) => Poll::Ready(read),
            Err(PortError::WouldBlock) => {
                self.port.wake_when(Event::SerialReadable, context.waker());
                Poll::Pending
            }
            Err(_) => Poll::Ready(0),
        }
    }
}

/// Serves the UART until it ends, which on a board is never.
pub async fn command_mode(shell: &'static Shell, output: &'static Output) {
    let base = shell.machine().base;
    let mut received = Received {
        port: base.port,
        bytes: [0; limits::SERIAL_RX],
        start: 0,
        end: 0,
        data_taken: false,
        line_end: None,
    };
    let mut editor = Editor::new();
    let mut reply = Reply::new();
    output.prompt().await;
    while let Some(input) = read_line(base, output, &mut received, &mut editor).await {
        received.data_taken = false;
        received.line_end = editor.second_half();
        match input {
            Input::TooLong => reply.too_long(),
            _ => {
                // The queue has a place for the serial line beside those for HTTP.
                if shell.run(editor.line(), &mut received, true, &mut reply).await.is_err() {
                    reply.failed();
                }
            }
        }
        output.reply(&reply).await;
        editor.next(received.data_taken);
    }
    base.port.board().serial_ended();
}

/// Reads one line and echoes it.
async fn read_line(
    base: &'static crate::base::Base,
    output: &Output,
    received: &mut Received,
    editor: &mut Editor,
) -> Option<Input> {
    let mut echoed: Vec<u8, 256> = Vec::new();
    let mut lost = false;
    loop {
        let byte = received.byte().await?;
        let input = editor.byte(byte, base.variables.flag(ECHO), &mut |bytes| {
            lost |= echoed.extend_from_slice(bytes).is_err();
        });
        // What is typed ahead is echoed in one piece; a redraw that is too long for it is not worth the memory.
        if input != Input::More || received.is_empty() || echoed.len() > 128 || lost {
            if !echoed.is_empty() {
                output.raw(&echoed).await;
            }
            echoed.clear();
            lost = false;
        }
        if input != Input::More {
            return Some(input);
        }
    }
}
