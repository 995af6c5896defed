//! The command UART: the process's terminal or pipe, a pseudo-terminal, a serial port, or a TCP port.

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::task::Waker;
use std::time::Instant;

use rustix::event::PollFlags;
use rustix::io::FdFlags;
use rustix::stdio::stdout;

use super::errors::StartError;
use super::handover::{HANDOVER, Inherited, Part};
use super::kept::Kept;
use super::notices;
use super::options::SerialKind;
use super::pty::Pty;
use super::stdio::Stdio;
use super::tcp_line::TcpLine;
use super::tty::{self, Tty};
use super::wakers::{keep, wake};
use crate::port::{PortError, Result, Serial, UartSettings};

enum Line {
    Stdio(Stdio),
    Pty(Pty),
    Tcp(TcpLine),
    Tty(Tty),
    /// No input comes, and output is lost.
    None,
}

/// The UART and the wakers of the tasks that wait for it.
pub(super) struct SerialLine {
    line: Line,
    kept: Kept,
    /// The user says that a person at a terminal is at the other end.
    person: bool,
    /// An interrupt that the device has not taken yet.
    interrupted: bool,
    inherited: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl SerialLine {
    /// Opens the line, or takes over the one that the device had before its reboot.
    /// `person`: a person at a terminal is at the other end, even if the process cannot detect that.
    pub(super) fn open(kind: &SerialKind, bind: Ipv4Addr, person: bool) -> std::result::Result<Self, StartError> {
        let left = std::env::var(HANDOVER).ok().and_then(|token| Inherited::adopt(&token));
        let inherited = left.is_some();
        let line = match (kind, left) {
            (SerialKind::Stdio, _) => Line::Stdio(Stdio::open()),
            (SerialKind::Pty(link), Some(left)) => Line::Pty(Pty::take_over(left, link.clone())?),
            (SerialKind::Pty(link), None) => Line::Pty(Pty::open(link.clone())?),
            (SerialKind::Tty(_), Some(left)) => Line::Tty(Tty::take_over(left)),
            (SerialKind::Tty(path), None) => Line::Tty(Tty::open(path)?),
            (SerialKind::Tcp(_), Some(left)) => Line::Tcp(TcpLine::take_over(left)?),
            (SerialKind::Tcp(port), None) => Line::Tcp(TcpLine::open(bind, *port)?),
            (SerialKind::None, _) => Line::None,
        };
        let kept = Kept::take_over();
        Ok(Self { line, kept, person, interrupted: false, inherited, reader: None, writer: None })
    }

    /// Whether the line is standard input and not a terminal: a file or a pipe ends.
    pub(super) fn may_end(&self) -> bool {
        matches!(&self.line, Line::Stdio(stdio) if !stdio.is_terminal())
    }

    /// Whether the line was open before this process image was started.
    pub(super) fn inherited(&self) -> bool {
        self.inherited
    }

    /// Where a host finds the line.
    pub(super) fn place(&self) -> Option<String> {
        match &self.line {
            Line::Stdio(_) | Line::Tty(_) | Line::None => None,
            Line::Pty(pty) => Some(pty.path().to_owned()),
            Line::Tcp(tcp) => tcp.address().map(|address| format!("tcp://{address}")),
        }
    }

    /// Records an interrupt, which the device treats as a break condition; returns false without a terminal, and when
    /// one is pending already.
    pub(super) fn interrupt(&mut self) -> bool {
        if self.interrupted || !matches!(&self.line, Line::Stdio(stdio) if stdio.is_terminal()) {
            return false;
        }
        self.interrupted = true;
        wake(&mut self.reader);
        true
    }

    /// See [`crate::port::Port::wake_when`].
    pub(super) fn wake_reader(&mut self, waker: &Waker) {
        if self.kept.is_empty() && !self.interrupted {
            keep(&mut self.reader, waker);
        } else {
            waker.wake_by_ref();
        }
    }

    /// See [`crate::port::Port::wake_when`].
    pub(super) fn wake_writer(&mut self, waker: &Waker) {
        keep(&mut self.writer, waker);
    }

    /// Whether the device still has bytes to send that did not fit.
    pub(super) fn wants_to_write(&self) -> bool {
        self.writer.is_some()
    }

    /// Calls `each` with the descriptors to watch; returns when to retry a listener that rests.
    pub(super) fn watch<'fd>(&'fd self, each: &mut dyn FnMut(Part, BorrowedFd<'fd>, PollFlags)) -> Option<Instant> {
        let mut retry = None;
        let (input, output) = match &self.line {
            Line::Stdio(stdio) => (Some((stdio.input(), PollFlags::IN)), Some(stdio.output())),
            Line::Pty(pty) => (Some((pty.master(), PollFlags::IN)), Some(pty.master())),
            Line::None => (None, None),
            Line::Tty(tty) => (Some((tty.device(), PollFlags::IN)), Some(tty.device())),
            Line::Tcp(tcp) => {
                match tcp.door() {
                    Ok(listener) => each(Part::Door, listener, PollFlags::IN),
                    Err(until) => retry = Some(until),
                }
                (tcp.input(), tcp.output())
            }
        };
        if let (true, Some((fd, flags))) = (self.reader.is_some(), input) {
            each(Part::Input, fd, flags);
        }
        if let (true, Some(fd)) = (self.writer.is_some(), output) {
            each(Part::Output, fd, PollFlags::OUT);
        }
        retry
    }

    /// Handles what `poll` has reported.
    pub(super) fn ready(&mut self, part: Part, flags: PollFlags) {
        if let Line::Tcp(tcp) = &mut self.line {
            tcp.ready(part, flags);
        }
        match part {
            Part::Input => wake(&mut self.reader),
            Part::Output => wake(&mut self.writer),
            Part::Door => {
                // Perhaps another client: both directions may go on.
                wake(&mut self.reader);
                wake(&mut self.writer);
            }
        }
    }

    /// Restores everything as it was before.
    pub(super) fn shut_down(&mut self) {
        match &mut self.line {
            Line::Stdio(stdio) => stdio.shut_down(),
            Line::Pty(pty) => pty.remove_link(),
            Line::Tcp(_) | Line::Tty(_) | Line::None => {}
        }
    }

    /// Lets bytes that were given back survive this process image; returns the value for [`super::kept::KEPT`].
    pub(super) fn hand_over_kept(&mut self) -> Option<String> {
        self.kept.hand_over()
    }

    /// Lets the line survive this process image; returns the value for [`HANDOVER`].
    pub(super) fn hand_over(&mut self) -> Option<String> {
        let (first, second) = match &mut self.line {
            Line::Stdio(_) => return super::stdio::hand_over(),
            Line::Pty(pty) => pty.descriptors(),
            Line::Tty(tty) => (tty.device(), None),
            Line::Tcp(tcp) => tcp.descriptors(),
            Line::None => return None,
        };
        for fd in [Some(first), second].into_iter().flatten() {
            rustix::io::fcntl_setfd(fd, FdFlags::empty()).ok()?;
        }
        let second = second.map_or(-1, |fd| fd.as_raw_fd());
        Some(format!("{}:{}:{second}", std::process::id(), first.as_raw_fd()))
    }
}

impl Serial for RefCell<SerialLine> {
    fn serial_port(&self) -> Option<u16> {
        match &self.borrow().line {
            Line::Tcp(tcp) => tcp.address().map(|address| address.port()),
            Line::Stdio(_) | Line::Pty(_) | Line::Tty(_) | Line::None => None,
        }
    }

    fn serial_read(&self, buffer: &mut [u8]) -> Result<usize> {
        let mut serial = self.borrow_mut();
        if !serial.kept.is_empty() {
            return Ok(serial.kept.take(buffer));
        }
        match &mut serial.line {
            Line::Stdio(stdio) => stdio.read(buffer),
            Line::Pty(pty) => pty.read(buffer),
            Line::Tcp(tcp) => tcp.read(buffer),
            Line::Tty(tty) => tty.read(buffer),
            Line::None => Err(PortError::WouldBlock),
        }
    }

    fn serial_write(&self, data: &[u8]) -> Result<usize> {
        match &mut self.borrow_mut().line {
            Line::Stdio(stdio) => stdio.write(data),
            Line::Pty(pty) => pty.write(data),
            Line::Tcp(tcp) => tcp.write(data),
            Line::Tty(tty) => tty.write(data),
            Line::None => Ok(data.len()),
        }
    }

    fn serial_configure(&self, settings: &UartSettings) -> Result<()> {
        match &self.borrow().line {
            Line::Pty(pty) => tty::configure(pty.slave(), settings),
            Line::Tty(tty) => tty::configure(tty.device(), settings),
            Line::Stdio(_) | Line::Tcp(_) | Line::None => Err(PortError::Unsupported),
        }
    }

    fn serial_give_back(&self, bytes: &[u8]) {
        let mut serial = self.borrow_mut();
        serial.kept.put_back(bytes);
        wake(&mut serial.reader);
    }

    fn serial_break(&self) -> bool {
        std::mem::take(&mut self.borrow_mut().interrupted)
    }

    fn serial_terminal(&self) -> Option<u16> {
        let serial = self.borrow();
        match &serial.line {
            Line::Stdio(stdio) if stdio.is_drawn() => Some(tty::columns(stdout())),
            Line::Pty(pty) if serial.person => Some(tty::columns(pty.slave())),
            Line::Tty(tty) if serial.person => Some(tty::columns(tty.device())),
            Line::Tcp(_) if serial.person => Some(tty::COLUMNS),
            _ => None,
        }
    }

    fn serial_has_notice(&self) -> bool {
        notices::are_waiting()
    }

    fn serial_notice(&self, buffer: &mut [u8]) -> Option<usize> {
        notices::take(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pty() -> SerialLine {
        SerialLine::open(&SerialKind::Pty(None), Ipv4Addr::LOCALHOST, false).unwrap()
    }

    #[test]
    fn a_line_survives_the_process_image() {
        let mut before = pty();
        let place = before.place().unwrap();
        let token = before.hand_over().unwrap();
        // As `exec` does: the descriptors stay open, their owner is gone.
        std::mem::forget(before);
        let Line::Pty(after) = Line::Pty(Pty::take_over(Inherited::adopt(&token).unwrap(), None).unwrap()) else {
            unreachable!()
        };
        assert_eq!(after.path(), place);
        assert!(Inherited::adopt(&token).is_none(), "taken already");
    }

    #[test]
    fn a_person_is_where_the_user_says_so() {
        assert_eq!(RefCell::new(pty()).serial_terminal(), None);
        let line = SerialLine::open(&SerialKind::Pty(None), Ipv4Addr::LOCALHOST, true).unwrap();
        let Line::Pty(pty) = &line.line else { unreachable!() };
        let size = |ws_col| rustix::termios::Winsize { ws_row: 24, ws_col, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(pty.slave(), size(132)).unwrap();
        let line = RefCell::new(line);
        assert_eq!(line.serial_terminal(), Some(132));
        if let Line::Pty(pty) = &line.borrow().line {
            rustix::termios::tcsetwinsize(pty.slave(), size(0)).unwrap();
        }
        assert_eq!(line.serial_terminal(), Some(tty::COLUMNS), "it does not say");
    }

    #[test]
    fn a_handover_to_somebody_else_is_not_taken() {
        let mut line = pty();
        let token = line.hand_over().unwrap();
        let (_, descriptors) = token.split_once(':').unwrap();
        for wrong in [&format!("1:{descriptors}"), "", ":", "x:y:z", &format!("{}:1:2", std::process::id())] {
            assert!(Inherited::adopt(wrong).is_none(), "{wrong}");
        }
    }
}
