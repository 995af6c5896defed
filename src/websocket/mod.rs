//! Open WebSockets (RFC 6455), for the device as server and as client. `http` and `http_client` open them.
//!
//! ```text
//! session      moves the bytes between a socket and the stream, up to the end
//! outbox       control frames to send between two messages; pings
//! ```

mod outbox;
mod session;

pub use outbox::{Outbox, keep_alive};
pub use session::{CLOSE_TIME, End, Session, Side};
