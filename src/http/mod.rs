//! The HTTP/1.1 server: the REST API, WebSockets and the files of the device (http-and-files reference 1 to 6).
//!
//! One task accepts; each of a fixed number of workers serves one connection at a time and owns all that this needs: a
//! buffer for the request, which afterwards holds the answer, and the reply of the command. A connection carries one
//! request: the server closes after every answer (reference README, decision 5). WebSockets go on to tasks of their
//! own, so that they keep no worker from its work. What bytes mean is in `wire/http` and `wire/json`.
//!
//! ```text
//! server       listening, accepting, workers
//! connection   one connection: bytes in and out, time limits, the end
//! exchange     one request and its answer
//! body         the body: length or chunks
//! router       what a target means
//! auth         passwords, the whitelist; attempts: who guesses must wait
//! bearer       API tokens, an extension
//! cors         preflights of browsers
//! origin       which pages may open WebSockets
//! rest         /command and /log
//! openapi      /openapi.json, an extension
//! metrics      /metrics, an extension; counters: what is counted for it
//! pieces       bodies out of tables, written piece by piece
//! files        files as pages
//! websocket    /stream as a WebSocket
//! upload       /stream as a body for the host
//! console      the web console: pages that are part of the firmware
//! room         the far side of a stream
//! respond      status lines, fields, answers longer than a buffer
//! ```

mod attempts;
mod auth;
mod bearer;
mod body;
mod connection;
mod console;
mod cors;
mod counters;
mod exchange;
mod files;
mod metrics;
mod openapi;
mod origin;
mod patience;
mod pieces;
mod respond;
mod rest;
mod room;
mod router;
mod server;
mod upload;
mod websocket;

pub use server::{HttpServer, accept, worker};
pub use websocket::session;
