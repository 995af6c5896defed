//! OpenZentri: a firmware that speaks ZentriOS.
//!
//! The rooms, from the top down; each uses only rooms below it:
//!
//! ```text
//! device                          what a device is made of, starts the tasks
//! terminal http                   front ends: take commands, print answers
//! command                         the command language: line, table, shell, handlers
//! http_client service             requests to other servers; what comes and goes with the network, mail
//! websocket                       WebSockets that are open, of servers and of clients
//! stream network tls file pins    what commands act on; what shows the state of the device
//! life                            faults, safe mode, sleep
//! access                          who may do what: API tokens and their scopes
//! variable                        the table of variables, their values, `save` and `load`
//! ground                          port handle, clock, event log, live status
//! wire  limits  features  buffer  codecs without I/O; every bound; what this build can do; room for answers
//! port                            the contract with the place where it runs
//! ```
#![cfg_attr(not(any(feature = "host", test)), no_std)]
// Nothing that comes from outside may stop a device.
#![cfg_attr(
    not(any(feature = "host", test)),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::unreachable, clippy::todo, clippy::unimplemented)
)]

pub mod access;
pub mod buffer;
pub mod command;
pub mod conformance;
pub mod device;
pub mod discovery;
pub mod features;
pub mod file;
pub mod ground;
pub mod http;
pub mod http_client;
pub mod life;
pub mod limits;
pub mod network;
pub mod pins;
mod place;
pub mod port;
pub mod service;
mod sorted;
pub mod stream;
pub mod terminal;
pub mod tls;
pub mod variable;
pub mod websocket;
pub mod wire;

pub use ground::{clock, log};
pub use variable::{base, version};
