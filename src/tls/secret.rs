//! Keys cannot be read out: which files may be written and used, but not read.

use crate::base::Base;
use crate::file::{Meta, kind};
use crate::variable::{Id, id};

/// The variables that name keys.
const KEYS: [Id; 3] = [id("network.tls.client_key"), id("network.tls.server_key"), id("http.server.tls_key")];

/// Whether a file is a key, by its type or because a variable for keys names it. Only the device itself reads it.
pub fn is_key(base: &Base, file: &Meta) -> bool {
    file.kind == kind::KEY || KEYS.iter().any(|id| base.variables.with(*id, |name| name == file.name.as_slice()))
}
