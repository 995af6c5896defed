//! The structured protocol on a line (`docs/structured-protocol.md`): messages in frames instead of text.
//!
//! No message waits in a queue: what to send is decided when the line can take a frame.
//!
//! ```text
//! session    what a message does; the one task's parts
//! send       which frame is next
//! requests   commands that run, and their answers
//! streams    which streams there are, and what moves
//! flow       one stream: offsets, credit, what is sent again
//! retry      when something is said again
//! news       interfaces and the log
//! ```

mod flow;
mod news;
mod requests;
mod retry;
mod send;
mod session;
mod streams;

pub use session::keep;
pub(super) use session::serve;

use crate::limits;
use crate::wire::structured::frame::encoded;
use crate::wire::structured::message::{OVERHEAD, SMALLEST};

/// Bytes of the longest frame.
const FRAME: usize = encoded(limits::STRUCTURED_FRAME);

/// The most bytes that a message carries besides its numbers, when the host takes payloads of `frame` bytes.
fn content(frame: u32) -> usize {
    let frame = if frame == 0 { limits::STRUCTURED_FRAME } else { (frame as usize).max(SMALLEST) };
    frame.min(limits::STRUCTURED_FRAME) - OVERHEAD
}

const _: () = assert!(limits::STRUCTURED_FRAME >= SMALLEST && limits::LOG_LINE + OVERHEAD <= SMALLEST);
