//! A serial port of the machine as UART, and the terminal settings that it shares with a pseudo-terminal.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::retry_on_intr;
use rustix::termios::{ControlModes, OptionalActions};

use super::errors::{StartError, port_error};
use super::handover::Inherited;
use crate::port::{Parity, PortError, Result, UartSettings};

/// An open serial port.
pub(super) struct Tty {
    device: OwnedFd,
}

impl Tty {
    /// Opens a serial port, raw.
    pub(super) fn open(path: &Path) -> std::result::Result<Self, StartError> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = || {
            let device = rustix::fs::open(path, flags, Mode::empty())?;
            let mut settings = rustix::termios::tcgetattr(&device)?;
            settings.make_raw();
            // No modem that could hang up; the receiver is on.
            settings.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
            rustix::termios::tcsetattr(&device, OptionalActions::Now, &settings)?;
            Ok(device)
        };
        let failed = |error: rustix::io::Errno| StartError::new(format_args!("open {}", path.display()), error);
        Ok(Self { device: open().map_err(failed)? })
    }

    /// Takes over the serial port from before a reboot.
    pub(super) fn take_over(left: Inherited) -> Self {
        Self { device: left.first }
    }

    /// The descriptor.
    pub(super) fn device(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }

    /// See [`crate::port::Serial::serial_read`].
    pub(super) fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        retry_on_intr(|| rustix::io::read(&self.device, &mut *buffer)).map_err(port_error)
    }

    /// See [`crate::port::Serial::serial_write`].
    pub(super) fn write(&self, data: &[u8]) -> Result<usize> {
        retry_on_intr(|| rustix::io::write(&self.device, data)).map_err(port_error)
    }
}

/// The columns to assume for a terminal that does not report them.
pub(super) const COLUMNS: u16 = 80;

/// The columns of a terminal.
pub(super) fn columns(terminal: BorrowedFd<'_>) -> u16 {
    let columns = rustix::termios::tcgetwinsize(terminal).map_or(0, |size| size.ws_col);
    if columns == 0 { COLUMNS } else { columns }
}

/// Sets a terminal up; `Unsupported` when it cannot do that.
pub(super) fn configure(terminal: BorrowedFd<'_>, wanted: &UartSettings) -> Result<()> {
    let size = match wanted.data {
        5 => ControlModes::CS5,
        6 => ControlModes::CS6,
        7 => ControlModes::CS7,
        8 => ControlModes::CS8,
        _ => return Err(PortError::Unsupported),
    };
    let parity = match wanted.parity {
        Parity::None => ControlModes::empty(),
        Parity::Odd => ControlModes::PARENB | ControlModes::PARODD,
        Parity::Even => ControlModes::PARENB,
    };
    let mut settings = rustix::termios::tcgetattr(terminal).map_err(port_error)?;
    let modes = &mut settings.control_modes;
    modes.remove(ControlModes::CSIZE | ControlModes::PARENB | ControlModes::PARODD);
    modes.insert(size | parity);
    modes.set(ControlModes::CSTOPB, wanted.stop == 2);
    modes.set(ControlModes::CRTSCTS, wanted.flow);
    settings.set_speed(wanted.baud).map_err(|_| PortError::Unsupported)?;
    rustix::termios::tcsetattr(terminal, OptionalActions::Now, &settings).map_err(|_| PortError::Unsupported)
}

#[cfg(test)]
mod tests {
    use super::super::pty::Pty;
    use super::*;

    fn shown(tty: BorrowedFd<'_>) -> (u32, ControlModes) {
        let settings = rustix::termios::tcgetattr(tty).unwrap();
        let shown = ControlModes::CSIZE | ControlModes::CSTOPB | ControlModes::CRTSCTS;
        (settings.output_speed(), settings.control_modes & shown)
    }

    #[test]
    fn a_terminal_gets_what_the_variables_say() {
        // The other end of a pseudo-terminal stands for a serial port; the kernel keeps it at eight bits without parity.
        let pty = Pty::open(None).unwrap();
        let tty = Tty::open(Path::new(pty.path())).unwrap();
        let fast = UartSettings { baud: 921_600, stop: 2, flow: true, ..UartSettings::default() };
        configure(tty.device(), &fast).unwrap();
        let eight = ControlModes::CS8;
        assert_eq!(shown(tty.device()), (921_600, eight | ControlModes::CSTOPB | ControlModes::CRTSCTS));
        configure(tty.device(), &UartSettings { baud: 12_345, ..UartSettings::default() }).unwrap();
        assert_eq!(shown(tty.device()), (12_345, eight));
        let nine = UartSettings { data: 9, ..UartSettings::default() };
        assert_eq!(configure(tty.device(), &nine), Err(PortError::Unsupported));
        assert_eq!((pty.write(b"\r\n\x03"), tty.write(b"\n\x04")), (Ok(3), Ok(2)));
        let mut buffer = [0; 8];
        assert_eq!((tty.read(&mut buffer), &buffer[..3]), (Ok(3), &b"\r\n\x03"[..]), "raw");
        assert_eq!((pty.read(&mut buffer), &buffer[..2]), (Ok(2), &b"\n\x04"[..]));
        assert_eq!(tty.read(&mut buffer), Err(PortError::WouldBlock));
    }

    #[test]
    fn a_file_is_no_serial_port() {
        assert!(Tty::open(Path::new("/dev/null")).is_err());
        assert!(Tty::open(Path::new("/nonexistent")).is_err());
    }
}
