//! The HTTP/1.1 server: the REST API of the device (http-and-files reference 1 to 3).
//!
//! One task accepts; each of a fixed number of workers serves one connection at a time and owns all that this needs: a
//! buffer for the request, which afterwards holds the answer, and the reply of the command. A connection carries one
//! request: the server closes after every answer (reference README, decision 5).
//!
//! ```text
//! server       listening, accepting, workers
//! connection   one connection: bytes in and out, time limits, the end
//! exchange     one request and its answer
//! request      the head: method, target, framing
//! body         the body: length or chunks
//! router       what a target means
//! rest         /command and /log
//! json         the objects of the REST API, both ways
//! openapi      /openapi.json, an extension
//! metrics      /metrics, an extension; counters: what is counted for it
//! pieces       bodies out of tables, written piece by piece
//! console      the web console: pages that are part of the firmware
//! respond      status lines, fields, answers longer than a buffer
//! ```

mod body;
pub mod client;
mod connection;
mod console;
mod counters;
mod exchange;
mod json;
mod metrics;
mod openapi;
mod pieces;
mod request;
mod respond;
mod rest;
mod router;
mod server;

pub use server::{HttpServer, accept, worker};
