//! The process's own terminal or pipes as UART.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, Once, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::SendFlags;
use rustix::stdio::{stdin, stdout};
use rustix::termios::{ControlModes, InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios};

use super::errors::port_error;
use super::handover::HANDOVER;
use super::notices;
use crate::port::{PortError, Result};

/// The settings of the terminal before it was made raw.
static SETTINGS: Mutex<Option<Termios>> = Mutex::new(None);

/// The most bytes that a write to a pipe takes without blocking once `poll` reports room (POSIX `PIPE_BUF`).
const PIPE_BUF: usize = 4096;

/// How to write without blocking. Standard output is shared with other processes, so `O_NONBLOCK` is not set on it.
enum Output {
    /// Opened once more, with `O_NONBLOCK`: a terminal or a pipe.
    Own(OwnedFd),
    /// `MSG_DONTWAIT` does it.
    Socket,
    /// Ask first, then write no more than fits. (A regular file is always ready.)
    Shared,
}

/// Standard input and output.
pub(super) struct Stdio {
    output: Output,
    ended: bool,
    /// Standard input is a terminal.
    terminal: bool,
    /// Standard output is a terminal, too: the device draws there.
    drawn: bool,
}

impl Stdio {
    /// Takes standard input and output; a terminal is made raw until [`Stdio::shut_down`].
    pub(super) fn open() -> Self {
        let terminal = make_raw();
        let drawn = terminal && rustix::termios::isatty(stdout());
        if drawn {
            notices::draw();
        }
        Self { output: Output::new(), ended: false, terminal, drawn }
    }

    /// See [`crate::port::Serial::serial_read`].
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.ended {
            return Ok(0);
        }
        if !is_ready(stdin(), PollFlags::IN) {
            return Err(PortError::WouldBlock);
        }
        let count = match retry_on_intr(|| rustix::io::read(stdin(), &mut *buffer)) {
            Ok(count) => count,
            // The terminal was hung up.
            Err(Errno::IO) => 0,
            Err(other) => return Err(port_error(other)),
        };
        self.ended = count == 0;
        Ok(count)
    }

    /// See [`crate::port::Serial::serial_write`].
    pub(super) fn write(&mut self, data: &[u8]) -> Result<usize> {
        let written = match &self.output {
            Output::Own(fd) => retry_on_intr(|| rustix::io::write(fd, data)),
            Output::Socket => {
                let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
                retry_on_intr(|| rustix::net::send(stdout(), data, flags))
            }
            Output::Shared if !is_ready(stdout(), PollFlags::OUT) => Err(Errno::AGAIN),
            Output::Shared => {
                let piece = data.get(..PIPE_BUF).unwrap_or(data);
                retry_on_intr(|| rustix::io::write(stdout(), piece))
            }
        };
        written.map_err(port_error)
    }

    /// Whether standard input is a terminal, where Ctrl-C is a signal.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether standard output is a terminal, too.
    pub(super) fn is_drawn(&self) -> bool {
        self.drawn
    }

    /// What to watch for input.
    pub(super) fn input(&self) -> BorrowedFd<'_> {
        stdin()
    }

    /// What to watch for output.
    pub(super) fn output(&self) -> BorrowedFd<'_> {
        match &self.output {
            Output::Own(fd) => fd.as_fd(),
            _ => stdout(),
        }
    }

    /// Restores the terminal.
    pub(super) fn shut_down(&mut self) {
        if restore() {
            // Keeps the shell's prompt off the line of the device's prompt.
            let _ = self.write(b"\r\n");
        }
        notices::end();
    }
}

impl Output {
    fn new() -> Self {
        let kind = rustix::fs::fstat(stdout()).map(|data| FileType::from_raw_mode(data.st_mode));
        match kind {
            Ok(FileType::Socket) => Self::Socket,
            Ok(FileType::CharacterDevice | FileType::Fifo) => {
                let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
                rustix::fs::open("/proc/self/fd/1", flags, Mode::empty()).map_or(Self::Shared, Self::Own)
            }
            _ => Self::Shared,
        }
    }
}

/// Whether a read or a write would not block now.
fn is_ready(fd: BorrowedFd<'_>, flags: PollFlags) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(fd, flags)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::event::poll(&mut polled, Some(&now)).is_ok_and(|count| count > 0)
}

/// Makes standard input raw, if it is a terminal: every byte arrives at once and unchanged, without echo. The kernel
/// still handles Ctrl-C (SIGINT). Returns whether standard input is a terminal. After a reboot it is raw already.
fn make_raw() -> bool {
    let Ok(mut before) = rustix::termios::tcgetattr(stdin()) else { return false };
    if let Some(settings) = std::env::var(HANDOVER).ok().and_then(|token| adopt(&token)) {
        settings.apply(&mut before);
    }
    let mut raw = before.clone();
    raw.make_raw();
    raw.local_modes |= LocalModes::ISIG;
    for unused in [SpecialCodeIndex::VQUIT, SpecialCodeIndex::VSUSP] {
        raw.special_codes[unused] = 0;
    }
    raw.special_codes[SpecialCodeIndex::VMIN] = 1;
    raw.special_codes[SpecialCodeIndex::VTIME] = 0;
    *SETTINGS.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
    restore_on_panic();
    rustix::termios::tcsetattr(stdin(), OptionalActions::Now, &raw).is_ok()
}

/// The settings that raw mode changes, from before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cooked {
    /// Flags of input, output, control and local modes.
    modes: [u32; 4],
    codes: [u8; CODES.len()],
}

/// The special codes that are changed.
const CODES: [SpecialCodeIndex; 4] =
    [SpecialCodeIndex::VQUIT, SpecialCodeIndex::VSUSP, SpecialCodeIndex::VMIN, SpecialCodeIndex::VTIME];

impl Cooked {
    fn of(settings: &Termios) -> Self {
        let modes = [
            settings.input_modes.bits(),
            settings.output_modes.bits(),
            settings.control_modes.bits(),
            settings.local_modes.bits(),
        ];
        Self { modes, codes: CODES.map(|code| settings.special_codes[code]) }
    }

    fn apply(&self, settings: &mut Termios) {
        let [input, output, control, local] = self.modes;
        settings.input_modes = InputModes::from_bits_retain(input);
        settings.output_modes = OutputModes::from_bits_retain(output);
        settings.control_modes = ControlModes::from_bits_retain(control);
        settings.local_modes = LocalModes::from_bits_retain(local);
        for (code, value) in CODES.into_iter().zip(self.codes) {
            settings.special_codes[code] = value;
        }
    }
}

/// Keeps the terminal raw over a reboot, so that the kernel neither changes nor echoes what the user types meanwhile;
/// returns the value for [`HANDOVER`] with its settings, if there is a terminal.
pub(super) fn hand_over() -> Option<String> {
    let before = SETTINGS.lock().unwrap_or_else(PoisonError::into_inner);
    let cooked = Cooked::of(before.as_ref()?);
    let numbers = cooked.modes.into_iter().chain(cooked.codes.map(u32::from));
    Some(numbers.fold(std::process::id().to_string(), |token, number| format!("{token}:{number}")))
}

/// Reads what [`hand_over`] has returned in the previous process image.
fn adopt(token: &str) -> Option<Cooked> {
    let mut numbers = token.split(':').map(|number| number.parse::<u32>().ok());
    if numbers.next()? != Some(std::process::id()) {
        return None;
    }
    let mut cooked = Cooked { modes: [0; 4], codes: [0; CODES.len()] };
    for mode in &mut cooked.modes {
        *mode = numbers.next()??;
    }
    for code in &mut cooked.codes {
        *code = numbers.next()??.try_into().ok()?;
    }
    numbers.next().is_none().then_some(cooked)
}

/// Restores the terminal; returns whether there was one.
fn restore() -> bool {
    let before = SETTINGS.lock().unwrap_or_else(PoisonError::into_inner).take();
    before.is_some_and(|before| rustix::termios::tcsetattr(stdin(), OptionalActions::Now, &before).is_ok())
}

/// Restores the terminal before a panic is reported.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            report(panic);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_of_a_terminal_outlive_the_process_image_that_made_it_raw() {
        let flags = rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY;
        let master = rustix::pty::openpt(flags).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let terminal = rustix::pty::ioctl_tiocgptpeer(&master, flags).unwrap();
        let before = rustix::termios::tcgetattr(&terminal).unwrap();
        *SETTINGS.lock().unwrap() = Some(before.clone());
        let token = hand_over().unwrap();
        *SETTINGS.lock().unwrap() = None;
        let mut after = before.clone();
        after.make_raw();
        assert_ne!(Cooked::of(&after), Cooked::of(&before));
        adopt(&token).unwrap().apply(&mut after);
        assert_eq!(Cooked::of(&after), Cooked::of(&before));
        for wrong in ["", "1:2:3", &format!("{token}:0"), &token[..token.len() - 2], "1:0:0:0:0:0:0:0:0"] {
            assert!(adopt(wrong).is_none(), "{wrong}");
        }
    }
}
