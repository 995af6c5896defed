//! The content of a message as it is sent: quoted-printable (RFC 2045, 6.7), so that every byte arrives whatever the
//! server supports and however long the lines are, with dots doubled for SMTP (RFC 5321, 4.5.2).

/// The longest line, without the `=` of a soft break.
const LINE: usize = 75;
/// The most output for one byte of content and the byte held back before it: twice a soft break and three characters.
pub const MOST: usize = 12;

/// What follows the content: the end of the last line and the dot.
const END: &[u8] = b"\r\n.\r\n";
/// The same after an unfinished line of the content.
const SOFT_END: &[u8] = b"=\r\n.\r\n";

/// Encodes a content that comes in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub struct Encoder {
    /// Characters in the present line.
    column: usize,
    /// A blank or CR, whose meaning the next byte decides.
    held: Option<u8>,
}

/// Where encoded bytes go; there is always room for [`MOST`].
struct Writer<'a> {
    out: &'a mut [u8],
    length: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let room = self.out.get_mut(self.length..).unwrap_or_default();
        let length = bytes.len().min(room.len());
        room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        self.length += length;
    }
}

impl Encoder {
    /// Encodes as much of `content` as fits into `out`; returns the bytes used and written. With room for [`MOST`], it
    /// always uses something.
    pub fn encode(&mut self, content: &[u8], out: &mut [u8]) -> (usize, usize) {
        let mut writer = Writer { out, length: 0 };
        let mut used = 0;
        for byte in content {
            if writer.out.len() - writer.length < MOST {
                break;
            }
            self.byte(*byte, &mut writer);
            used += 1;
        }
        (used, writer.length)
    }

    /// Ends the content and the message; returns the bytes written. `out` must have room for twice [`MOST`].
    pub fn end(&mut self, out: &mut [u8]) -> usize {
        let mut writer = Writer { out, length: 0 };
        if let Some(held) = self.held.take() {
            self.escape(held, &mut writer);
        }
        // A soft break adds nothing to the content.
        let end = if self.column > 0 { SOFT_END } else { END.get(2..).unwrap_or_default() };
        writer.put(end);
        writer.length
    }

    fn byte(&mut self, byte: u8, writer: &mut Writer<'_>) {
        match (self.held.take(), byte) {
            (Some(b'\r'), b'\n') => {
                writer.put(b"\r\n");
                self.column = 0;
                return;
            }
            // A blank at the end of a line could get lost.
            (Some(held), b'\r') => self.escape(held, writer),
            (Some(b'\r'), _) => self.escape(b'\r', writer),
            (Some(blank), _) => self.letter(blank, writer),
            (None, _) => {}
        }
        match byte {
            b' ' | b'\t' | b'\r' => self.held = Some(byte),
            b'=' | 0..=0x1F | 0x7F.. => self.escape(byte, writer),
            letter => self.letter(letter, writer),
        }
    }

    fn room(&mut self, letters: usize, writer: &mut Writer<'_>) {
        if self.column + letters > LINE {
            writer.put(b"=\r\n");
            self.column = 0;
        }
        self.column += letters;
    }

    fn escape(&mut self, byte: u8, writer: &mut Writer<'_>) {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        self.room(3, writer);
        writer.put(&[b'=', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }

    fn letter(&mut self, letter: u8, writer: &mut Writer<'_>) {
        self.room(1, writer);
        // A dot at the beginning of a line is doubled; the server removes it again.
        writer.put(if letter == b'.' && self.column == 1 { b".." } else { core::slice::from_ref(&letter) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// Encodes in pieces, into a small buffer.
    fn encoded(content: &[u8], piece: usize, room: usize) -> Vec<u8> {
        let (mut encoder, mut all) = (Encoder::default(), Vec::new());
        let mut out = std::vec![0; room];
        for mut part in content.chunks(piece) {
            while !part.is_empty() {
                let (used, written) = encoder.encode(part, &mut out);
                assert!(used > 0);
                all.extend_from_slice(&out[..written]);
                part = &part[used..];
            }
        }
        let mut out = [0; 2 * MOST];
        let written = encoder.end(&mut out);
        all.extend_from_slice(&out[..written]);
        all
    }

    /// Decodes as a server and a mail reader would.
    fn decoded(bytes: &[u8]) -> Vec<u8> {
        let text = std::str::from_utf8(bytes).unwrap();
        let mut content = Vec::new();
        if text == ".\r\n" {
            return content;
        }
        let text = text.strip_suffix("\r\n.\r\n").unwrap();
        for line in text.split("\r\n") {
            assert!(line.len() <= 77 && !line.contains(['\r', '\n']), "{line:?}");
            assert_ne!(line, ".");
            let line = line.strip_prefix('.').unwrap_or(line);
            assert!(line.len() <= 76 && !line.ends_with([' ', '\t']), "{line:?}");
            let (line, end) = line.strip_suffix('=').map_or((line, "\r\n"), |line| (line, ""));
            let mut rest = line.as_bytes();
            while let [first, tail @ ..] = rest {
                if *first == b'=' {
                    content.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
                    rest = &tail[2..];
                } else {
                    content.push(*first);
                    rest = tail;
                }
            }
            content.extend_from_slice(end.as_bytes());
        }
        content
    }

    #[test]
    fn golden_bytes() {
        for (content, expected) in [
            (&b""[..], &b".\r\n"[..]),
            (b"Hello World!\r\n", b"Hello World!\r\n.\r\n"),
            (b"Hello", b"Hello=\r\n.\r\n"),
            (b".\r\n..\r\na.b\r\n", b"..\r\n...\r\na.b\r\n.\r\n"),
            (b"a\nb\rc\r\r\n", b"a=0Ab=0Dc=0D\r\n.\r\n"),
            (b"a \r\n\t\r\n b\t", b"a=20\r\n=09\r\n b=09=\r\n.\r\n"),
            (b"1=1 \xC3\xBC\0\x7F\r\n", b"1=3D1 =C3=BC=00=7F\r\n.\r\n"),
            (b"\r\n.\r\nQUIT\r\n", b"\r\n..\r\nQUIT\r\n.\r\n"),
        ] {
            let bytes = encoded(content, 1000, 100);
            assert_eq!(bytes.escape_ascii().to_string(), expected.escape_ascii().to_string());
        }
        // A dot that a soft break puts at the beginning of a line.
        let bytes = encoded(&[b'.'; 151], 1000, 100);
        let line = ".".repeat(76) + "=\r\n";
        assert_eq!(std::str::from_utf8(&bytes).unwrap(), std::format!("{line}{line}..=\r\n.\r\n"));
    }

    proptest! {
        #[test]
        fn every_content_arrives_however_it_is_cut(
            content: Vec<u8>,
            piece in 1..50_usize,
            room in MOST..200,
        ) {
            let bytes = encoded(&content, piece, room);
            prop_assert_eq!(&bytes, &encoded(&content, 10_000, 10_000));
            prop_assert_eq!(decoded(&bytes), content);
        }

        #[test]
        fn texts_with_many_ends_of_lines_arrive(text in "[a.= \t\r\n]{0,300}") {
            let bytes = encoded(text.as_bytes(), 7, MOST);
            prop_assert!(decoded(&bytes) == text.as_bytes());
        }
    }
}
