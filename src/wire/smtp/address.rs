//! Senders and recipients of a message: `a@b` or `Name <a@b>` (RFC 5322, 3.4), limited to forms that every server
//! accepts.

/// An address, and perhaps a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mailbox<'a> {
    /// The display name, without quotes; may be empty.
    pub name: &'a str,
    /// `local@domain`.
    pub address: &'a str,
}

impl<'a> Mailbox<'a> {
    /// Reads a mailbox; `None` when it is invalid.
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim_matches(' ');
        let (name, address) = match text.strip_suffix('>') {
            Some(text) => text.rsplit_once('<')?,
            None => ("", text),
        };
        let name = unquoted(name.trim_matches(' '))?;
        (!name.chars().any(char::is_control) && is_address(address)).then_some(Self { name, address })
    }
}

fn unquoted(name: &str) -> Option<&str> {
    match name.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').filter(|name| !name.contains(['"', '\\'])),
        None => Some(name),
    }
}

/// The parts of a list of mailboxes, separated by commas outside of quotes.
pub fn list(text: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |character| {
        is_quoted ^= character == '"';
        character == ',' && !is_quoted
    })
}

/// Characters in a local part besides digits and letters (RFC 5322, 3.2.3).
const ATEXT: &[u8] = b"!#$%&'*+-/=?^_`{|}~";

/// Whether a text is an address: a local part of atoms with dots between them, and a domain or a dotted address in
/// brackets. Such addresses need neither quotes nor an SMTP extension.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_atom =
        |atom: &str| !atom.is_empty() && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || ATEXT.contains(&byte));
    text.len() <= 254 && local.len() <= 64 && local.split('.').all(is_atom) && is_domain(domain)
}

fn is_domain(text: &str) -> bool {
    if let Some(address) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<core::net::Ipv4Addr>().is_ok();
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mailboxes() {
        for (text, name, address) in [
            ("a@b", "", "a@b"),
            (" a.b+c@d.example ", "", "a.b+c@d.example"),
            ("Me <me@my.org>", "Me", "me@my.org"),
            ("<me@my.org>", "", "me@my.org"),
            ("\"Smith, J.\" <me@[10.0.0.1]>", "Smith, J.", "me@[10.0.0.1]"),
            ("K\u{e4}the <k@x>", "K\u{e4}the", "k@x"),
            ("O\"Neil <o@x>", "O\"Neil", "o@x"),
        ] {
            assert_eq!(Mailbox::parse(text), Some(Mailbox { name, address }), "{text}");
        }
        let long = std::format!("{}@b", "a".repeat(65));
        for text in [
            "",
            "a",
            "@b",
            "a@",
            "a@b@c",
            "a b@c",
            ".a@b",
            "a..b@c",
            "a@b..c",
            "a@-b",
            "a@b_c",
            "a@[1.2.3]",
            "a@b>",
            "<a@b",
            "Me <a@b> x",
            "Me a@b",
            "\"Me <a@b>",
            "a@b\r\nRCPT TO:<c@d>",
            "a\n@b",
            "M\re <a@b>",
            "M\u{85}e <a@b>",
            "k\u{e4}the@x",
            "a<b>@c",
            "\"a\"@b",
            &long,
        ] {
            assert_eq!(Mailbox::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn lists() {
        let parts = |text| list(text).collect::<std::vec::Vec<_>>();
        assert_eq!(parts("a@b, c@d"), ["a@b", " c@d"]);
        assert_eq!(parts("\"x, y\" <a@b>,c@d"), ["\"x, y\" <a@b>", "c@d"]);
        assert_eq!(parts("a@b,"), ["a@b", ""]);
        assert_eq!(parts(""), [""]);
    }

    proptest! {
        #[test]
        fn nothing_that_ends_a_command_gets_through(text: std::string::String) {
            for part in list(&text) {
                if let Some(Mailbox { name, address }) = Mailbox::parse(part) {
                    prop_assert!(address.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>,\"".contains(&byte)));
                    prop_assert!(!name.chars().any(char::is_control));
                }
            }
        }

        #[test]
        fn almost_addresses_are_survived(text in "[a-c@.<>\", \\[\\]1-]{0,24}") {
            for part in list(&text) {
                if let Some(mailbox) = Mailbox::parse(part) {
                    prop_assert!(is_address(mailbox.address));
                }
            }
        }
    }
}
