//! A pseudo-terminal as UART.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use rustix::pty::OpenptFlags;
use rustix::termios::OptionalActions;

use super::errors::{StartError, port_error};
use super::handover::Inherited;
use crate::port::Result;

/// The folder of the kernel's pseudo-terminals.
const DEVICES: &str = "/dev/pts/";

/// Both ends of a pseudo-terminal. While no host listens, the kernel buffers the device's output as long as there is
/// room.
pub(super) struct Pty {
    master: OwnedFd,
    /// Kept open so that a host that closes the terminal causes no hang-up and the settings stay.
    slave: OwnedFd,
    path: String,
    link: Option<PathBuf>,
    /// Held as long as the link is ours.
    _claim: Option<OwnedFd>,
}

impl Pty {
    /// Creates a pseudo-terminal, raw, with a symbolic link to it at `link`.
    pub(super) fn open(link: Option<PathBuf>) -> std::result::Result<Self, StartError> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let open = || {
            let master = rustix::pty::openpt(flags)?;
            rustix::pty::unlockpt(&master)?;
            let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags)?;
            let mut settings = rustix::termios::tcgetattr(&slave)?;
            settings.make_raw();
            rustix::termios::tcsetattr(&slave, OptionalActions::Now, &settings)?;
            let status = rustix::fs::fcntl_getfl(&master)?;
            rustix::fs::fcntl_setfl(&master, status | OFlags::NONBLOCK)?;
            Ok((master, slave))
        };
        let (master, slave) = open().map_err(|error: Errno| StartError::new("open a pseudo-terminal", error))?;
        Self::new(master, slave, link)
    }

    /// Takes over the pseudo-terminal from before a reboot.
    pub(super) fn take_over(left: Inherited, link: Option<PathBuf>) -> std::result::Result<Self, StartError> {
        let slave = left.second.ok_or_else(|| StartError::new("take the pseudo-terminal over", "it has one end"))?;
        Self::new(left.first, slave, link)
    }

    fn new(master: OwnedFd, slave: OwnedFd, link: Option<PathBuf>) -> std::result::Result<Self, StartError> {
        let name = rustix::pty::ptsname(&master, Vec::new())
            .map_err(|error| StartError::new("name the pseudo-terminal", error))?;
        let path = name.to_string_lossy().into_owned();
        let mut taken = None;
        if let Some(link) = &link {
            let failed = |error| StartError::new(format_args!("create the link {}", link.display()), error);
            taken = Some(claim(link).map_err(failed)?);
            point(link, &path).map_err(failed)?;
        }
        Ok(Self { master, slave, path, link, _claim: taken })
    }

    /// The terminal that hosts open.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The device's end.
    pub(super) fn master(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }

    /// The end of the hosts.
    pub(super) fn slave(&self) -> BorrowedFd<'_> {
        self.slave.as_fd()
    }

    /// Both ends.
    pub(super) fn descriptors(&self) -> (BorrowedFd<'_>, Option<BorrowedFd<'_>>) {
        (self.master.as_fd(), Some(self.slave.as_fd()))
    }

    /// See [`crate::port::Serial::serial_read`].
    pub(super) fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        retry_on_intr(|| rustix::io::read(&self.master, &mut *buffer)).map_err(port_error)
    }

    /// See [`crate::port::Serial::serial_write`].
    pub(super) fn write(&self, data: &[u8]) -> Result<usize> {
        retry_on_intr(|| rustix::io::write(&self.master, data)).map_err(port_error)
    }

    /// Removes the link, unless it now points elsewhere.
    pub(super) fn remove_link(&mut self) {
        if let Some(link) = self.link.take()
            && fs::read_link(&link).is_ok_and(|target| target == Path::new(&self.path))
        {
            let _ = fs::remove_file(link);
        }
    }
}

/// Claims a link for this process, as long as the returned socket lives. An existing link proves nothing: a killed
/// device leaves its link behind, and the kernel reuses the numbers of terminals. A name in the kernel's abstract
/// socket namespace disappears with its process.
fn claim(link: &Path) -> io::Result<OwnedFd> {
    let folder = link.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let place = fs::metadata(folder)?;
    let file = link.file_name().unwrap_or_default().to_string_lossy();
    let name = format!("openzentri-pty/{}/{}/{file}", place.dev(), place.ino());
    let name = name.get(..name.len().min(100)).unwrap_or_default();
    let address = SocketAddrUnix::new_abstract_name(name.as_bytes())?;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    match rustix::net::bind(&socket, &address) {
        Ok(()) => Ok(socket),
        Err(Errno::ADDRINUSE) => Err(io::Error::other("another device uses it; stop that one or choose another name")),
        Err(other) => Err(other.into()),
    }
}

/// Makes `link` point to a terminal. Replaces a link that a device has left behind, nothing else.
fn point(link: &Path, terminal: &str) -> io::Result<()> {
    match fs::read_link(link) {
        Ok(target) if target.starts_with(DEVICES) || !link.exists() => fs::remove_file(link)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        _ => {
            let why = "a file of that name is there and is not a link to a terminal; remove it or choose another name";
            return Err(io::Error::other(why));
        }
    }
    symlink(terminal, link)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::PortError;
    use crate::port::linux::tests::Folder;
    use std::io::{Read, Write};

    #[test]
    fn a_host_may_come_and_go() {
        let folder = Folder::new();
        let link = folder.path().join("uart");
        symlink("/nonexistent/left-behind", &link).unwrap();
        let mut pty = Pty::open(Some(link.clone())).unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), Path::new(pty.path()));

        let mut buffer = [0; 16];
        assert_eq!(pty.read(&mut buffer), Err(PortError::WouldBlock));
        for _ in 0..2 {
            let mut host = fs::OpenOptions::new().read(true).write(true).open(&link).unwrap();
            host.write_all(b"ver\r\n\x03").unwrap();
            assert_eq!(pty.read(&mut buffer), Ok(6), "raw: nothing is translated or cooked");
            assert_eq!(&buffer[..6], b"ver\r\n\x03");
            assert_eq!(pty.write(b"ok\r\n"), Ok(4));
            let mut answer = [0; 4];
            host.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"ok\r\n");
            drop(host);
            assert_eq!(pty.read(&mut buffer), Err(PortError::WouldBlock), "no hang-up");
        }
        pty.remove_link();
        assert!(!link.is_symlink());
    }

    #[test]
    fn a_full_line_would_block() {
        let pty = Pty::open(None).unwrap();
        let mut total = 0;
        let full = loop {
            match pty.write(&[b'x'; 4096]) {
                Ok(count) => total += count,
                Err(error) => break error,
            }
        };
        assert_eq!(full, PortError::WouldBlock);
        assert!(total > 1000);
    }

    #[test]
    fn a_link_belongs_to_one_device_at_a_time() {
        let folder = Folder::new();
        let link = folder.path().join("uart");
        let first = Pty::open(Some(link.clone())).unwrap();
        let refused = Pty::open(Some(link.clone())).err().unwrap().to_string();
        assert!(refused.contains("another device"), "{refused}");
        assert_eq!(fs::read_link(&link).unwrap(), Path::new(first.path()), "it is still that of the first");
        // As after a kill: the link stays.
        drop(first);
        assert!(link.is_symlink());
        assert!(Pty::open(Some(link)).is_ok());
    }

    #[test]
    fn a_file_is_never_replaced_by_the_link() {
        let folder = Folder::new();
        let file = folder.path().join("precious");
        fs::write(&file, "data").unwrap();
        let link = folder.path().join("link");
        symlink(&file, &link).unwrap();
        assert!(Pty::open(Some(file.clone())).is_err());
        assert!(Pty::open(Some(link.clone())).is_err(), "somebody's own link");
        assert_eq!(fs::read_to_string(&link).unwrap(), "data");
    }
}
