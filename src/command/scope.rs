//! Which scope a command line needs (`docs/extensions.md`). Front ends ask that know who their client is.

use super::line::Line;
use super::table;
use crate::access::scope::{Scope, of_variable};
use crate::limits;
use crate::variable;

/// The file that names what needs no password (HTTP reference 4).
pub const WHITELIST: &[u8] = b"http_whitelist.csv";

/// The scope that an API token must have for a command line. A line that runs no command needs the least.
///
/// The command's own scope, but [`Scope::Admin`] where a lesser one could make itself more than it is: setting a
/// variable that guards the device, and writing the file that names what needs no password.
pub fn scope_of(line: &[u8]) -> Scope {
    let mut copy = heapless::Vec::<u8, { limits::COMMAND_LINE }>::from_slice(line).unwrap_or_default();
    let Ok(line) = Line::parse(&mut copy) else { return Scope::Read };
    let Some(command) = line.get(0).and_then(table::find) else { return Scope::Read };
    if command.name == "set" {
        let words: heapless::Vec<&[u8], { variable::LONGEST }> = line.words().skip(1).take(variable::LONGEST).collect();
        return variable::find_bytes(&words).map_or(command.scope, |(id, _)| of_variable(id.row()));
    }
    let whitelist = || line.words().any(|word| word.windows(WHITELIST.len()).any(|part| part == WHITELIST));
    if command.scope != Scope::Read && whitelist() { Scope::Admin } else { command.scope }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_needs_what_its_command_needs() {
        for (line, scope) in [
            ("", Scope::Read),
            ("nonsense", Scope::Read),
            ("get \"open", Scope::Read),
            ("ver", Scope::Read),
            ("  get all", Scope::Read),
            ("write 0 5", Scope::Streams),
            ("\"stream_write\" 0 5", Scope::Streams),
            ("tc\\x70c 10.0.0.1 80", Scope::Streams),
            ("fcr a 5", Scope::Files),
            ("set wl s MyNet", Scope::Config),
            ("set nonsense 1", Scope::Config),
            ("set", Scope::Config),
            ("save", Scope::Config),
            ("load settings.txt", Scope::Admin),
            ("token_create a read", Scope::Admin),
        ] {
            assert_eq!(scope_of(line.as_bytes()), scope, "{line}");
        }
    }

    #[test]
    fn what_guards_the_device_needs_admin() {
        for line in [
            "set http.server.username \"\"",
            "set ht s u \"\"",
            "set ht s w x",
            "set http.server.unauthorized_filename key.pem",
            "set wl h 0",
            "set remote_terminal.enabled 1",
            "fcr http_whitelist.csv 1",
            "fcr -o http_\\x77hitelist.csv 1",
            "fde http_whitelist.csv",
            "save http_whitelist.csv",
            "hdo http://10.0.0.1/http_whitelist.csv",
        ] {
            assert_eq!(scope_of(line.as_bytes()), Scope::Admin, "{line}");
        }
        assert_eq!(scope_of(b"fst http_whitelist.csv"), Scope::Read);
    }
}
