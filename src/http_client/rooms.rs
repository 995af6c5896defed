//! The rooms that the HTTP client uses.

use crate::base::Base;
use crate::file::Files;
use crate::network::Network;
use crate::stream::Streams;
use crate::tls::Tls;

/// The rooms that the HTTP client uses.
#[derive(Clone, Copy)]
pub(super) struct Rooms {
    pub base: &'static Base,
    pub network: &'static Network,
    pub streams: &'static Streams,
    pub files: &'static Files,
    pub tls: &'static Tls,
}
