//! What an API token lets its owner do (`docs/extensions.md`). Commands name the scope they need in their table.

use core::fmt;

use crate::variable::Variable;

/// One group of rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Look: variables, listings, the log, metrics. Changes nothing.
    Read,
    /// Move data through streams, connections and pins.
    Streams,
    /// Create, read and delete files.
    Files,
    /// Set and save variables, restart the network or the device.
    Config,
    /// Everything: tokens, credentials, updates, erasing. Includes the other scopes.
    Admin,
}

impl Scope {
    /// Every scope, in the order in which they are listed.
    pub const ALL: [Self; 5] = [Self::Read, Self::Streams, Self::Files, Self::Config, Self::Admin];

    /// The name of the scope.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Streams => "streams",
            Self::Files => "files",
            Self::Config => "config",
            Self::Admin => "admin",
        }
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Everything: the rights of the owner, who is at the serial line or knows the password.
    pub const OWNER: Self = Self::of(&[Scope::Admin]);

    /// These scopes.
    pub const fn of(scopes: &[Scope]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < scopes.len() {
            bits |= 1 << scopes[at] as u8;
            at += 1;
        }
        Self(bits)
    }

    /// Reads words separated by commas. `None` when a word is unknown, or the list is empty.
    pub fn parse(list: &[u8]) -> Option<Self> {
        let scope = |word| Scope::ALL.into_iter().find(|scope: &Scope| scope.name().as_bytes() == word);
        list.split(|byte| *byte == b',').try_fold(Self(0), |sum, word| Some(Self(sum.0 | Self::of(&[scope(word)?]).0)))
    }

    /// The first of the needed scopes that is not granted; [`Scope::Admin`] grants all.
    pub fn missing(self, needed: Self) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| needed.0 & 1 << *scope as u8 != 0 && !self.allow(*scope))
    }

    /// Whether this scope is granted; [`Scope::Admin`] grants all.
    pub const fn allow(self, scope: Scope) -> bool {
        self.0 & Self::of(&[scope, Scope::Admin]).0 != 0
    }
}

impl From<Scope> for Scopes {
    fn from(scope: Scope) -> Self {
        Self::of(&[scope])
    }
}

/// The scope needed to set a variable: [`Scope::Admin`] for one that guards the device.
pub const fn of_variable(row: &Variable) -> Scope {
    if row.guarded { Scope::Admin } else { Scope::Config }
}

impl fmt::Display for Scopes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let granted = Scope::ALL.into_iter().filter(|scope| self.0 & Self::of(&[*scope]).0 != 0);
        for (at, scope) in granted.enumerate() {
            write!(out, "{}{}", if at > 0 { "," } else { "" }, scope.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_written() {
        for list in ["read", "read,streams", "files,config", "read,streams,files,config,admin"] {
            assert_eq!(std::format!("{}", Scopes::parse(list.as_bytes()).unwrap()), list);
        }
        assert_eq!(Scopes::parse(b"streams,read,read"), Scopes::parse(b"read,streams"));
        for list in ["", "all", "read,", ",read", "read, files", "Read", "read files"] {
            assert_eq!(Scopes::parse(list.as_bytes()), None, "{list}");
        }
    }

    #[test]
    fn the_first_scope_that_is_missing_is_named() {
        let needed = Scopes::of(&[Scope::Config, Scope::Files]);
        for (granted, missing) in [
            (&[Scope::Config][..], Some(Scope::Files)),
            (&[Scope::Files], Some(Scope::Config)),
            (&[Scope::Read, Scope::Streams], Some(Scope::Files)),
            (&[Scope::Files, Scope::Config], None),
            (&[Scope::Admin], None),
        ] {
            assert_eq!(Scopes::of(granted).missing(needed), missing, "{granted:?}");
        }
    }

    #[test]
    fn only_admin_includes_the_others() {
        for granted in Scope::ALL {
            for wanted in Scope::ALL {
                let allowed = granted == wanted || granted == Scope::Admin;
                assert_eq!(Scopes::of(&[granted]).allow(wanted), allowed, "{granted:?} {wanted:?}");
            }
        }
        assert!(!Scopes::default().allow(Scope::Read));
    }
}
