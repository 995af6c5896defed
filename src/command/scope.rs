//! Which scope a command line needs (`docs/extensions.md`). Front ends that know who their client is ask for it.

use super::line::Line;
use super::table;
use crate::access::scope::{Scope, Scopes, of_variable};
use crate::limits;
use crate::variable;

/// The scopes that an API token must have for a command line. A line that runs no command needs the least.
///
/// This is the command's own scope, but [`Scope::Admin`] where a lesser scope could raise itself: for setting a
/// variable that guards the device, and for writing a file whose name does so; `guarded` knows these names
/// ([`crate::access::guard::names`]). Saving the settings in a file also writes a file.
pub fn scopes_of(line: &[u8], guarded: impl Fn(&[u8]) -> bool) -> Scopes {
    let mut copy = heapless::Vec::<u8, { limits::COMMAND_LINE }>::from_slice(line).unwrap_or_default();
    let Ok(line) = Line::parse(&mut copy) else { return Scope::Read.into() };
    let Some(command) = line.get(0).and_then(table::find) else { return Scope::Read.into() };
    if command.name == "set" {
        let words: heapless::Vec<&[u8], { variable::LONGEST }> = line.words().skip(1).take(variable::LONGEST).collect();
        return variable::find_bytes(&words).map_or(command.scope, |(id, _)| of_variable(id.row())).into();
    }
    match command.scope {
        Scope::Read => Scope::Read.into(),
        _ if line.words().any(guarded) => Scope::Admin.into(),
        scope if command.name == "save" && line.get(1).is_some() => Scopes::of(&[scope, Scope::Files]),
        scope => scope.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(word: &[u8]) -> bool {
        word.ends_with(b"guarded.txt")
    }

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
            assert_eq!(scopes_of(line.as_bytes(), guarded), scope.into(), "{line}");
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
            "fcr guarded.txt 1",
            "fcr -o \\x67uarded.txt 1",
            "fde guarded.txt",
            "save guarded.txt",
            "hdo http://10.0.0.1/guarded.txt",
        ] {
            assert_eq!(scopes_of(line.as_bytes(), guarded), Scope::Admin.into(), "{line}");
        }
        assert_eq!(scopes_of(b"fst guarded.txt", guarded), Scope::Read.into());
        assert_eq!(scopes_of(b"save settings.txt", guarded), Scopes::of(&[Scope::Config, Scope::Files]));
    }
}
