//! The network: its interfaces, joining a WLAN, names, echoes, and connections to servers.
//!
//! ```text
//! wlan         the life of the WLAN interface
//! join         the sequence of a join, scans
//! client       opening clients
//! lookup       names and echoes
//! interfaces   who is up; services come and go with their interface
//! state        the states of one interface
//! ```

mod client;
mod interfaces;
mod join;
mod lookup;
mod state;
mod wlan;

pub use client::{ConnectError, OwnServers, Remote};
pub use interfaces::{Network, Service, TooManyServices};
pub use join::{Printable, security_name};
pub use lookup::{LookupError, ping, resolve};
pub use state::{JoinError, Status};
pub use wlan::run as keep_wlan;
