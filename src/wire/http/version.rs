//! Versions (RFC 9110, section 2.5): a peer with a later minor version than 1.1 understands 1.1.

/// Changes HTTP/1.2 to 1.9 to 1.1 in the first line of a message, once that line is whole: a later minor version only
/// adds optional features.
pub fn serve_as_1_1(head: &mut [u8]) {
    const NAME: &[u8] = b"HTTP/1.";
    let Some(end) = head.iter().position(|byte| *byte == b'\n') else { return };
    let line = head.get(..end).unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    // The version is at the beginning of a status line, at the end of a request line.
    let at = if line.starts_with(NAME) {
        NAME.len()
    } else {
        match line.len().checked_sub(NAME.len() + 1) {
            Some(start) if line.get(start..).is_some_and(|rest| rest.starts_with(NAME)) => line.len() - 1,
            _ => return,
        }
    };
    if let Some(minor @ b'2'..=b'9') = head.get_mut(at) {
        *minor = b'1';
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn served(text: &str) -> std::string::String {
        let mut bytes = text.as_bytes().to_vec();
        serve_as_1_1(&mut bytes);
        std::string::String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn later_minor_versions_are_served_as_1_1() {
        for (from, to) in [
            ("GET / HTTP/1.2\r\n", "GET / HTTP/1.1\r\n"),
            ("GET / HTTP/1.9\r\nA: HTTP/1.2\r\n", "GET / HTTP/1.1\r\nA: HTTP/1.2\r\n"),
            ("HTTP/1.2 200 OK\r\n", "HTTP/1.1 200 OK\r\n"),
        ] {
            assert_eq!(served(from), to);
        }
        for same in [
            "GET / HTTP/1.0\r\n",
            "GET / HTTP/1.1\r\n",
            "GET / HTTP/2.0\r\n",
            "GET / HTTP/1.22\r\n",
            "GET / HTTP/1.2",
            "GET /HTTP/1.2 x\r\n",
            "\r\nGET / HTTP/1.2\r\n",
            "",
        ] {
            assert_eq!(served(same), same);
        }
    }

    proptest! {
        #[test]
        fn one_byte_changes_at_most(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut after = bytes.clone();
            serve_as_1_1(&mut after);
            prop_assert!(bytes.iter().zip(&after).filter(|(one, other)| one != other).count() <= 1);
        }
    }
}
