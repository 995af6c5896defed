//! Codecs without I/O: bytes in, values out, and back.

pub mod crc16;
pub mod websocket;
