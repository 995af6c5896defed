//! Replies of a server: lines with a code and a text (RFC 5321, 4.2).

/// One line of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The code, 200 to 599.
    pub code: u16,
    /// It is the last line of its reply.
    pub is_last: bool,
    /// The text after the code.
    pub text: &'a [u8],
}

/// An invalid reply line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl<'a> Line<'a> {
    /// Reads the first line, and returns it with its length in bytes; `None` when it is incomplete. A CR before the LF
    /// may be missing.
    pub fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, Malformed> {
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        let line = bytes.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (digits, rest) = line.split_first_chunk::<3>().ok_or(Malformed)?;
        let (is_last, text) = match rest {
            [] => (true, rest),
            [b' ', text @ ..] => (true, text),
            [b'-', text @ ..] => (false, text),
            _ => return Err(Malformed),
        };
        Ok(Some((Self { code: code(*digits)?, is_last, text }, end + 1)))
    }
}

fn code(digits: [u8; 3]) -> Result<u16, Malformed> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(Malformed);
    }
    let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    if (200..=599).contains(&code) { Ok(code) } else { Err(Malformed) }
}

/// The offers in a server's reply to `EHLO` that the device uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// TLS on this connection (RFC 3207).
    pub starttls: bool,
    /// `AUTH PLAIN` (RFC 4616).
    pub plain: bool,
    /// `AUTH LOGIN`.
    pub login: bool,
    /// `AUTH CRAM-MD5` (RFC 2195).
    pub cram_md5: bool,
    /// Bytes of the largest message (RFC 1870), if the server announces it.
    pub size: Option<u32>,
}

impl Offers {
    /// Records the text of one line.
    pub fn note(&mut self, text: &[u8]) {
        let mut words = text.split(|byte| matches!(byte, b' ' | b'=' | b'\t')).filter(|word| !word.is_empty());
        match words.next() {
            Some(word) if word.eq_ignore_ascii_case(b"STARTTLS") => self.starttls = true,
            // Old servers write `AUTH=LOGIN`.
            Some(word) if word.eq_ignore_ascii_case(b"AUTH") => words.for_each(|mechanism| self.mechanism(mechanism)),
            Some(word) if word.eq_ignore_ascii_case(b"SIZE") => {
                let size =
                    words.next().and_then(|word| core::str::from_utf8(word).ok()).and_then(|word| word.parse().ok());
                // 0 is no limit.
                self.size = size.filter(|size| *size > 0);
            }
            _ => {}
        }
    }

    fn mechanism(&mut self, name: &[u8]) {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        self.plain |= is(b"PLAIN");
        self.login |= is(b"LOGIN");
        self.cram_md5 |= is(b"CRAM-MD5");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(code: u16, is_last: bool, text: &[u8]) -> Line<'_> {
        Line { code, is_last, text }
    }

    #[test]
    fn lines() {
        for (bytes, expected, used) in [
            (&b"220 mail.example ESMTP\r\nrest"[..], line(220, true, b"mail.example ESMTP"), 24),
            (b"250-PIPELINING\r\n", line(250, false, b"PIPELINING"), 16),
            (b"250\r\n", line(250, true, b""), 5),
            (b"354 \n", line(354, true, b""), 5),
            (b"599 \xFF\0\r\r\n", line(599, true, b"\xFF\0\r"), 9),
        ] {
            assert_eq!(Line::read(bytes), Ok(Some((expected, used))), "{bytes:?}");
        }
        for bytes in [&b""[..], b"2", b"250 OK", b"250 OK\r"] {
            assert_eq!(Line::read(bytes), Ok(None), "{bytes:?}");
        }
        for bytes in [
            &b"\r\n"[..],
            b"25\n",
            b"25x OK\n",
            b"250_OK\n",
            b"250\tOK\n",
            b"199 OK\n",
            b"600 OK\n",
            b"+OK\n",
            b" 250 OK\n",
        ] {
            assert_eq!(Line::read(bytes), Err(Malformed), "{bytes:?}");
        }
    }

    #[test]
    fn offers() {
        let mut offers = Offers::default();
        for text in
            [&b"mail.example greets you"[..], b"starttls", b"AUTH login PLAIN XOAUTH2", b"SIZE 35882577", b"", b"AUTH="]
        {
            offers.note(text);
        }
        let expected = Offers { starttls: true, plain: true, login: true, cram_md5: false, size: Some(35_882_577) };
        assert_eq!(offers, expected);
        let mut offers = Offers::default();
        for text in [&b"AUTH=CRAM-MD5 NTLM"[..], b"SIZE 0", b"STARTTLSX", b"SIZE 99999999999999"] {
            offers.note(text);
        }
        assert_eq!(offers, Offers { cram_md5: true, ..Offers::default() });
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: std::vec::Vec<u8>) {
            Offers::default().note(&bytes);
            if let Ok(Some((line, used))) = Line::read(&bytes) {
                prop_assert!(used <= bytes.len() && line.text.len() + 4 <= used && !line.text.contains(&b'\n'));
            }
        }
    }
}
