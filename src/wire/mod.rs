//! Codecs without I/O: from bytes to values, and back.

pub mod crc16;
pub mod date;
pub mod dhcp;
pub mod dns;
pub mod dns_sd;
pub mod http;
pub mod json;
pub mod nbns;
pub mod output;
pub mod percent;
pub mod smtp;
pub mod sntp;
pub mod span;
pub mod structured;
pub mod telnet;
pub mod url;
pub mod utf8;
pub mod websocket;
