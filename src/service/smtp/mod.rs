//! Mail (interface, network 9; RFC 5321): one message at a time, to the server of `email.smtp.*`.
//!
//! ```text
//! dialogue   the dialogue with a server, step by step
//! session    the content of a message
//! mail       what a message needs besides it
//! link       the connection: receives lines, sends bytes
//! failure    why a message was not sent, in words
//! ```
//!
//! A message begins ([`Smtp::begin`]) with everything up to its content; the content is written in pieces
//! ([`Session::write`]); only its end ([`Session::end`]) makes the server accept the message. A session that is dropped
//! earlier leaves nothing at the server.

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
