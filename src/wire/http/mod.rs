//! HTTP/1.1: heads, framing of bodies, conditions and ranges, status codes (RFC 9110, RFC 9112).

pub mod body;
pub mod conditions;
pub mod mime;
pub mod request;
pub mod response;
pub mod status;
pub mod version;
