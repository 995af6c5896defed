//! TLS above the port: which certificates and keys, what time it is, how long a handshake may take, and what is said of one
//! that failed (interface, network 5).
//!
//! ```text
//! identity     the device's own certificate, made at the first start of HTTPS
//! session      starting a session on a socket
//! files        certificates and keys out of files
//! request      a request for a certificate with the device's own key
//! refusal      the one table from failures to the documented codes
//! secret       which files never come out again
//! ```
//!
//! A session needs its files for one step, the start of the job that makes it: there is one buffer for all.

mod files;
mod identity;
mod refusal;
mod request;
mod secret;
mod session;

pub use files::{ClientFiles, ServerFiles};
pub use refusal::{Code, Refusal};
pub use request::NotMade;
pub use secret::is_key;
pub use session::{Buffer, Tls, no_files};
