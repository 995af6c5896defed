//! Mail (interface, network 9; RFC 5321): one message at a time, to the server of `email.smtp.*`.
//!
//! ```text
//! dialogue   what is said to a server, step by step
//! session    the content of a message
//! mail       what a message needs beside it
//! link       the connection, lines that come and bytes that go
//! failure    why a message was not sent, in words
//! ```
//!
//! A message begins ([`Smtp::begin`]) with everything up to its content; the content is written in pieces
//! ([`Session::write`]); only its end ([`Session::end`]) makes the server take it. A session that is dropped before leaves
//! nothing at the server.

mod dialogue;
mod failure;
mod link;
mod mail;
mod session;

pub use dialogue::Smtp;
pub use failure::NotSent;
pub use link::Desk;
pub use mail::Mail;
pub use session::Session;
