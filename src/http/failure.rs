//! Why an exchange ends without its answer.

use super::method::Methods;
use crate::access::scope::Scope;
use crate::wire::http::status::Status;

/// Why an exchange ends without its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The client gets this status instead.
    Status(Status),
    /// The target supports only these methods.
    Method(Methods),
    /// Name and password are missing or wrong.
    Unauthorized,
    /// The token does not have this scope.
    Forbidden(Scope),
    /// Too many wrong passwords came from this address: it must wait this number of seconds.
    Locked(u32),
    /// The target speaks WebSocket only.
    Upgrade,
    /// The client is gone, nobody can be answered.
    Gone,
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}
