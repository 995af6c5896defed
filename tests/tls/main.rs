//! TLS: the contract of the port, and what the device does with it.

use openzentri::port::TlsClient;

/// The library of the device's clients. `tests/tls_embedded.rs` runs the same tests with the other one.
const CLIENT: TlsClient = TlsClient::Rustls;

mod codes;
mod contract;
mod hostile;
mod https;
mod mail;
mod peers;
mod requests;
mod signing;
mod streams;
mod transcripts;
mod websocket;
