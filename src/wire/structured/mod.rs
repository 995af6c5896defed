//! The structured protocol (`docs/structured-protocol.md`): CBOR messages in frames with a checksum.
//!
//! ```text
//! frame     COBS, checksum, the zero between two frames
//! message   what is in a frame, both ways
//! ```

pub mod frame;
pub mod message;

#[cfg(test)]
mod tests;
