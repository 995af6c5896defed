//! Services that run on an interface while it is up.

mod auto_start;

pub use auto_start::AutoStart;
