//! Bytes to and from a server. Only [`Transport::connect`] checks whether a URL is secure; all callers see bytes only.

use core::cell::RefCell;
use core::future::poll_fn;
use core::task::Poll;

use super::failure::Failure;
use super::request::Request;
use super::rooms::Rooms;
use crate::log::Level;
use crate::network::{ConnectError, OwnServers, Remote};
use crate::port::{self, Event, Keepalive, Port, PortError, Socket};
use crate::wire::url::Url;

/// A connection to a server; dropping it closes it.
pub(super) struct Transport {
    port: &'static dyn Port,
    socket: Socket,
}

impl Drop for Transport {
    fn drop(&mut self) {
        self.port.sockets().close(self.socket);
    }
}

/// The result of [`Transport::send_or_receive`].
pub(super) enum Moved {
    /// The number of bytes sent.
    Sent(usize),
    /// The number of bytes received; zero at the end.
    Received(usize),
}

impl Transport {
    /// Connects to the server of a request, with TLS when its URL is secure. Logs `Connecting (…): …`.
    pub async fn connect(rooms: &Rooms, request: &RefCell<Request>) -> Result<Self, Failure> {
        let (remote, secure, is_websocket) = {
            let request = request.borrow();
            let Url { ref host, port, secure, .. } = request.url;
            let remote = Remote { interface: request.interface, host: host.clone(), port, local_port: 0 };
            (remote, secure, request.opening().is_some())
        };
        let scheme = match (is_websocket, secure) {
            (true, true) => "wss",
            (true, false) => "ws",
            (false, true) => "https",
            (false, false) => "HTTP",
        };
        let Remote { host, port, .. } = &remote;
        rooms.base.log.line(Level::Progress, format_args!("Connecting ({scheme}): {host}:{port}"));
        let socket = match rooms.network.connect(&remote, OwnServers::Refused).await {
            Ok(socket) => socket,
            Err(ConnectError::NotFound) => return Err(Failure::NotFound),
            Err(ConnectError::OwnServer) => return Err(Failure::OwnServer),
            Err(_) => return Err(Failure::Connect),
        };
        let transport = Self { port: rooms.base.port, socket };
        if secure {
            let names = request.borrow().files.clone();
            rooms.tls.client(socket, &remote.host, &names.borrow()).await.map_err(|_| Failure::Tls)?;
        }
        Ok(transport)
    }

    /// The connection itself.
    pub fn socket(&self) -> Socket {
        self.socket
    }

    /// The local port.
    pub fn local_port(&self) -> u16 {
        self.port.sockets().local_address(self.socket).map_or(0, |address| address.port())
    }

    /// Turns TCP keepalive on or off.
    pub fn keep_alive(&self, keepalive: Option<Keepalive>) {
        let _ = self.port.sockets().tcp_keepalive(self.socket, keepalive);
    }

    /// Receives some bytes; zero when the server has finished.
    pub async fn receive(&self, buffer: &mut [u8]) -> port::Result<usize> {
        port::io(self.port, Event::Readable(self.socket), || self.port.sockets().receive(self.socket, buffer)).await
    }

    /// Sends some bytes.
    pub async fn send(&self, data: &[u8]) -> port::Result<usize> {
        port::io(self.port, Event::Writable(self.socket), || self.port.sockets().send(self.socket, data)).await
    }

    /// Sends some bytes, or receives some when the server takes none but has sent something.
    pub async fn send_or_receive(&self, data: &[u8], buffer: &mut [u8]) -> port::Result<Moved> {
        let (port, socket) = (self.port, self.socket);
        poll_fn(|context| {
            match port.sockets().send(socket, data) {
                Err(PortError::WouldBlock) => {}
                sent => return Poll::Ready(sent.map(Moved::Sent)),
            }
            match port.sockets().receive(socket, buffer) {
                Err(PortError::WouldBlock) => {
                    port.wake_when(Event::Writable(socket), context.waker());
                    port.wake_when(Event::Readable(socket), context.waker());
                    Poll::Pending
                }
                received => Poll::Ready(received.map(Moved::Received)),
            }
        })
        .await
    }
}
