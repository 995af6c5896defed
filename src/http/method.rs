//! Sets of methods, for the table of routes and the `Allow` field.

use core::fmt;

use crate::wire::http::request::Method;

/// The methods that a route supports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Methods(u8);

impl Methods {
    pub const NONE: Self = Self(0);
    pub const GET: Self = Self(1);
    pub const HEAD: Self = Self(2);
    pub const POST: Self = Self(4);
    /// Asks for something without changing anything.
    pub const READ: Self = Self::GET.and(Self::HEAD);
    /// Every method, unknown ones too.
    pub const ANY: Self = Self(0xFF);

    /// These and others.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a method is one of them.
    pub const fn contain(self, method: Method) -> bool {
        let bits = match method {
            Method::Get => Self::GET.0,
            Method::Head => Self::HEAD.0,
            Method::Post => Self::POST.0,
            Method::Options | Method::Other => 0x80,
        };
        self.0 & bits != 0
    }
}

/// The list of an `Allow` field.
impl fmt::Display for Methods {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [(Method::Get, "GET"), (Method::Head, "HEAD"), (Method::Post, "POST")];
        let mut known = names.iter().filter(|(method, _)| self.contain(*method));
        if let Some((_, first)) = known.next() {
            out.write_str(first)?;
        }
        known.try_for_each(|(_, name)| write!(out, ", {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        assert_eq!(std::format!("{}", Methods::READ), "GET, HEAD");
        assert_eq!(std::format!("{}", Methods::POST.and(Methods::GET)), "GET, POST");
        assert_eq!(std::format!("{}", Methods::NONE), "");
        assert!(Methods::ANY.contain(Method::Other) && !Methods::READ.contain(Method::Other));
    }
}
