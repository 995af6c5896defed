//! The HTTP/1.1 server: the REST API, WebSockets and the files of the device (interface, http 1, 6).
//!
//! One task accepts. Each of a fixed number of workers serves one connection at a time and owns all that it needs: a
//! buffer for the request, which afterwards holds the answer, and the reply of the command. A connection carries one
//! request: the server closes after every answer (interface, http 1.4). WebSockets move to tasks of their own, so that
//! they occupy no worker. The codecs are in `wire/http` and `wire/json`.
//!
//! ```text
//! server       listening, accepting, workers
//! secure       the TLS session of a connection, where it has one
//! serve        one connection: head, route, credentials, handler, refusal
//! routes       the table of routes: one row each
//!
//! rest         /command and /log
//! openapi      /openapi.json, an extension
//! metrics      /metrics, an extension
//! websocket    /stream as a WebSocket; origin: which pages may
//! upload       /stream as a body for the host
//! files        files as pages
//! portal       the captive portal: probes of phones
//! console      the web console: pages that are part of the firmware
//! cors         preflights of browsers
//!
//! exchange     a request, and what its handler needs
//! route        finding the row of a target; method: sets of methods
//! auth         passwords, the whitelist; bearer: API tokens, an extension
//! body         the body of a request; data: of a command, streamed into it
//! respond      heads of answers, answers longer than a buffer; pieces: answers out of tables
//! connection   bytes in and out, time limits, the end
//! lobby        connections that wait for a worker
//! seats        what the workers wait for, and who gives way; patience: how long a client may take
//! state        what the server knows; pool, counters, session: parts of it
//! access       what a client may do; failure: why there is no answer
//! ```

mod access;
mod auth;
mod bearer;
mod body;
mod connection;
mod console;
mod cors;
mod counters;
mod data;
mod exchange;
mod failure;
mod files;
mod lobby;
mod method;
mod metrics;
mod openapi;
mod origin;
mod patience;
mod pieces;
mod pool;
mod portal;
mod respond;
mod rest;
mod route;
mod routes;
mod seats;
mod secure;
mod serve;
mod server;
mod session;
mod state;
mod upload;
mod websocket;

pub use server::{accept, worker};
pub use state::HttpServer;
pub use websocket::session;
