//! TLS above the port: certificates and keys, the time for validity checks, the time limit of a handshake, and the
//! codes for a failed one (interface, network 5).
//!
//! ```text
//! identity     the device's own certificate, made at the first start of HTTPS
//! session      starting a session on a socket
//! files        certificates and keys from files
//! request      a request for a certificate with the device's own key
//! refusal      the one table from failures to the documented codes
//! secret       which files can never be read
//! ```
//!
//! A session needs its files for one step only, the start of its job: there is one buffer for all sessions.

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
