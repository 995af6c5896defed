//! What the values of two variables are made of: names of variables, and the tags of event messages.

use super::table::rows;

/// The tags of a template: `@t` the time, `@h` the handle of a stream, `@m` the MAC of a station, `@@` an `@`.
const TAGS: &[u8] = b"thm@";

/// Whether a text is a template: one of the tags follows each `@`.
pub(super) fn is_template(text: &[u8]) -> bool {
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        if *byte == b'@' && !bytes.next().is_some_and(|tag| TAGS.contains(tag)) {
            return false;
        }
    }
    true
}

/// Whether a name is that of the variable or of its group: `uart` covers `uart.baud`.
pub(super) fn covers(name: &[u8], variable: &str) -> bool {
    let rest = variable.as_bytes().strip_prefix(name).filter(|_| !name.is_empty());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"."))
}

/// Whether a variable or a group has this name.
pub(super) fn is_name(name: &[u8]) -> bool {
    rows().iter().any(|row| covers(name, row.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_end_at_a_dot() {
        assert!(covers(b"uart", "uart.baud") && covers(b"uart.baud", "uart.baud"));
        assert!(!covers(b"uart.ba", "uart.baud") && !covers(b"", "uart.baud") && !covers(b"uart.baud.x", "uart.baud"));
        assert!(is_name(b"tcp.client") && is_name(b"wlan.ssid") && !is_name(b"wl s") && !is_name(b"nothing"));
    }

    #[test]
    fn tags_are_of_a_fixed_set() {
        for text in [&b""[..], b"plain", b"@t@h@m@@", b"\xff@h", b"%s%n"] {
            assert!(is_template(text), "{text:?}");
        }
        for text in [&b"@"[..], b"@x", b"a@", b"@@@", b"@\xff"] {
            assert!(!is_template(text), "{text:?}");
        }
    }
}
