//! TLS: the contract of the port, and what the device does with it.

mod codes;
mod contract;
mod https;
mod mail;
mod peers;
mod requests;
mod signing;
mod streams;
mod transcripts;
mod websocket;
