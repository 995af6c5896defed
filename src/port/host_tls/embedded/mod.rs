//! embedded-tls as a client: TLS 1.3 with one suite and one group, with the checks that it needs to be safe (see
//! `docs/adr/0012-embedded-tls.md`).
//!
//! A session is one future that owns the library's connection and is polled by hand; it waits only for records. A
//! [`Wire`] holds what the future and the session share. A received record first passes the wire, which admits only
//! records that may come now. Then it passes the library and the [`cipher`], which inspects the decrypted bytes, and
//! reaches the verifier of the [`provider`] or [`after`].

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::boxed::Box;
use std::io;
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;

use embassy_futures::{poll_once, yield_now};
use embedded_tls::{SignatureScheme, TlsConfig, TlsConnection, TlsContext, TlsError as LibraryError};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;

use super::credentials::{alpn, chain, key, server_verifier};
use super::engine::{Agreed, Engine};
use super::failure::{Outcome, refused};
use crate::port::{TlsCredentials, TlsError, TlsVersion};

mod after;
mod alert;
mod cipher;
mod hello;
mod kind;
mod provider;
mod reader;
mod refusal;
mod transcript;
mod wire;

use cipher::{PLAIN, Suite};
use provider::{Own, Provider, Signer, Verifier};
use refusal::Refusal;
use wire::{ENCRYPTED, Pipe, Shared, Wire};

/// Room for an outgoing record: its header, one or two type bytes, the tag, and the bytes that the library keeps free.
const RECORD: usize = 5 + PLAIN + 2 + embedded_tls::TLS_RECORD_OVERHEAD;

/// Bytes of the device's certificate at most: every handshake message then has room for it, the name and ALPN.
const CERTIFICATE: usize = PLAIN - 1024;

/// The future that runs the library.
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The client's end of a session.
pub(super) struct Client {
    shared: Shared,
    /// `None` once nothing is left to do.
    work: Option<Work>,
    name: String,
}

impl Client {
    /// A session that has sent and received nothing yet.
    pub(super) fn new(name: &str, first: Option<u8>, credentials: &TlsCredentials<'_>) -> Outcome<Self> {
        let server = ServerName::try_from(name.to_owned()).map_err(|_| refused(TlsError::Name))?;
        let (oldest, newest) = credentials.versions;
        if !(oldest..=newest).contains(&TlsVersion::V1_3) {
            return Err(refused(TlsError::Incompatible));
        }
        let library = Arc::new(rustls::crypto::ring::default_provider());
        let shared = Shared::new(first);
        // An address is not a host name (RFC 6066, 3).
        let asked = matches!(server, ServerName::DnsName(_)).then(|| name.to_owned());
        let verifier = Verifier {
            shared: shared.clone(),
            servers: server_verifier(credentials, library)?,
            name: server,
            alpn: alpn(credentials),
            now: UnixTime::since_unix_epoch(core::time::Duration::from_secs(credentials.now)),
            shown: None,
        };
        let own = if credentials.certificate.is_empty() { None } else { Some(own(credentials)?) };
        let provider = Provider { shared: shared.clone(), verifier, own };
        let work: Work = Box::pin(work(shared.clone(), asked, alpn(credentials), provider));
        let mut client = Self { shared, work: Some(work), name: name.to_owned() };
        client.go_on();
        Ok(client)
    }

    /// Polls the library.
    fn go_on(&mut self) {
        let Some(work) = &mut self.work else { return };
        if work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
            || self.shared.with(|wire| wire.failure.is_some())
        {
            // Its buffers are no longer needed.
            self.work = None;
        }
    }
}

impl Engine for Client {
    fn wants_write(&self) -> bool {
        self.shared.with(|wire| !wire.outbound.is_empty())
    }

    fn write_tls(&mut self, to: &mut dyn io::Write) -> io::Result<usize> {
        self.shared.with(|wire| {
            let count = to.write(wire.outbound.as_slices().0)?;
            wire.outbound.drain(..count);
            if wire.outbound.is_empty() {
                wire.outbound = Default::default();
            }
            Ok(count)
        })
    }

    fn wants_read(&self) -> bool {
        self.shared.with(|wire| wire.is_reading())
    }

    fn read_tls(&mut self, from: &mut dyn io::Read) -> io::Result<usize> {
        self.shared.with(|wire| wire.collect(from))
    }

    fn process(&mut self) -> Outcome<()> {
        self.shared.with(Wire::admit);
        self.go_on();
        self.shared.with(|wire| wire.failure).map_or(Ok(()), Err)
    }

    fn is_handshaking(&self) -> bool {
        self.shared.with(|wire| !wire.is_open())
    }

    fn plain(&mut self) -> usize {
        self.shared.with(|wire| wire.plain())
    }

    fn closed(&mut self) -> bool {
        self.shared.with(|wire| wire.closed)
    }

    fn read(&mut self, buffer: &mut [u8]) -> usize {
        self.shared.with(|wire| wire.take(buffer))
    }

    fn write(&mut self, data: &[u8]) -> usize {
        let part = data.get(..PLAIN).unwrap_or(data);
        self.shared.with(|wire| wire.order(kind::APPLICATION_DATA, part));
        self.go_on();
        part.len()
    }

    fn send_close_notify(&mut self) {
        self.shared.with(|wire| wire.order(kind::ALERT, &[1, alert::CLOSE_NOTIFY]));
        self.go_on();
    }

    fn agreed(&self) -> Option<Agreed<'_>> {
        let alpn = self.shared.with(|wire| wire.alpn.clone());
        Some(Agreed { version: TlsVersion::V1_3, suite: hello::SUITE, name: Some(&self.name), alpn })
    }
}

/// Runs the library for a whole session, from the first byte to the last.
async fn work(shared: Shared, name: Option<String>, alpn: Vec<Vec<u8>>, provider: Provider) {
    let (mut receiving, mut sending) = (std::vec![0; ENCRYPTED], std::vec![0; RECORD]);
    let mut connection = TlsConnection::new(Pipe(shared.clone()), &mut receiving, &mut sending);
    {
        let offered: Vec<&[u8]> = alpn.iter().map(Vec::as_slice).collect();
        let mut config = TlsConfig::new().enable_rsa_signatures();
        if let Some(name) = &name {
            config = config.with_server_name(name);
        }
        if !offered.is_empty() {
            config = config.with_alpn(&offered);
        }
        if let Err(error) = connection.open(TlsContext::new(&config, provider)).await {
            return shared.with(|wire| wire.refuse(Refusal::library(&error)));
        }
    }
    shared.with(Wire::open);
    loop {
        send(&shared, &mut connection).await;
        if shared.with(|wire| wire.is_reading()) {
            match poll_once(connection.read_buffered()) {
                Poll::Ready(Ok(mut record)) => shared.with(|wire| wire.arrived(record.pop_all())),
                Poll::Ready(Err(error)) => shared.with(|wire| wire.refuse(Refusal::library(&error))),
                Poll::Pending => {}
            }
            // The received record may need an answer.
            send(&shared, &mut connection).await;
        }
        yield_now().await;
    }
}

/// Encrypts the ordered records. This never waits: the wire takes everything.
async fn send(shared: &Shared, connection: &mut TlsConnection<'_, Pipe, Suite>) {
    while let Some(record) = shared.with(Wire::next_order) {
        if let Err(error) = send_one(connection, &record).await {
            shared.with(|wire| wire.refuse(Refusal::library(&error)));
        }
    }
}

async fn send_one(connection: &mut TlsConnection<'_, Pipe, Suite>, record: &[u8]) -> Result<(), LibraryError> {
    connection.write(record).await?;
    connection.flush().await
}

/// The device's own certificate: only one, because the library can send no more, with a key whose signatures fit into
/// the library's buffer.
fn own(credentials: &TlsCredentials<'_>) -> Outcome<Own> {
    let bad = || refused(TlsError::Credentials);
    let chain = chain(credentials.certificate)?;
    let key = rustls::crypto::ring::sign::any_supported_type(&key(credentials.key)?).map_err(|_| bad())?;
    CertifiedKey::new(chain.clone(), key.clone()).keys_match().map_err(|_| bad())?;
    let schemes = [
        (rustls::SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::EcdsaSecp256r1Sha256),
        (rustls::SignatureScheme::ECDSA_NISTP384_SHA384, SignatureScheme::EcdsaSecp384r1Sha384),
    ];
    let mut signers = schemes.into_iter().filter_map(|(known, scheme)| Some((key.choose_scheme(&[known])?, scheme)));
    let (key, scheme) = signers.next().ok_or_else(bad)?;
    let certificate: [CertificateDer<'static>; 1] = chain.try_into().map_err(|_| bad())?;
    let [certificate] = certificate;
    if certificate.len() > CERTIFICATE {
        return Err(bad());
    }
    Ok(Own { certificate, signer: Signer { key: key.into(), scheme } })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The memory that a session holds while it exists, without rustls' verifier and the overhead of the heap.
    #[test]
    fn a_session_takes_what_is_written_down() {
        let credentials = TlsCredentials {
            verify: false,
            authorities: b"",
            certificate: b"",
            key: b"",
            versions: (TlsVersion::V1_2, TlsVersion::V1_3),
            alpn: &[],
            now: 0,
            clock_is_set: false,
        };
        let client = Client::new("server.example", None, &credentials).ok().unwrap();
        assert!(client.wants_write(), "ClientHello");
        let work = size_of_val(client.work.as_ref().unwrap().as_ref().get_ref());
        let wire = size_of::<Wire>();
        println!("buffers {} and {}, future {work}, wire {wire}", ENCRYPTED, RECORD);
        assert!(ENCRYPTED + RECORD + work + wire < 40_000);
    }
}
