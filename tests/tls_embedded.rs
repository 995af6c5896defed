//! The tests of TLS clients (`tests/tls`) with embedded-tls instead of rustls.

use openzentri::port::TlsClient;

const CLIENT: TlsClient = TlsClient::Embedded;

#[path = "tls/codes.rs"]
mod codes;
#[path = "tls/contract.rs"]
mod contract;
#[path = "tls/hostile.rs"]
mod hostile;
#[path = "tls/mail.rs"]
mod mail;
#[allow(dead_code, reason = "some of it is for the tests of servers")]
#[path = "tls/peers.rs"]
mod peers;
#[path = "tls/requests.rs"]
mod requests;
#[path = "tls/streams.rs"]
mod streams;
#[path = "tls/transcripts.rs"]
mod transcripts;
#[path = "tls/websocket.rs"]
mod websocket;
