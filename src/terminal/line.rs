//! Where the bytes of a person or a host come from, and where the answers go.

use core::task::{Context, Poll, Waker};

use super::visitor::Visitor;
use crate::command::Asker;
use crate::features;
use crate::limits;
use crate::log;
use crate::port::{Event, Meter, Port, PortError, Result, Socket};
use crate::stream::Pipe;

/// A line to the device: command mode, which runs on it, knows nothing else about the other end.
#[derive(Clone, Copy)]
pub struct Line {
    port: &'static dyn Port,
    end: End,
}

/// Who is at the other end of the command UART, from the start to the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seat {
    /// A person at a terminal.
    Person,
    Host,
}

/// What is at the device's end of a line.
#[derive(Clone, Copy)]
enum End {
    /// The command UART, whose traffic is counted; on Linux also standard streams, a pseudo-terminal, a TCP port.
    Serial(&'static Meter, Seat),
    /// A TCP connection.
    Connection(Socket),
    /// The operator console, which gives whole lines and takes whole answers.
    Console,
    /// A WebSocket.
    Pipe(&'static Pipe),
    /// The client of the remote terminal.
    Visitor(&'static Visitor),
}

impl Line {
    /// The command UART.
    pub fn serial(port: &'static dyn Port, meter: &'static Meter) -> Self {
        let terminal = features::LINE_EDITOR && port.serial().serial_terminal().is_some();
        let seat = if terminal { Seat::Person } else { Seat::Host };
        Self { port, end: End::Serial(meter, seat) }
    }

    /// A TCP connection. The caller closes it when nothing runs on the line any more.
    pub fn connection(port: &'static dyn Port, socket: Socket) -> Self {
        Self { port, end: End::Connection(socket) }
    }

    /// A WebSocket that leads here.
    pub fn pipe(port: &'static dyn Port, pipe: &'static Pipe) -> Self {
        Self { port, end: End::Pipe(pipe) }
    }

    /// The operator console.
    pub fn console(port: &'static dyn Port) -> Self {
        Self { port, end: End::Console }
    }

    /// Whether it is the command UART.
    pub(super) fn is_uart(self) -> bool {
        matches!(self.end, End::Serial(..))
    }

    /// The client of the remote terminal.
    pub(super) fn visitor(port: &'static dyn Port, visitor: &'static Visitor) -> Self {
        Self { port, end: End::Visitor(visitor) }
    }

    /// Who asks when a command comes on this line.
    pub fn asker(self) -> Asker {
        match self.end {
            End::Serial(..) | End::Connection(_) => Asker::Serial,
            End::Console => Asker::Console,
            End::Pipe(_) => Asker::Structured,
            End::Visitor(_) => Asker::Remote,
        }
    }

    /// The client of the remote terminal, if it is at the other end of the line.
    pub(super) fn as_visitor(self) -> Option<&'static Visitor> {
        match self.end {
            End::Visitor(visitor) => Some(visitor),
            _ => None,
        }
    }

    /// Takes received bytes, as [`crate::port::Serial::serial_read`] does: `Ok(0)` when nothing more will be sent to
    /// the device, any error but `WouldBlock` when the other side is gone. A console's line ends in `\n`.
    fn read(self, buffer: &mut [u8]) -> Result<usize> {
        match self.end {
            End::Serial(meter, _) => meter.receives(self.port.serial().serial_read(buffer)),
            End::Connection(socket) => self.port.sockets().receive(socket, buffer),
            End::Console => {
                let room = buffer.len().saturating_sub(1);
                let length = self.port.console().console_line(buffer.get_mut(..room).unwrap_or_default())?;
                if let Some(end) = buffer.get_mut(length) {
                    *end = b'\n';
                }
                Ok(length + 1)
            }
            // Only `poll_read` asks a pipe for bytes.
            End::Pipe(_) => Err(PortError::WouldBlock),
            End::Visitor(visitor) => visitor.read(buffer),
        }
    }

    /// Waits for bytes; see `Line::read`. One task at a time may wait.
    pub fn poll_read(self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize>> {
        let event = match self.end {
            End::Serial(..) => Event::SerialReadable,
            End::Connection(socket) => Event::Readable(socket),
            End::Console => Event::Console,
            End::Pipe(pipe) => return pipe.poll_read(context, buffer).map(Ok),
            End::Visitor(visitor) => Event::Readable(visitor.socket()),
        };
        self.poll(context, event, self.read(buffer))
    }

    /// Sends as many bytes as fit, and waits until some do. A console takes all as one answer. One task at a time may
    /// wait.
    pub fn poll_write(self, context: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize>> {
        let (event, result) = match self.end {
            End::Serial(meter, _) => (Event::SerialWritable, meter.sends(self.port.serial().serial_write(data))),
            End::Connection(socket) => (Event::Writable(socket), self.port.sockets().send(socket, data)),
            End::Pipe(pipe) => {
                return pipe.poll_write(context, data).map(|sent| sent.ok_or(PortError::Closed));
            }
            End::Console => {
                self.port.console().console_answer(data);
                return Poll::Ready(Ok(data.len()));
            }
            End::Visitor(visitor) => (Event::Writable(visitor.socket()), visitor.write(data)),
        };
        self.poll(context, event, result)
    }

    /// Waits until no sent bytes are held back. Only for the client of the remote terminal are bytes of several writes
    /// sent in one piece.
    pub fn poll_flush(self, context: &mut Context<'_>) -> Poll<Result<()>> {
        match self.end {
            End::Visitor(visitor) => self.poll(context, Event::Writable(visitor.socket()), visitor.flush()),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll<T>(self, context: &mut Context<'_>, event: Event, result: Result<T>) -> Poll<Result<T>> {
        if matches!(result, Err(PortError::WouldBlock)) {
            self.port.wake_when(event, context.waker());
            return Poll::Pending;
        }
        Poll::Ready(result)
    }

    /// Whether a break condition came since the last call. It wakes the task that waits in [`Line::poll_read`].
    pub fn take_break(self) -> bool {
        matches!(self.end, End::Serial(..)) && self.port.serial().serial_break()
    }

    /// A break condition has found nothing to end. At the terminal of a process it ends the device; a board ignores it.
    pub fn break_unused(self) {
        self.port.board().serial_ended();
    }

    /// The columns of the terminal at the other end, if a person sits at one.
    pub fn terminal(self) -> Option<u16> {
        if self.is_terminal() { self.port.serial().serial_terminal() } else { None }
    }

    /// Whether a person sits at a terminal at the other end.
    pub fn is_terminal(self) -> bool {
        features::LINE_EDITOR && matches!(self.end, End::Serial(_, Seat::Person))
    }

    /// Whether the place of the device has a notice for that person: see [`crate::port::Serial::serial_notice`]. When it has
    /// none, `waker` is woken by the next one.
    pub fn has_notice(self, waker: &Waker) -> bool {
        if !self.is_terminal() {
            return false;
        }
        self.port.wake_when(Event::Notice, waker);
        self.port.serial().serial_has_notice()
    }

    /// Takes the next notice.
    pub fn take_notice(self) -> Option<log::Line> {
        if !self.is_terminal() {
            return None;
        }
        let mut line = log::Line::new();
        // The line has room for this many.
        let _ = line.resize(limits::LOG_LINE, 0);
        let length = self.port.serial().serial_notice(&mut line)?;
        line.truncate(length);
        Some(line)
    }

    /// Gives back received bytes that the device will not use before its restart. Only a UART outlives a restart.
    pub fn give_back(self, bytes: &[u8]) {
        if matches!(self.end, End::Serial(..)) && !bytes.is_empty() {
            self.port.serial().serial_give_back(bytes);
        }
    }
}

/// Bytes of the longest line of the console, with its end.
pub const CONSOLE_LINE: usize = limits::COMMAND_LINE + 1;
