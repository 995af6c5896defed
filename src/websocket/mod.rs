//! WebSockets that are open (RFC 6455): what the device does as a server and as a client. How they are opened is the matter
//! of `http` and of `http_client`.
//!
//! ```text
//! session      moves the bytes between a socket and the stream, up to the end
//! outbox       what is to be sent between two messages; pings
//! ```

mod outbox;
mod session;

pub use outbox::{Outbox, keep_alive};
pub use session::{CLOSE_TIME, End, Session, Side};
