//! A TCP port as UART, for one host at a time.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use rustix::event::PollFlags;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};

use super::errors::{StartError, port_error};
use super::handover::{Inherited, Part};
use super::socket_table::RETRY;
use crate::port::{PortError, Result};

/// The host that has the line.
struct Client {
    fd: OwnedFd,
    /// It has finished sending, but may still receive.
    finished: bool,
}

/// A listener and the connected host. Without a host, the device's output is lost, as on a wire.
pub(super) struct TcpLine {
    listener: OwnedFd,
    client: Option<Client>,
    /// No connection is accepted until this time, because the process had no descriptor left.
    resting: Option<Instant>,
}

impl TcpLine {
    /// Listens for hosts; port 0 lets the kernel choose.
    pub(super) fn open(bind: Ipv4Addr, port: u16) -> std::result::Result<Self, StartError> {
        let open = || {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let listener = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
            sockopt::set_socket_reuseaddr(&listener, true)?;
            sockopt::set_tcp_nodelay(&listener, true)?;
            rustix::net::bind(&listener, &SocketAddrV4::new(bind, port))?;
            rustix::net::listen(&listener, 4)?;
            Ok(listener)
        };
        let place = format_args!("listen for the serial line on {bind}:{port} (see --serial tcp:PORT)").to_string();
        let listener = open().map_err(|error: Errno| StartError::new(place, error))?;
        Ok(Self { listener, client: None, resting: None })
    }

    /// Takes over the listener and the host from before a reboot.
    pub(super) fn take_over(left: Inherited) -> std::result::Result<Self, StartError> {
        let client = left.second.map(|fd| Client { fd, finished: false });
        Ok(Self { listener: left.first, client, resting: None })
    }

    /// Where hosts find the line.
    pub(super) fn address(&self) -> Option<SocketAddrV4> {
        SocketAddrV4::try_from(rustix::net::getsockname(&self.listener).ok()?).ok()
    }

    /// The listener and the host's connection.
    pub(super) fn descriptors(&self) -> (BorrowedFd<'_>, Option<BorrowedFd<'_>>) {
        (self.listener.as_fd(), self.output())
    }

    /// See [`crate::port::Serial::serial_read`]. A host that disconnects does not end the line: another may come.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let Some(client) = self.client.as_mut().filter(|client| !client.finished) else {
            return Err(PortError::WouldBlock);
        };
        match retry_on_intr(|| rustix::net::recv(&client.fd, &mut *buffer, RecvFlags::empty())) {
            Ok((0, _)) => client.finished = true,
            Ok((count, _)) => return Ok(count),
            Err(Errno::AGAIN) => {}
            Err(_) => self.client = None,
        }
        Err(PortError::WouldBlock)
    }

    /// See [`crate::port::Serial::serial_write`].
    pub(super) fn write(&mut self, data: &[u8]) -> Result<usize> {
        let Some(client) = &self.client else { return Ok(data.len()) };
        match retry_on_intr(|| rustix::net::send(&client.fd, data, SendFlags::NOSIGNAL)) {
            Ok(count) => Ok(count),
            Err(Errno::AGAIN) => Err(PortError::WouldBlock),
            Err(_) => {
                self.client = None;
                Ok(data.len())
            }
        }
    }

    /// The listener to watch, or until when it accepts no host.
    pub(super) fn door(&self) -> std::result::Result<BorrowedFd<'_>, Instant> {
        match self.resting {
            Some(until) if until > Instant::now() => Err(until),
            _ => Ok(self.listener.as_fd()),
        }
    }

    /// What to watch for input; for a host that has finished sending, only a broken connection.
    pub(super) fn input(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let flags = |client: &Client| if client.finished { PollFlags::empty() } else { PollFlags::IN };
        self.client.as_ref().map(|client| (client.fd.as_fd(), flags(client)))
    }

    /// What to watch for output.
    pub(super) fn output(&self) -> Option<BorrowedFd<'_>> {
        self.client.as_ref().map(|client| client.fd.as_fd())
    }

    /// Handles what `poll` has reported.
    pub(super) fn ready(&mut self, part: Part, flags: PollFlags) {
        match part {
            Part::Door => self.admit(),
            Part::Input | Part::Output => {
                let broken = flags.intersects(PollFlags::HUP | PollFlags::ERR) && !flags.contains(PollFlags::IN);
                if broken {
                    self.client = None;
                }
            }
        }
    }

    /// Accepts a new host, or closes its connection when another host has the line. A host that has finished sending is
    /// replaced.
    fn admit(&mut self) {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let newcomer = match rustix::net::accept_with(&self.listener, flags) {
            Ok(fd) => fd,
            Err(error) => {
                let no_room = port_error(error) == PortError::NoRoom;
                self.resting = no_room.then(|| Instant::now() + RETRY);
                return;
            }
        };
        self.resting = None;
        if self.client.as_ref().is_none_or(|client| client.finished || gone(&client.fd)) {
            self.client = Some(Client { fd: newcomer, finished: false });
        }
    }
}

/// Whether a host has closed the connection without anything left to read.
fn gone(client: &OwnedFd) -> bool {
    match rustix::net::recv(client, &mut [0], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        Ok((count, _)) => count == 0,
        Err(error) => port_error(error) != PortError::WouldBlock,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpStream};
    use std::time::Duration;

    fn line() -> (TcpLine, String) {
        let line = TcpLine::open(Ipv4Addr::LOCALHOST, 0).unwrap();
        let address = line.address().unwrap();
        (line, address.to_string())
    }

    fn host(line: &mut TcpLine, address: &str) -> TcpStream {
        let host = TcpStream::connect(address).unwrap();
        host.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        line.ready(Part::Door, PollFlags::IN);
        host
    }

    /// Reads until something comes.
    fn read(line: &mut TcpLine) -> Vec<u8> {
        let mut buffer = [0; 64];
        for _ in 0..5000 {
            match line.read(&mut buffer) {
                Err(PortError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
                other => return buffer[..other.unwrap()].to_vec(),
            }
        }
        panic!("nothing came");
    }

    #[test]
    fn one_host_at_a_time() {
        let (mut line, address) = line();
        assert_eq!(line.write(b"lost"), Ok(4), "nobody listens");
        let mut first = host(&mut line, &address);
        let mut second = host(&mut line, &address);
        assert_eq!(second.read(&mut [0; 1]).unwrap(), 0, "turned away");
        first.write_all(b"ver\r\n").unwrap();
        assert_eq!(read(&mut line), b"ver\r\n");
        line.write(b"ok").unwrap();
        let mut answer = [0; 2];
        first.read_exact(&mut answer).unwrap();
        drop(first);
        let mut third = host(&mut line, &address);
        third.write_all(b"x").unwrap();
        assert_eq!(read(&mut line), b"x", "the line is free again");
    }

    #[test]
    fn a_host_that_has_finished_sending_still_gets_its_answer() {
        let (mut line, address) = line();
        let mut host = host(&mut line, &address);
        host.write_all(b"ver\n").unwrap();
        host.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read(&mut line), b"ver\n");
        assert_eq!(line.read(&mut [0; 8]), Err(PortError::WouldBlock), "no end for the device");
        assert_eq!(line.write(b"answer"), Ok(6));
        let mut answer = [0; 6];
        host.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"answer");
    }
}
