//! `tcp_client`, `tcp_server`, `tls_client`, `tls_server`, `udp_client`, `udp_server` (interface, commands/README).

use core::fmt::Write;
use core::net::SocketAddrV4;
use core::pin::pin;

use super::call::{Call, number};
use super::network::needed;
use super::response::{CommandError, Ending};
use super::streams::{Untold, read_into};
use super::write::message;
use crate::log::Level;
use crate::network::{Remote, Secure};
use crate::stream::{Kind, Protocol, ServerError};
use crate::tls::{ClientFiles, ServerFiles};
use crate::variable::{Id, id};

const TCP_PORT: Id = id("tcp.server.port");
const TCP_TLS: Id = id("tcp.server.tls_enabled");
const UDP_PORT: Id = id("udp.server.port");
const LOCAL_PORT: Id = id("tcp.client.local_port");

impl<'a> Call<'a> {
    /// An argument that is a port number; 0 is none.
    fn port(&self, index: usize) -> Result<u16, CommandError> {
        port(self.argument(index)?)
    }

    /// `[-i <interface>] start|stop [<port>]`
    async fn server(&mut self, protocol: Protocol, default_port: Id) -> Result<Ending, CommandError> {
        self.at_most(2)?;
        let interface = self.interface()?;
        let port = if self.count() == 2 { Some(self.port(1)?) } else { None };
        let streams = self.machine.streams;
        match self.argument(0)? {
            b"start" => {
                let port = port.unwrap_or_else(|| self.machine.base.variables.number(default_port) as u16);
                if protocol == Protocol::Tls && !self.machine.tls.has_identity(ServerFiles::Streams) {
                    let text = format_args!("No certificate (set network.tls.server_cert and network.tls.server_key)");
                    self.machine.base.log.line(Level::Failure, text);
                    return Err(CommandError::Failed);
                }
                if !self.machine.network.is_up(interface) {
                    self.apart(pin!(needed(self.machine, interface))).await??;
                }
                let stream = streams.server_start(protocol, interface, port).map_err(|error| self.refused(error))?;
                if let Some(handle) = stream {
                    let _ = write!(self.reply, "{handle}");
                    return Ok(Ending::Text);
                }
            }
            b"stop" => streams.server_stop(protocol, port).map_err(|error| self.refused(error))?,
            _ => return Err(CommandError::Invalid),
        }
        Ok(Ending::Success)
    }

    /// The names of a CA certificate, a certificate and a key, from the argument `first` on; any may be left out.
    pub(super) fn client_files(&self, first: usize) -> ClientFiles<'a> {
        let name = |at| self.argument(first + at).ok().filter(|name| !name.is_empty());
        ClientFiles { authorities: name(0), certificate: name(1), key: name(2) }
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

/// A port number; 0 is none.
fn port(word: &[u8]) -> Result<u16, CommandError> {
    match number(word, u16::MAX.into())? {
        0 => Err(CommandError::Invalid),
        port => Ok(port as u16),
    }
}

pub(super) async fn tcp_client(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    open(call, Kind::Tcpc).await
}

/// `[-i <interface>] [-l <local port>] <host> <port> [<CA certificate> [<certificate> [<key>]]]`
pub(super) async fn tls_client(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    open(call, Kind::Tlsc).await
}

pub(super) async fn tls_server(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    call.server(Protocol::Tls, TCP_PORT).await
}

pub(super) async fn udp_client(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    open(call, Kind::Udpc).await
}

/// `[-i <interface>] [-l <local port>] <host> <port> [<local port>]`: brings the network up, resolves the name,
/// connects, answers with the handle.
async fn open(call: &mut Call<'_>, kind: Kind) -> Result<Ending, CommandError> {
    let machine = call.machine;
    let local_port = match (call.argument(2), call.option(b'l')) {
        (Ok(word), _) if kind != Kind::Tlsc => port(word)?,
        (_, Some(word)) => port(word)?,
        _ if kind == Kind::Udpc => 0,
        _ => machine.base.variables.number(LOCAL_PORT) as u16,
    };
    let secure = (kind == Kind::Tlsc).then(|| Secure { tls: machine.tls, files: call.client_files(2) });
    let remote = Remote { interface: call.interface()?, host: call.host(0)?, port: call.port(1)?, local_port };
    let opening = async {
        needed(machine, remote.interface).await?;
        let handle =
            machine.network.open_client(kind, &remote, secure.as_ref()).await.map_err(|_| CommandError::Failed)?;
        Ok::<_, CommandError>(Untold::new(machine.streams, handle))
    };
    let handle = call.apart(pin!(opening)).await??.tell()?;
    let _ = write!(call.reply, "{handle}");
    Ok(Ending::Text)
}

pub(super) async fn tcp_server(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    // If the owner has chosen TLS for its clients, it is a TLS server, for `stop` as well.
    let secure = call.machine.base.variables.flag(TCP_TLS);
    call.server(if secure { Protocol::Tls } else { Protocol::Tcp }, TCP_PORT).await
}

pub(super) async fn udp_server(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    match call.argument(0)? {
        b"write" => udp_server_write(call).await,
        b"read" => udp_server_read(call),
        _ => call.server(Protocol::Udp, UDP_PORT).await,
    }
}

/// `udp_server write <size> <ip> <port>`: one datagram to a peer, whoever spoke last.
async fn udp_server_write(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let size = call.number(1, u32::MAX)? as usize;
    let address = call.text(2)?.parse().map_err(|_| CommandError::Invalid)?;
    let to = SocketAddrV4::new(address, call.port(3)?);
    let streams = call.machine.streams;
    let Some(handle) = streams.udp_server_stream(None) else {
        return call.refuse(size, CommandError::Failed).await;
    };
    let (stream, data) = (streams.id(handle)?, call.data(size)?);
    message(call, stream, data, Some(to), Ok(())).await
}

/// `udp_server read <size>`: as `stream_read` of the server's stream.
fn udp_server_read(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    call.at_most(2)?;
    let handle = call.machine.streams.udp_server_stream(None).ok_or(CommandError::Failed)?;
    let size = call.number(1, u32::MAX)? as usize;
    read_into(call, handle, size)
}
