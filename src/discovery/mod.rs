//! Names and services in the local network (interface, network 6): the device answers for its own, and finds those of
//! others.
//!
//! ```text
//! room       the sockets, and the one task that serves them
//! responder  multicast DNS: probing, announcing, answering, conflicts
//! records    what the device answers for
//! outgoing   messages of multicast DNS
//! llmnr      the name of one label, for Windows
//! netbios    the short name, for old Windows
//! ask        names of others
//! browse     services of others
//! ```

mod ask;
mod browse;
mod llmnr;
mod netbios;
mod outgoing;
mod records;
mod responder;
mod room;

pub use ask::is_local;
pub use browse::{BrowseError, Found};
pub use room::{Discovery, Identity, run};
