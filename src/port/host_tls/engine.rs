//! What a session needs from a TLS library.

use std::io::{self, Read, Write};

use rustls::Connection;

use super::failure::{Outcome, failure};
use crate::limits;
use crate::port::TlsVersion;

/// One end of a session in a library, without the connection below it. No call blocks.
pub(super) trait Engine: Send {
    /// Whether there are encrypted bytes to send.
    fn wants_write(&self) -> bool;
    /// Sends some of them.
    fn write_tls(&mut self, to: &mut dyn Write) -> io::Result<usize>;
    /// Whether there is room for encrypted bytes.
    fn wants_read(&self) -> bool;
    /// Receives encrypted bytes.
    fn read_tls(&mut self, from: &mut dyn Read) -> io::Result<usize>;
    /// Processes the received bytes.
    fn process(&mut self) -> Outcome<()>;
    /// Whether the handshake is not over yet.
    fn is_handshaking(&self) -> bool;
    /// The number of decrypted bytes that wait.
    fn plain(&mut self) -> usize;
    /// Whether the peer has sent close_notify.
    fn closed(&mut self) -> bool;
    /// Takes decrypted bytes.
    fn read(&mut self, buffer: &mut [u8]) -> usize;
    /// Encrypts bytes for [`Engine::write_tls`]; returns how many it has taken.
    fn write(&mut self, data: &[u8]) -> usize;
    /// Tells the peer that no more data will come.
    fn send_close_notify(&mut self);
    /// What the two ends have agreed on.
    fn agreed(&self) -> Option<Agreed<'_>>;
}

/// What the two ends of a session have agreed on.
pub(super) struct Agreed<'a> {
    pub(super) version: TlsVersion,
    pub(super) suite: u16,
    /// The name of the server, if the client sent it.
    pub(super) name: Option<&'a str>,
    pub(super) alpn: heapless::Vec<u8, { limits::ALPN }>,
}

/// rustls, for clients and servers.
pub(super) struct Rustls {
    connection: Connection,
    /// The server name that the client has asked for.
    name: std::string::String,
}

impl Rustls {
    pub(super) fn new(connection: Connection, name: std::string::String, first: Option<u8>) -> Self {
        let mut engine = Self { connection, name };
        if let Some(byte) = first {
            // A new session has room for it.
            let _ = engine.connection.read_tls(&mut [byte].as_slice());
        }
        engine
    }
}

impl Engine for Rustls {
    fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    fn write_tls(&mut self, mut to: &mut dyn Write) -> io::Result<usize> {
        self.connection.write_tls(&mut to)
    }

    fn wants_read(&self) -> bool {
        self.connection.wants_read()
    }

    fn read_tls(&mut self, mut from: &mut dyn Read) -> io::Result<usize> {
        self.connection.read_tls(&mut from)
    }

    fn process(&mut self) -> Outcome<()> {
        match self.connection.process_new_packets() {
            Ok(_) => Ok(()),
            Err(error) => Err(failure(&error, &self.connection)),
        }
    }

    fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    fn plain(&mut self) -> usize {
        self.connection.process_new_packets().map_or(0, |state| state.plaintext_bytes_to_read())
    }

    fn closed(&mut self) -> bool {
        self.connection.process_new_packets().is_ok_and(|state| state.peer_has_closed())
    }

    fn read(&mut self, buffer: &mut [u8]) -> usize {
        // Any outcome other than bytes means "nothing now".
        self.connection.reader().read(buffer).unwrap_or(0)
    }

    fn write(&mut self, data: &[u8]) -> usize {
        self.connection.writer().write(data).unwrap_or(0)
    }

    fn send_close_notify(&mut self) {
        self.connection.send_close_notify();
    }

    fn agreed(&self) -> Option<Agreed<'_>> {
        let version = match self.connection.protocol_version()? {
            rustls::ProtocolVersion::TLSv1_2 => TlsVersion::V1_2,
            rustls::ProtocolVersion::TLSv1_3 => TlsVersion::V1_3,
            _ => return None,
        };
        let name = match &self.connection {
            Connection::Client(_) => Some(self.name.as_str()),
            Connection::Server(server) => server.server_name(),
        };
        // A longer protocol name was never offered.
        let alpn = self.connection.alpn_protocol().and_then(|name| name.try_into().ok()).unwrap_or_default();
        let suite = self.connection.negotiated_cipher_suite().map_or(0, |suite| suite.suite().into());
        Some(Agreed { version, suite, name, alpn })
    }
}
