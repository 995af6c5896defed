//! The network: its interfaces, joining a WLAN, the soft AP, names, echoes, and connections to servers.
//!
//! ```text
//! wlan         the life of the WLAN interface
//! softap       the life of the soft AP
//! setup        web setup
//! trial        joins that fall back to the previous network
//! join         the sequence of a join
//! scan         scans
//! client       opening clients
//! lookup       names and echoes
//! interfaces   which interface is up; services start and stop with their interface
//! orders       the target of a join, trials
//! state        the states of one interface
//! names        names of networks in texts
//! ```

mod client;
mod interfaces;
mod join;
mod lookup;
mod names;
mod orders;
mod scan;
mod setup;
mod softap;
mod state;
mod trial;
mod wlan;

pub use client::{ConnectError, OwnServers, Remote, Secure};
pub use interfaces::{Network, Service, TooManyServices};
pub use lookup::{LookupError, addresses_of, ping, resolve};
pub use names::{Printable, security_name};
pub use orders::{Purpose, Target, Trial, TrialError};
pub use setup::{rescue, run as keep_setup};
pub use softap::run as keep_softap;
pub use state::{JoinError, Status};
pub use wlan::run as keep_wlan;
