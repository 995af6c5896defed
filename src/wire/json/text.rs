//! A JSON string that comes in pieces, as text or as base64, decoded in place.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::call::escape;
use crate::wire::utf8::Utf8;

/// Bytes of the longest escape: a surrogate pair.
const ESCAPE: usize = 12;

/// The text is not a JSON string, not UTF-8, or not the expected base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The progress of decoding in a buffer: decoded bytes end at `written`, undecoded bytes begin at `read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The end of the decoded bytes; at least [`Text::pending`] bytes before `read`.
    pub written: usize,
    /// The beginning of the undecoded bytes.
    pub read: usize,
    /// The closing quote has been read.
    pub ended: bool,
}

/// Decodes a string after its opening quote.
pub struct Text {
    is_base64: bool,
    /// Characters of an incomplete base64 group.
    group: [u8; 4],
    count: usize,
    /// The last group had padding.
    padded: bool,
    utf8: Utf8,
}

impl Text {
    /// A string before its first byte.
    pub fn new(is_base64: bool) -> Self {
        Self { is_base64, group: [0; 4], count: 0, padded: false, utf8: Utf8::default() }
    }

    /// Bytes that were read but not written yet: at least this many must lie between `written` and `read`.
    pub fn pending(&self) -> usize {
        self.count
    }

    /// Decodes as much as possible of the first `end` bytes of `buffer`.
    pub fn decode(&mut self, buffer: &mut [u8], mut place: Place, end: usize) -> Result<Place, Malformed> {
        while let Some(&byte) = buffer.get(place.read..end).and_then(<[u8]>::first) {
            let mut encoded = [byte, 0, 0, 0];
            let (taken, length) = match byte {
                b'"' => {
                    self.finish()?;
                    place.read += 1;
                    place.ended = true;
                    break;
                }
                b'\\' => {
                    let rest = buffer.get(place.read + 1..end).unwrap_or_default();
                    match escape(rest) {
                        Some((character, taken)) => (1 + taken, character.encode_utf8(&mut encoded).len()),
                        // The rest of the escape may follow.
                        None if rest.len() + 1 < ESCAPE => break,
                        None => return Err(Malformed),
                    }
                }
                0..b' ' => return Err(Malformed),
                _ => (1, 1),
            };
            place.read += taken;
            for byte in encoded.get(..length).unwrap_or_default() {
                place.written += self.put(*byte, buffer.get_mut(place.written..place.read).unwrap_or_default())?;
            }
        }
        Ok(place)
    }

    /// Takes one decoded byte; returns how many bytes were written.
    fn put(&mut self, byte: u8, out: &mut [u8]) -> Result<usize, Malformed> {
        if !self.is_base64 {
            *out.first_mut().ok_or(Malformed)? = byte;
            return if self.utf8.push(&[byte]) { Ok(1) } else { Err(Malformed) };
        }
        if self.padded {
            return Err(Malformed);
        }
        *self.group.get_mut(self.count).ok_or(Malformed)? = byte;
        self.count += 1;
        if self.count < self.group.len() {
            return Ok(0);
        }
        self.count = 0;
        self.padded = byte == b'=';
        let mut bytes = [0; 3];
        let length = STANDARD.decode_slice(self.group, &mut bytes).map_err(|_| Malformed)?;
        out.get_mut(..length).ok_or(Malformed)?.copy_from_slice(bytes.get(..length).unwrap_or_default());
        Ok(length)
    }

    fn finish(&mut self) -> Result<(), Malformed> {
        if self.count == 0 && self.utf8.end() { Ok(()) } else { Err(Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// The content, and the bytes after the closing quote.
    type Decoded = (Vec<u8>, Vec<u8>);

    /// Decodes a text that comes in pieces.
    fn decode(text: &[u8], is_base64: bool, piece: usize) -> Result<Option<Decoded>, Malformed> {
        let (mut buffer, mut end) = (std::vec![0; text.len()], 0);
        let (mut decoder, mut place) = (Text::new(is_base64), Place { written: 0, read: 0, ended: false });
        for part in text.chunks(piece) {
            buffer[end..end + part.len()].copy_from_slice(part);
            end += part.len();
            if !place.ended {
                place = decoder.decode(&mut buffer, place, end)?;
                assert!(place.written <= place.read && place.read <= end);
            }
        }
        Ok(place.ended.then(|| (buffer[..place.written].to_vec(), buffer[place.read..].to_vec())))
    }

    #[test]
    fn texts_however_they_are_cut() {
        let text = br#"a\"\\\/\n\u00e4\ud83d\ude00z\u0000", "x":1}"#;
        let base64 = br#"SGVs\u0062G8\u003d"}"#;
        for piece in 1..text.len() {
            let expected = ("a\"\\/\n\u{e4}\u{1f600}z\0".as_bytes().to_vec(), b", \"x\":1}".to_vec());
            assert_eq!(decode(text, false, piece), Ok(Some(expected)), "{piece}");
            assert_eq!(decode(base64, true, piece), Ok(Some((b"Hello".to_vec(), b"}".to_vec()))), "{piece}");
        }
        assert_eq!(decode(b"abc", false, 1), Ok(None));
        assert_eq!(decode(b"\"", true, 1), Ok(Some((Vec::new(), Vec::new()))));
    }

    #[test]
    fn broken_texts() {
        for text in [r#"\x41      .........""#, r#"\ud800      ........""#, "a\nb\"", "\u{1}\""] {
            assert_eq!(decode(text.as_bytes(), false, 3), Err(Malformed), "{text:?}");
        }
        assert_eq!(decode(b"\xff\"", false, 1), Err(Malformed));
        assert_eq!(decode(b"\xc3\"", false, 1), Err(Malformed));
        for text in ["a\"", "aGVsc\"", "aG==aG==\"", "aGVs cCBj\"", "=\"", "aGV=scCB\""] {
            assert_eq!(decode(text.as_bytes(), true, 1), Err(Malformed), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(data in prop::collection::vec(any::<u8>(), 0..300), piece in 1usize..50) {
            let mut text = std::vec![0; data.len().div_ceil(3) * 4 + 1];
            let length = STANDARD.encode_slice(&data, &mut text).unwrap();
            text[length] = b'"';
            prop_assert_eq!(decode(&text, true, piece).unwrap().unwrap().0, data);
        }

        #[test]
        fn any_text_is_read_without_panic(text in r#"(\\|u|d8|3c|0|"|/|n|ä|=|A){0,30}"#, piece in 1usize..9, is_base64: bool) {
            let _ = decode(text.as_bytes(), is_base64, piece);
        }
    }
}
