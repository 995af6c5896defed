//! The layer between the library and the connection: it admits whole records only, and only those that may come now.

use core::future::poll_fn;
use core::task::Poll;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::vec::Vec;

use embedded_io_async::{ErrorKind, ErrorType, Read, Write};

use super::after::{After, Arrived};
use super::cipher::{OPEN, PLAIN};
use super::refusal::Refusal;
use super::{alert, hello, kind};
use crate::limits;
use crate::port::TlsFailure;

/// Bytes of a record's header.
const HEADER: usize = 5;
/// Bytes of an encrypted record without its header (RFC 8446, 5.2).
pub(super) const ENCRYPTED: usize = PLAIN + 256;
/// The least bytes of one: a type and a tag.
const ENCRYPTED_LEAST: usize = 17;
/// Bytes of a ServerHello at most; acceptable ones have fewer than 200.
const HELLO: usize = 1024;
/// Encrypted records of the server's flight at most: there are five messages, and none is spread over records.
const FLIGHT: u8 = 5;
/// ChangeCipherSpec records in a handshake at most; they mean nothing (RFC 8446, D.4).
const CHANGES: u8 = 2;

/// The phase of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// ServerHello has not arrived yet.
    Hello,
    /// The server sends only encrypted records.
    Flight,
    /// The handshake is over.
    Open,
}

/// The state that the session, the library and the library's callbacks share.
pub(super) struct Wire {
    phase: Phase,
    /// The record that is being received.
    inbound: Vec<u8>,
    /// The received part of ServerHello.
    hello: Vec<u8>,
    /// The record that the library may read, and how many bytes of it the library has read.
    ready: Vec<u8>,
    given: usize,
    /// Counts of the handshake's encrypted records and of its ChangeCipherSpec records.
    flight: u8,
    changes: u8,
    /// Records to encrypt, with their type at the end.
    orders: VecDeque<Vec<u8>>,
    pub(super) outbound: VecDeque<u8>,
    after: After,
    /// Decrypted bytes, and how many of them the session has taken.
    plain: Vec<u8>,
    taken: usize,
    /// The server has said that nothing more comes.
    pub(super) closed: bool,
    pub(super) failure: Option<TlsFailure>,
    /// The server has sent a valid certificate and proved that it has the key.
    pub(super) proved: bool,
    pub(super) alpn: heapless::Vec<u8, { limits::ALPN }>,
}

impl Wire {
    pub(super) fn new(first: Option<u8>) -> Self {
        Self {
            phase: Phase::Hello,
            inbound: first.into_iter().collect(),
            hello: Vec::new(),
            ready: Vec::new(),
            given: 0,
            flight: 0,
            changes: 0,
            orders: VecDeque::new(),
            outbound: VecDeque::new(),
            after: After::default(),
            plain: Vec::new(),
            taken: 0,
            closed: false,
            failure: None,
            proved: false,
            alpn: heapless::Vec::new(),
        }
    }

    /// Ends the session; the first reason counts.
    pub(super) fn refuse(&mut self, refusal: Refusal) {
        if self.failure.is_some() {
            return;
        }
        self.failure = Some(refusal.failure);
        match refusal.alert {
            Some(description) if self.phase == Phase::Open => self.order(kind::ALERT, &[2, description]),
            // The library cannot encrypt it here, and servers take it in the clear (RFC 8446, 6.2).
            Some(description) => self.outbound.extend([kind::ALERT, 3, 3, 0, 2, 2, description]),
            None => {}
        }
    }

    /// The handshake is over.
    pub(super) fn open(&mut self) {
        self.phase = Phase::Open;
    }

    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Queues a record for encryption.
    pub(super) fn order(&mut self, kind: u8, content: &[u8]) {
        self.orders.push_back(content.iter().copied().chain([kind]).collect());
    }

    pub(super) fn next_order(&mut self) -> Option<Vec<u8>> {
        self.orders.pop_front()
    }

    /// Whether another record may come: no decrypted bytes wait to be taken.
    pub(super) fn is_reading(&self) -> bool {
        self.failure.is_none() && !self.closed && self.plain() == 0
    }

    /// The number of decrypted bytes that wait.
    pub(super) fn plain(&self) -> usize {
        self.plain.len() - self.taken
    }

    /// Takes decrypted bytes.
    pub(super) fn take(&mut self, buffer: &mut [u8]) -> usize {
        let waiting = self.plain.get(self.taken..).unwrap_or_default();
        let count = waiting.len().min(buffer.len());
        buffer[..count].copy_from_slice(&waiting[..count]);
        self.taken += count;
        if self.taken == self.plain.len() {
            (self.plain, self.taken) = (Vec::new(), 0);
        }
        count
    }

    /// Receives the missing part of a record, and nothing after it.
    pub(super) fn collect(&mut self, from: &mut dyn io::Read) -> io::Result<usize> {
        let have = self.inbound.len();
        let whole = self.length().map_or(HEADER, |length| HEADER + length);
        self.inbound.resize(whole.max(have), 0);
        let count = from.read(&mut self.inbound[have..]);
        self.inbound.truncate(have + count.as_ref().map_or(0, |count| *count));
        count
    }

    /// The length in the record's header.
    fn length(&self) -> Option<usize> {
        let [_, _, _, high, low, ..] = self.inbound[..] else { return None };
        Some(u16::from_be_bytes([high, low]).into())
    }

    /// Checks the received bytes; a complete record goes to the library.
    pub(super) fn admit(&mut self) {
        let Some(length) = self.length() else { return };
        let admitted = self.admit_header(length).and_then(|()| {
            if self.inbound.len() < HEADER + length {
                return Ok(());
            }
            let record = core::mem::take(&mut self.inbound);
            self.admit_record(record)
        });
        if let Err(refusal) = admitted {
            self.inbound = Vec::new();
            self.refuse(refusal);
        }
    }

    /// Refuses bytes that are not TLS, and records that are too long, before the whole record has arrived.
    fn admit_header(&self, length: usize) -> Result<(), Refusal> {
        if !matches!(self.inbound[..], [kind::CHANGE_CIPHER_SPEC..=kind::APPLICATION_DATA, 3, ..]) {
            return Err(Refusal::protocol(alert::UNEXPECTED_MESSAGE));
        }
        if length > ENCRYPTED {
            return Err(Refusal::protocol(alert::RECORD_OVERFLOW));
        }
        Ok(())
    }

    fn admit_record(&mut self, mut record: Vec<u8>) -> Result<(), Refusal> {
        let content = record.get(HEADER..).unwrap_or_default();
        match (self.phase, record.first().copied().unwrap_or_default()) {
            (Phase::Hello, kind::HANDSHAKE) if !content.is_empty() => return self.admit_hello(content),
            (Phase::Hello, kind::ALERT) if content.len() == 2 => return Err(Refusal::told(content[1])),
            (Phase::Flight, kind::CHANGE_CIPHER_SPEC) if content == [1] && self.changes < CHANGES => {
                self.changes += 1;
                return Ok(());
            }
            (Phase::Flight, kind::APPLICATION_DATA) if content.len() >= ENCRYPTED_LEAST && self.flight < FLIGHT => {
                self.flight += 1;
                record[1..3].copy_from_slice(&[3, 3]);
            }
            (Phase::Open, kind::APPLICATION_DATA) if content.len() >= ENCRYPTED_LEAST => {
                record[1..3].copy_from_slice(&OPEN);
            }
            _ => return Err(Refusal::protocol(alert::UNEXPECTED_MESSAGE)),
        }
        self.ready = record;
        Ok(())
    }

    /// A part of ServerHello, or all of it.
    fn admit_hello(&mut self, part: &[u8]) -> Result<(), Refusal> {
        self.hello.extend_from_slice(part);
        if self.hello.len() > HELLO {
            return Err(Refusal::protocol(alert::DECODE_ERROR));
        }
        let [_, high, middle, low, ref body @ ..] = self.hello[..] else { return Ok(()) };
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        if body.len() < length && length <= HELLO {
            return Ok(());
        }
        hello::check(&self.hello)?;
        let [.., high, low] = self.hello.len().to_be_bytes();
        self.ready = Vec::from([kind::HANDSHAKE, 3, 3, high, low]);
        self.ready.append(&mut self.hello);
        self.hello = Vec::new();
        self.phase = Phase::Flight;
        Ok(())
    }

    /// The library has decrypted a record of the open session.
    pub(super) fn arrived(&mut self, record: &[u8]) {
        match self.after.record(record) {
            Ok(Arrived::Data(data)) => self.plain.extend_from_slice(data),
            Ok(Arrived::End) => self.closed = true,
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// The library reads.
    fn give(&mut self, buffer: &mut [u8]) -> Poll<usize> {
        let waiting = self.ready.get(self.given..).unwrap_or_default();
        if waiting.is_empty() {
            return Poll::Pending;
        }
        let count = waiting.len().min(buffer.len());
        buffer[..count].copy_from_slice(&waiting[..count]);
        self.given += count;
        if self.given == self.ready.len() {
            (self.ready, self.given) = (Vec::new(), 0);
        }
        Poll::Ready(count)
    }

    /// The library sends. Its records do not go out before the server has proved its identity, nor do its alerts during
    /// a handshake: this module sends those alerts itself.
    fn accept(&mut self, record: &[u8]) -> Result<(), ErrorKind> {
        if self.failure.is_some() && self.phase != Phase::Open {
            return Err(ErrorKind::Other);
        }
        if record.first() == Some(&kind::CHANGE_CIPHER_SPEC) {
            return Ok(());
        }
        if self.phase == Phase::Flight && !self.proved {
            self.refuse(Refusal::protocol(alert::UNEXPECTED_MESSAGE));
            return Err(ErrorKind::Other);
        }
        self.outbound.extend(record);
        Ok(())
    }
}

/// A handle to the shared [`Wire`].
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Wire>>);

impl Shared {
    pub(super) fn new(first: Option<u8>) -> Self {
        Self(Arc::new(Mutex::new(Wire::new(first))))
    }

    pub(super) fn with<T>(&self, action: impl FnOnce(&mut Wire) -> T) -> T {
        action(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The connection that the library sees. A read waits only at the start of a record.
pub(super) struct Pipe(pub(super) Shared);

impl ErrorType for Pipe {
    type Error = ErrorKind;
}

impl Read for Pipe {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        Ok(poll_fn(|_| self.0.with(|wire| wire.give(buffer))).await)
    }
}

impl Write for Pipe {
    async fn write(&mut self, data: &[u8]) -> Result<usize, ErrorKind> {
        self.0.with(|wire| wire.accept(data)).map(|()| data.len())
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
