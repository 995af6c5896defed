//! Percent-encoding (RFC 3986, section 2.1).

/// Decodes `%XX` in place and returns the new length. `None` for a broken escape: guessing would run a command that the
/// user did not give.
pub fn decode(bytes: &mut [u8]) -> Option<usize> {
    let Some(first) = bytes.iter().position(|byte| *byte == b'%') else { return Some(bytes.len()) };
    let (mut from, mut to) = (first, first);
    while let Some(&byte) = bytes.get(from) {
        let (value, taken) = match byte {
            b'%' => (hex_pair(bytes.get(from + 1..from + 3))?, 3),
            other => (other, 1),
        };
        if let Some(place) = bytes.get_mut(to) {
            *place = value;
        }
        to += 1;
        from += taken;
    }
    Some(to)
}

fn hex_pair(digits: Option<&[u8]>) -> Option<u8> {
    let [high, low] = digits? else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    #[test]
    fn escapes_are_decoded_in_place() {
        let decode = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            super::decode(&mut bytes).map(|length| bytes[..length].to_vec())
        };
        assert_eq!(decode("set%20wlan.ssid%20%22a+b%22").unwrap(), b"set wlan.ssid \"a+b\"");
        assert_eq!(decode("%c3%A4%00%25%2F/..//").unwrap(), b"\xc3\xa4\0%//..//");
        assert_eq!(decode("").unwrap(), b"");
        for broken in ["%", "a%2", "%zz", "%2x", "%%20", "%+1"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_decoded_without_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let before = bytes.len();
            prop_assert!(super::decode(&mut bytes).is_some_and(|length| length <= before) || bytes.contains(&b'%'));
        }
    }
}
