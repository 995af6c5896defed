//! The codecs of SMTP (RFC 5321, 5322).
//!
//! ```text
//! reply      what a server says
//! address    who a message is from and for
//! header     texts in the fields of a message
//! body       the content of a message, as it goes over the line
//! auth       proofs of who the client is
//! ```

pub mod address;
pub mod auth;
pub mod body;
pub mod header;
pub mod reply;
