//! Files that guard the device, known by their name: a client that may write one could give itself more rights.

use crate::base::Base;
use crate::variable::{Id, ValueKind};

/// The list of calls that need no password (interface, http 4).
pub const WHITELIST: &[u8] = b"http_whitelist.csv";

/// The certificate that the device makes for its HTTPS server, in DER.
pub const HTTPS_CERT: &[u8] = b"https_cert.der";
/// Its key, in DER.
pub const HTTPS_KEY: &[u8] = b"https_key.der";

/// Settings that an update or a factory reset applies by itself (interface, variables 1.6).
const DEFAULTS: &[u8] = b"default_config.csv";

/// Whether a word of a command line names such a file: one of those above, or one that a guarded variable names
/// (`http.server.unauthorized_filename`). The word may also be the URL of a download, which is stored under the last
/// part of its path.
pub fn names(base: &Base, word: &[u8]) -> bool {
    let path = word.split(|byte| b"?#".contains(byte)).next().unwrap_or_default();
    let last = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let is = |name: &[u8]| !name.is_empty() && (word == name || last == name);
    let pointed = |id: Id| base.variables.with(id, is);
    is(WHITELIST) || is(DEFAULTS) || is(HTTPS_CERT) || is(HTTPS_KEY) || guarded_files().any(pointed)
}

/// The guarded variables that hold the name of a file.
fn guarded_files() -> impl Iterator<Item = Id> {
    Id::all().filter(|id| {
        let row = id.row();
        row.guarded && matches!(row.kind, ValueKind::File)
    })
}
