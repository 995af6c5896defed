//! The client of the remote terminal: takes Telnet's bytes out of what it sends, and sends to it in as few pieces as
//! possible. A client that reads once per command must get the echo of its line and the answer in that read.

use core::cell::{Cell, RefCell};

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Instant};
use heapless::Vec;

use crate::limits;
use crate::port::{Port, PortError, Result, Socket};
use crate::wire::telnet::{IAC, Step, Telnet};

/// Bytes taken from the connection at once.
const PIECE: usize = 256;
/// What stands for "interrupt process" on a line.
const INTERRUPT: u8 = 0x03;

/// The place for the one client at a time.
pub struct Visitor {
    port: &'static dyn Port,
    socket: Cell<Socket>,
    state: RefCell<State>,
    /// A command of the client runs, or is being answered.
    command: Cell<bool>,
    /// Sent bytes wait for the end of the command's answer.
    holds: Cell<bool>,
    /// The client does not take what it is sent.
    blocked: Cell<bool>,
    /// When it was active last.
    last: Cell<Instant>,
    /// It has sent its first byte.
    spoke: Signal<NoopRawMutex, ()>,
}

struct State {
    telnet: Telnet,
    /// A byte for which there was no room.
    left: Option<u8>,
    /// A log-in line has ended in CR: the rest of its line end may follow.
    after_return: bool,
    /// On its way to the client.
    held: Vec<u8, { limits::REMOTE_TERMINAL_TX }>,
}

impl State {
    const fn new(telnet: Telnet) -> Self {
        Self { telnet, left: None, after_return: false, held: Vec::new() }
    }
}

impl Visitor {
    /// No client is here: every call fails as on a closed socket.
    pub fn new(port: &'static dyn Port) -> Self {
        Self {
            port,
            socket: Cell::new(Socket(u16::MAX)),
            state: RefCell::new(State::new(Telnet::default())),
            command: Cell::new(false),
            holds: Cell::new(false),
            blocked: Cell::new(false),
            last: Cell::new(Instant::MIN),
            spoke: Signal::new(),
        }
    }

    /// A client has come. The caller closes the socket when nothing runs on the line any more.
    pub fn arrives(&self, socket: Socket) {
        self.socket.set(socket);
        self.state.replace(State::new(Telnet::default()));
        self.command_ends();
        self.blocked.set(false);
        self.spoke.reset();
    }

    /// Waits until the client has sent its first byte; Telnet negotiation does not count.
    pub(super) async fn speaks(&self) {
        self.spoke.wait().await;
    }

    /// The client's socket.
    pub fn socket(&self) -> Socket {
        self.socket.get()
    }

    /// Takes received bytes, as [`crate::port::Sockets::receive`] does. Telnet negotiation is answered here.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        let state = &mut *self.state.borrow_mut();
        let mut data = Data { buffer, count: 0 };
        if let Some(left) = state.left.take() {
            data.put(left, state);
            return Ok(data.count);
        }
        let mut bytes = [0; PIECE];
        // They may give one byte more: an IAC that was held back and was data.
        let room = data.buffer.len().saturating_sub(1).clamp(1, PIECE);
        let count = self.port.sockets().receive(self.socket(), bytes.get_mut(..room).unwrap_or_default())?;
        for byte in bytes.get(..count).unwrap_or_default() {
            self.take(*byte, state, &mut data);
        }
        match data.count {
            // There was negotiation only: others have their turn before more is read.
            0 if count > 0 => Err(PortError::WouldBlock),
            count => {
                self.last.set(Instant::now());
                if count > 0 {
                    self.spoke.signal(());
                }
                Ok(count)
            }
        }
    }

    fn take(&self, byte: u8, state: &mut State, data: &mut Data<'_>) {
        match state.telnet.byte(byte) {
            Step::Nothing => {}
            Step::Data(b'\n' | 0) if core::mem::take(&mut state.after_return) => {}
            Step::Data(byte) => data.put(byte, state),
            Step::Stray(byte) => {
                data.put(IAC, state);
                data.put(byte, state);
            }
            Step::Interrupt => data.put(INTERRUPT, state),
            Step::Answer(answer) => {
                // A client that asks without end and reads nothing gets no more answers.
                let _ = state.held.extend_from_slice(&answer);
                // What does not leave now leaves with the next line.
                let _ = self.send(state);
            }
        }
    }

    /// The line of a log-in has ended in CR: a LF or NUL right behind it is no line of its own.
    pub fn line_ended_in_return(&self) {
        self.state.borrow_mut().after_return = true;
    }

    /// Takes as many bytes as there is room for; the client gets them when they are flushed, or there is no more room.
    pub fn write(&self, data: &[u8]) -> Result<usize> {
        let state = &mut *self.state.borrow_mut();
        let taken = state.put(data);
        if taken > 0 || data.is_empty() {
            return Ok(taken);
        }
        self.send(state)?;
        Ok(state.put(data))
    }

    /// Sends what is held back.
    pub fn flush(&self) -> Result<()> {
        self.send(&mut self.state.borrow_mut())
    }

    fn send(&self, state: &mut State) -> Result<()> {
        while !state.held.is_empty() {
            let sent = self.port.sockets().send(self.socket(), &state.held);
            self.blocked.set(sent == Err(PortError::WouldBlock));
            let sent = sent.inspect_err(|error| {
                if *error != PortError::WouldBlock {
                    state.held.clear();
                }
            })?;
            state.held.drain(..sent.min(state.held.len()));
            if self.command.get() {
                self.last.set(Instant::now());
            }
        }
        Ok(())
    }

    /// A line of the client is complete: what is sent from now on, its echo included, leaves together with the answer.
    pub fn command_begins(&self) {
        self.command.set(true);
        self.holds.set(true);
    }

    /// The command takes its time: what is sent leaves at once again.
    pub fn lets_go(&self) {
        self.holds.set(false);
    }

    /// The command is answered.
    pub fn command_ends(&self) {
        self.command.set(false);
        self.holds.set(false);
        self.last.set(Instant::now());
    }

    /// Whether what is sent waits for the answer of a command.
    pub fn holds(&self) -> bool {
        self.holds.get()
    }

    /// How long the client has sent nothing. The time in which it waits for an answer does not count; the time in which
    /// it does not take the answer does.
    pub fn silence(&self) -> Duration {
        if self.command.get() && !self.blocked.get() {
            self.last.set(Instant::now());
        }
        self.last.get().elapsed()
    }
}

impl State {
    /// Takes bytes to be sent, as many as fit.
    fn put(&mut self, data: &[u8]) -> usize {
        let doubles = self.telnet.is_spoken();
        let free = self.held.capacity() - self.held.len();
        if !doubles {
            let taken = data.get(..free).unwrap_or(data);
            // They fit.
            let _ = self.held.extend_from_slice(taken);
            return taken.len();
        }
        let fits = |byte: &&u8| {
            let wanted: &[u8] = if **byte == IAC { &[IAC, IAC] } else { core::slice::from_ref(*byte) };
            self.held.extend_from_slice(wanted).is_ok()
        };
        data.iter().take_while(fits).count()
    }
}

/// Where received data are put.
struct Data<'a> {
    buffer: &'a mut [u8],
    count: usize,
}

impl Data<'_> {
    /// Puts a byte there, or keeps it for the next time.
    fn put(&mut self, byte: u8, state: &mut State) {
        state.after_return = false;
        match self.buffer.get_mut(self.count) {
            Some(place) => {
                *place = byte;
                self.count += 1;
            }
            None => state.left = Some(byte),
        }
    }
}
