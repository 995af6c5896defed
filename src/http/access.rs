//! What a client may do.

use super::failure::Failure;
use crate::access::scope::{Scope, Scopes};
use crate::command::Asker;

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// What a token allows.
    Token(Scopes),
    /// Everything: it has given the right password, or there is none.
    Full,
    /// What needs no password.
    Public,
}

impl Access {
    /// The [`Asker`] that commands see for the client.
    pub fn asker(self) -> Asker {
        match self {
            Self::Full => Asker::Http,
            Self::Token(scopes) if scopes.allow(Scope::Admin) => Asker::Http,
            Self::Token(_) | Self::Public => Asker::Guest,
        }
    }

    /// Whether the client may read every file that the server serves; otherwise the refusal.
    pub fn reads_files(self) -> Result<(), Failure> {
        match self {
            Self::Full => Ok(()),
            Self::Token(scopes) if scopes.allow(Scope::Read) || scopes.allow(Scope::Files) => Ok(()),
            Self::Token(_) => Err(Failure::Forbidden(Scope::Files)),
            Self::Public => Err(Failure::Unauthorized),
        }
    }
}
