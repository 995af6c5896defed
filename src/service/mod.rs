//! Services that run on an interface while it is up.
//!
//! ```text
//! auto_connect  clients that open by themselves
//! auto_start    TCP and UDP servers that start by themselves
//! broadcast     the device announces itself
//! dhcp_server   addresses for the stations of the soft AP
//! dns_server    names for them
//! leases        the address leases
//! datagrams     code that the two servers share
//! names         names and services of the device in the local network
//! ntp           the clock
//! smtp          mail
//! silenced      time servers that want fewer requests or none
//! ```

mod auto_connect;
mod auto_start;
mod broadcast;
mod datagrams;
mod dhcp_server;
mod dns_server;
mod leases;
mod names;
mod ntp;
mod silenced;
mod smtp;

pub use auto_connect::{AutoConnect, run as keep_connected};
pub use auto_start::AutoStart;
pub use broadcast::{Broadcast, run as announce};
pub use dhcp_server::{DhcpServer, run as serve_dhcp};
pub use dns_server::{DnsServer, run as serve_dns};
pub use names::Names;
pub use ntp::{Ntp, run as keep_time};
pub use smtp::{Desk, Mail, NotSent, Session, Smtp};
