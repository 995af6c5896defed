//! The HTTP client (interface, http 7): requests as streams, files fetched and sent.
//!
//! A fixed number of tasks does the network work; each has one request at a time and owns the buffer that it needs. A
//! command claims a free task, describes the request in it, starts it and waits for its outcome. When a request is
//! given up half-way, the task drops its work and with it what the request has left behind (a socket, half a file).
//!
//! ```text
//! client       what commands do with requests
//! task         carries one request out after another
//! stream       a request whose bodies go through a stream
//! websocket    a request that becomes a WebSocket
//! download     a response that becomes a file
//! upload       a file that becomes a request
//! quiet        a small body that is posted in the background
//! link         one connection: connect, send, receive, time limits
//! transport    bytes to and from the server, with or without TLS
//! transaction  what a task and the commands share about a request
//! pace         how slow a transfer may be
//! request      the head that is sent
//! failure      why a request failed
//! rooms        the rooms it uses
//! ```
//!
//! Each uses only those listed below it.

mod client;
mod download;
mod failure;
mod link;
mod pace;
mod quiet;
mod request;
mod rooms;
mod stream;
mod task;
mod transaction;
mod transport;
mod upload;
mod websocket;

pub use crate::wire::url::{Url, UrlError};
pub use client::{Claim, Client, HeaderError, Requests, no_requests, run};
pub use failure::Failure;
pub use quiet::Post;
pub use request::{FieldError, FileNames, Length, Method, Request};
pub use transaction::Target;
