//! One end of a TLS session over any transport of bytes, through a TLS library. Nothing here blocks.

use std::boxed::Box;
use std::io::{self, Read, Write};

use super::engine::Engine;
use super::failure::refused;
use crate::port::{PortError, Result, TlsError, TlsFailure, TlsSession};

/// Plaintext bytes of one record at most (RFC 8446, 5.1).
const RECORD: usize = 16_384;

/// The connection below a session. No call blocks.
pub(in crate::port) trait Transport {
    /// As [`crate::port::Sockets::send`].
    fn send(&mut self, data: &[u8]) -> Result<usize>;
    /// As [`crate::port::Sockets::receive`].
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize>;
    /// As [`crate::port::Sockets::finish`].
    fn finish(&mut self) -> Result<()>;
}

/// The stage of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Handshake,
    Open,
    /// The session is dead, but encrypted bytes may still go out: the alert that says why.
    Failed(TlsFailure),
}

/// A session. It keeps at most one record of each direction.
pub(in crate::port) struct Session {
    engine: Box<dyn Engine>,
    stage: Stage,
    /// The peer has closed the connection below.
    ended: bool,
    /// The connection below accepts nothing more.
    broken: bool,
    /// The device will send nothing more.
    finished: bool,
    /// Close our end of the connection below once everything has been sent.
    finish: bool,
}

impl Session {
    pub(super) fn over(engine: Box<dyn Engine>) -> Self {
        Self { engine, stage: Stage::Handshake, ended: false, broken: false, finished: false, finish: false }
    }

    /// Moves records both ways until nothing moves any more. Returns the outcome of the handshake once it has ended.
    pub(in crate::port) fn advance(
        &mut self,
        transport: &mut dyn Transport,
    ) -> Option<core::result::Result<TlsSession, TlsFailure>> {
        loop {
            let moved = self.flush(transport) | self.fill(transport);
            if !moved {
                break;
            }
        }
        if self.stage == Stage::Handshake && !self.engine.is_handshaking() {
            self.stage = Stage::Open;
        }
        match &self.stage {
            Stage::Handshake if self.ended => {
                let failure = refused(TlsError::Closed);
                self.stage = Stage::Failed(failure);
                Some(Err(failure))
            }
            Stage::Handshake => None,
            Stage::Open => Some(self.agreed()),
            Stage::Failed(failure) => Some(Err(*failure)),
        }
    }

    /// Whether encrypted bytes wait to be sent, and can be.
    pub(in crate::port) fn wants_write(&self) -> bool {
        !self.broken && self.engine.wants_write()
    }

    /// Whether the handshake goes on.
    pub(in crate::port) fn is_shaking_hands(&self) -> bool {
        self.stage == Stage::Handshake
    }

    /// Sends encrypted bytes; returns whether any were sent.
    pub(in crate::port) fn flush(&mut self, transport: &mut dyn Transport) -> bool {
        let mut any = false;
        while self.engine.wants_write() {
            match self.engine.write_tls(&mut Pipe { transport, ended: &mut self.ended }) {
                Ok(1..) => any = true,
                Ok(0) => break,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.break_off();
                    break;
                }
            }
        }
        if self.finish && !self.engine.wants_write() {
            self.finish = false;
            let _ = transport.finish();
        }
        any
    }

    /// Receives encrypted bytes unless decrypted ones wait to be taken; returns whether any came.
    fn fill(&mut self, transport: &mut dyn Transport) -> bool {
        if self.ended || matches!(self.stage, Stage::Failed(_)) || self.engine.plain() > 0 || !self.engine.wants_read()
        {
            return false;
        }
        match self.engine.read_tls(&mut Pipe { transport, ended: &mut self.ended }) {
            Ok(0) => false,
            Ok(_) => {
                if let Err(failure) = self.engine.process() {
                    self.stage = Stage::Failed(failure);
                }
                true
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(_) => {
                self.break_off();
                false
            }
        }
    }

    /// The connection below broke.
    fn break_off(&mut self) {
        self.ended = true;
        self.broken = true;
        if self.stage == Stage::Open {
            self.stage = Stage::Failed(refused(TlsError::Closed));
        }
    }

    fn agreed(&self) -> core::result::Result<TlsSession, TlsFailure> {
        let agreed = self.engine.agreed().ok_or(refused(TlsError::Internal))?;
        Ok(TlsSession {
            version: agreed.version,
            suite: agreed.suite,
            // A longer name was never asked for.
            name: agreed.name.and_then(|name| name.try_into().ok()).unwrap_or_default(),
            alpn: agreed.alpn,
        })
    }

    fn usable(&self) -> Result<()> {
        match self.stage {
            Stage::Handshake => Err(PortError::WouldBlock),
            Stage::Open => Ok(()),
            Stage::Failed(_) => Err(PortError::Closed),
        }
    }

    /// Encrypts and sends bytes: at most one record, and none before the previous record has gone out.
    pub(in crate::port) fn send(&mut self, transport: &mut dyn Transport, data: &[u8]) -> Result<usize> {
        self.flush(transport);
        self.usable()?;
        if self.finished {
            return Err(PortError::Closed);
        }
        if self.engine.wants_write() {
            return Err(PortError::WouldBlock);
        }
        let part = data.get(..RECORD).unwrap_or(data);
        let taken = self.engine.write(part);
        self.flush(transport);
        Ok(taken)
    }

    /// Takes decrypted bytes. An end without the peer's close_notify is a broken connection (RFC 8446, 6.1).
    pub(in crate::port) fn receive(&mut self, transport: &mut dyn Transport, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.engine.read(buffer) {
                count if count > 0 || buffer.is_empty() => return Ok(count),
                _ if self.broken => return Err(PortError::Closed),
                _ if self.engine.closed() => return Ok(0),
                _ => {}
            }
            self.usable()?;
            if !self.fill(transport) {
                return if self.ended { Err(PortError::Closed) } else { Err(PortError::WouldBlock) };
            }
            // Sends replies to the received bytes: new keys, say.
            self.flush(transport);
        }
    }

    /// Sends close_notify: the device will send nothing more.
    pub(in crate::port) fn finish(&mut self, transport: &mut dyn Transport) -> Result<()> {
        self.usable()?;
        if !self.finished {
            self.engine.send_close_notify();
            (self.finished, self.finish) = (true, true);
        }
        self.flush(transport);
        Ok(())
    }

    /// As [`Session::finish`], in any stage; for a socket that is being closed.
    pub(in crate::port) fn close(&mut self, transport: &mut dyn Transport) {
        if self.stage == Stage::Open && !self.finished {
            self.engine.send_close_notify();
        }
        self.flush(transport);
    }

    /// Ends a handshake that nobody waits for.
    pub(in crate::port) fn give_up(&mut self) {
        self.stage = Stage::Failed(refused(TlsError::Closed));
    }

    /// Whether [`Session::receive`] has an answer, after [`Session::advance`].
    pub(in crate::port) fn is_readable(&mut self) -> bool {
        match self.stage {
            Stage::Handshake => false,
            Stage::Open => self.ended || self.engine.plain() > 0 || self.engine.closed(),
            Stage::Failed(_) => true,
        }
    }

    /// Whether [`Session::send`] has an answer, after [`Session::advance`].
    pub(in crate::port) fn is_writable(&self) -> bool {
        match self.stage {
            Stage::Handshake => false,
            Stage::Open => !self.engine.wants_write(),
            Stage::Failed(_) => true,
        }
    }
}

/// A transport with the traits that rustls needs.
struct Pipe<'a> {
    transport: &'a mut dyn Transport,
    ended: &'a mut bool,
}

impl Read for Pipe<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.transport.receive(buffer).map_err(io_error)?;
        *self.ended |= count == 0 && !buffer.is_empty();
        Ok(count)
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.transport.send(data).map_err(io_error)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn io_error(error: PortError) -> io::Error {
    match error {
        PortError::WouldBlock => io::ErrorKind::WouldBlock.into(),
        _ => io::ErrorKind::ConnectionAborted.into(),
    }
}
