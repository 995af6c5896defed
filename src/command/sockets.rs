//! `tcp_client`, `tcp_server`, `udp_client`, `udp_server` (commands reference 2).

use core::fmt::Write;
use core::net::SocketAddrV4;

use super::call::{Call, Machine, Sink, Step, Wait};
use super::network::needed;
use super::response::{CommandError, Ending, Reply};
use crate::log::Level;
use crate::network::Remote;
use crate::stream::{HostName, Kind, Protocol, ServerError};
use crate::variable::{Id, id};

const TCP_PORT: Id = id("tcp.server.port");
const UDP_PORT: Id = id("udp.server.port");
const LOCAL_PORT: Id = id("tcp.client.local_port");

/// A client to be opened.
pub(super) struct Open {
    kind: Kind,
    remote: Remote,
}

impl Call<'_> {
    /// An argument that is a port number; 0 is none.
    fn port(&self, index: usize) -> Result<u16, CommandError> {
        match self.number(index, u16::MAX.into())? {
            0 => Err(CommandError::Invalid),
            port => Ok(port as u16),
        }
    }

    /// `[-i <interface>] [-l <local port>] <host> <port> [<local port>]`
    fn client(&self, kind: Kind) -> Result<Step, CommandError> {
        let mut remote = Remote {
            interface: self.machine.network.default_interface(),
            local_port: 0,
            host: HostName::new(),
            port: 0,
        };
        if kind == Kind::Tcpc {
            remote.local_port = self.machine.base.variables.number(LOCAL_PORT) as u16;
        }
        let mut at = 0;
        loop {
            match self.argument(at)? {
                b"-i" => {
                    let word = self.argument(at + 1)?;
                    remote.interface = self.machine.network.interface(word).ok_or(CommandError::Invalid)?;
                }
                b"-l" => remote.local_port = self.port(at + 1)?,
                [b'-', ..] => return Err(CommandError::UnknownOption),
                _ => break,
            }
            at += 2;
        }
        self.at_most(at + 3)?;
        remote.host = self.host(at)?;
        remote.port = self.port(at + 1)?;
        if self.count() == at + 3 {
            remote.local_port = self.port(at + 2)?;
        }
        Ok(Step::Wait(Wait::Open(Open { kind, remote })))
    }

    /// `[-i <interface>] start|stop [<port>]`
    fn server(&mut self, protocol: Protocol, default_port: Id) -> Result<Step, CommandError> {
        let (interface, at) = self.interface()?;
        self.at_most(at + 2)?;
        let port = if self.count() == at + 2 { Some(self.port(at + 1)?) } else { None };
        let streams = self.machine.streams;
        match self.argument(at)? {
            b"start" => {
                let port = port.unwrap_or_else(|| self.machine.base.variables.number(default_port) as u16);
                let stream = streams.server_start(protocol, interface, port).map_err(|error| self.refused(error))?;
                if let Some(handle) = stream {
                    let _ = write!(self.reply, "{handle}");
                    return Ok(Step::Done(Ending::Text));
                }
            }
            b"stop" => streams.server_stop(protocol, port).map_err(|error| self.refused(error))?,
            _ => return Err(CommandError::Invalid),
        }
        Ok(Step::Done(Ending::Success))
    }

    fn refused(&self, error: ServerError) -> CommandError {
        let reason = match error {
            ServerError::PortInUse => "Port in use",
            ServerError::Full => "No more servers or streams",
            ServerError::Down => "Interface is down",
            ServerError::Network => "Network error",
            ServerError::NotRunning => "Server not running",
        };
        self.machine.base.log.line(Level::Failure, format_args!("{reason}"));
        CommandError::Failed
    }
}

pub(super) fn tcp_client(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.client(Kind::Tcpc)
}

pub(super) fn udp_client(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.client(Kind::Udpc)
}

pub(super) fn tcp_server(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.server(Protocol::Tcp, TCP_PORT)
}

pub(super) fn udp_server(call: &mut Call<'_>) -> Result<Step, CommandError> {
    match call.argument(0) {
        Ok(b"write") => udp_server_write(call),
        Ok(b"read") => udp_server_read(call),
        _ => call.server(Protocol::Udp, UDP_PORT),
    }
}

/// `udp_server write <size> <ip> <port>`: one datagram to a peer, whoever spoke last.
fn udp_server_write(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.at_most(4)?;
    let size = call.number(1, u32::MAX)? as usize;
    let address = call.text(2)?.parse().map_err(|_| CommandError::Invalid)?;
    let to = SocketAddrV4::new(address, call.port(3)?);
    match call.machine.streams.udp_server_stream(None) {
        Some(handle) => Ok(Step::Data { size, sink: Sink::Datagram { handle, to } }),
        None => call.refuse(size, CommandError::Failed),
    }
}

/// `udp_server read <size>`: as `stream_read` of the server's stream.
fn udp_server_read(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.at_most(2)?;
    let handle = call.machine.streams.udp_server_stream(None).ok_or(CommandError::Failed)?;
    let size = (call.number(1, u32::MAX)? as usize).min(call.reply.room());
    call.reply.text.resize_default(size).map_err(|_| CommandError::Bounds)?;
    let read = call.machine.streams.read(handle, &mut call.reply.text);
    call.reply.text.truncate(*read.as_ref().unwrap_or(&0));
    read?;
    Ok(Step::Done(Ending::Raw))
}

/// Opens a client: the network, the name, the connection, the handle.
pub(super) async fn open(machine: &'static Machine, open: Open, reply: &mut Reply) -> Result<Ending, CommandError> {
    needed(machine, open.remote.interface).await?;
    let handle = machine.network.open_client(open.kind, &open.remote).await.map_err(|_| CommandError::Failed)?;
    let _ = write!(reply, "{handle}");
    Ok(Ending::Text)
}
