//! What a terminal's bytes mean: text, control codes, and escape sequences (ECMA-48 5.4 and 5.6, and what xterm, the
//! Linux console and rxvt send besides).

/// What one byte has completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Nothing, or something without a meaning here.
    None,
    /// A byte of text.
    Text(u8),
    /// The rubout key.
    Backspace,
    /// The key that removes what is under the cursor.
    Delete,
    /// The tabulator.
    Tab,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow to the right.
    Right,
    /// Arrow to the left.
    Left,
    /// To the start of the line.
    Home,
    /// To the end of the line.
    End,
    /// Another control code; the plain editor has no use for it.
    Control(u8),
}

const BELL: u8 = 0x07;
const CANCEL: u8 = 0x18;
const SUBSTITUTE: u8 = 0x1A;
const ESCAPE: u8 = 0x1B;

/// What the bytes so far are part of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// ESC, and intermediate bytes perhaps.
    Escape { plain: bool },
    /// CSI, or SS3, and the bytes after it.
    Sequence(Sequence),
    /// A string, up to ST or BEL; `escape`: ESC was the last byte.
    String { escape: bool },
    /// The byte that follows `CSI [`: a function key of the Linux console.
    Function,
}

/// A control sequence as far as it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sequence {
    /// SS3, not CSI.
    single: bool,
    /// The only parameter, when there is one.
    parameter: Option<u16>,
    /// It can still be a known one: digits only.
    plain: bool,
}

/// Reads keys byte by byte.
#[derive(Default)]
pub struct Keys(State);

impl Keys {
    /// With no sequence begun.
    pub const fn new() -> Self {
        Self(State::Text)
    }

    /// Drops a sequence that has begun: no sequence contains a line end.
    pub fn reset(&mut self) {
        self.0 = State::Text;
    }

    /// Takes one byte. Unknown sequences are ignored completely.
    pub fn byte(&mut self, byte: u8) -> Key {
        let state = core::mem::take(&mut self.0);
        match (state, byte) {
            (State::Text, _) => return self.text(byte),
            (State::String { escape: true }, b'\\') | (State::String { .. }, BELL) => {}
            (_, CANCEL | SUBSTITUTE) => {}
            (State::String { escape: false }, ESCAPE) => self.0 = State::String { escape: true },
            (State::String { escape: false }, _) => self.0 = state,
            (State::String { escape: true }, _) => return self.escape(true, byte),
            (_, ESCAPE) => self.0 = State::Escape { plain: true },
            // Other control codes do not break a sequence.
            (_, 0..=0x1F | 0x7F) => self.0 = self.after_control(state, byte),
            // No byte of a sequence: text again.
            (_, 0x80..) => return self.text(byte),
            (State::Escape { plain }, _) => return self.escape(plain, byte),
            (State::Sequence(sequence), _) => return self.sequence(sequence, byte),
            (State::Function, _) => {}
        }
        Key::None
    }

    /// ESC (Alt) before a rubout takes away the rubout's meaning.
    fn after_control(&self, state: State, byte: u8) -> State {
        match (state, byte) {
            (State::Escape { .. }, 0x7F) => State::Text,
            _ => state,
        }
    }

    fn text(&mut self, byte: u8) -> Key {
        match byte {
            ESCAPE => {
                self.0 = State::Escape { plain: true };
                Key::None
            }
            0x08 | 0x7F => Key::Backspace,
            b'\t' => Key::Tab,
            0..=0x1F => Key::Control(byte),
            _ => Key::Text(byte),
        }
    }

    /// The byte after ESC, or after its intermediate bytes.
    fn escape(&mut self, plain: bool, byte: u8) -> Key {
        let start = |single| State::Sequence(Sequence { single, parameter: None, plain: true });
        self.0 = match byte {
            ESCAPE => State::Escape { plain: true },
            0x20..=0x2F => State::Escape { plain: false },
            b'[' if plain => start(false),
            b'O' if plain => start(true),
            // OSC, DCS, SOS, PM, APC.
            b']' | b'P' | b'X' | b'^' | b'_' if plain => State::String { escape: false },
            _ => State::Text,
        };
        Key::None
    }

    fn sequence(&mut self, mut sequence: Sequence, byte: u8) -> Key {
        match byte {
            b'0'..=b'9' => {
                let parameter = sequence.parameter.unwrap_or(0);
                sequence.parameter = Some(parameter.saturating_mul(10).saturating_add(u16::from(byte - b'0')));
                self.0 = State::Sequence(sequence);
            }
            0x20..=0x3F => {
                sequence.plain = false;
                self.0 = State::Sequence(sequence);
            }
            b'[' if sequence == (Sequence { single: false, parameter: None, plain: true }) => self.0 = State::Function,
            _ if sequence.plain => return key(sequence.parameter.unwrap_or(0), byte),
            _ => {}
        }
        Key::None
    }
}

/// The key of a sequence with at most one parameter.
fn key(parameter: u16, last: u8) -> Key {
    match (parameter, last) {
        (0 | 1, b'A') => Key::Up,
        (0 | 1, b'B') => Key::Down,
        (0 | 1, b'C') => Key::Right,
        (0 | 1, b'D') => Key::Left,
        (0 | 1, b'H') | (1 | 7, b'~') => Key::Home,
        (0 | 1, b'F') | (4 | 8, b'~') => Key::End,
        (3, b'~') => Key::Delete,
        _ => Key::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> std::vec::Vec<Key> {
        let mut keys = Keys::new();
        bytes.iter().map(|byte| keys.byte(*byte)).filter(|key| *key != Key::None).collect()
    }

    #[test]
    fn the_editing_keys_of_common_terminals() {
        for (bytes, key) in [
            (&b"\x1b[A"[..], Key::Up),
            (b"\x1bOA", Key::Up),
            (b"\x1b[1B", Key::Down),
            (b"\x1b[D", Key::Left),
            (b"\x1bOC", Key::Right),
            (b"\x1b[H", Key::Home),
            (b"\x1b[1~", Key::Home),
            (b"\x1b[7~", Key::Home),
            (b"\x1bOF", Key::End),
            (b"\x1b[4~", Key::End),
            (b"\x1b[8~", Key::End),
            (b"\x1b[3~", Key::Delete),
            (b"\x08", Key::Backspace),
            (b"\x7f", Key::Backspace),
            (b"\x01", Key::Control(1)),
            (b"\x12", Key::Control(0x12)),
        ] {
            assert_eq!(read(bytes), [key], "{bytes:02x?}");
        }
    }

    #[test]
    fn unknown_sequences_are_ignored_whole() {
        for sequence in [
            &b"\x1b[1;5A"[..],
            b"\x1b[24;80R",
            b"\x1b[?1;2c",
            b"\x1b[>0;276;0c",
            b"\x1b[<0;10;20M",
            b"\x1b[200~",
            b"\x1b[13~",
            b"\x1b[23~",
            b"\x1b[33~",
            b"\x1b[3;5~",
            b"\x1b[5 q",
            b"\x1b[!p",
            b"\x1b[[A",
            b"\x1bO5A",
            b"\x1bOM",
            b"\x1b(B",
            b"\x1b#8",
            b"\x1b%G",
            b"\x1b7",
            b"\x1bx",
            b"\x1b\x7f",
            b"\x1b\x1b",
            b"\x1b]0;title\x07",
            b"\x1b]11;rgb:ff/ff/ff\x1b\\",
            b"\x1bP1$r0m\x1b\\",
            b"\x1b_app\x1b\\",
            b"\x1b^pm\x1b\\",
            b"\x1bXsos\x1b\\",
            b"\x1b[12\x18",
            b"\x1b]0;half\x1a",
            b"\x1b[1\x00\x01;5C",
        ] {
            let tail = if sequence == b"\x1b\x1b" { &b"[Ax"[..] } else { b"x" };
            let mut want = std::vec::Vec::from([Key::Text(b'x')]);
            if tail.len() > 1 {
                want.insert(0, Key::Up);
            }
            assert_eq!(read(&[sequence, tail].concat()), want, "{}", sequence.escape_ascii());
        }
    }

    #[test]
    fn a_sequence_that_breaks_off_takes_no_text_along() {
        assert_eq!(read(b"\x1b[1;\x1b[Ax"), [Key::Up, Key::Text(b'x')]);
        assert_eq!(read(b"\x1b]0;t\x1b[Ax"), [Key::Up, Key::Text(b'x')], "a string ends with any ESC");
        assert_eq!(read(b"\x1b[0[x"), [Key::Text(b'x')], "with a parameter, [ ends a sequence");
        assert_eq!(read("\x1bä".as_bytes()), [Key::Text(0xC3), Key::Text(0xA4)]);
        let mut keys = Keys::new();
        b"\x1b]never ended".iter().for_each(|byte| assert_eq!(keys.byte(*byte), Key::None));
        keys.reset();
        assert_eq!(keys.byte(b'v'), Key::Text(b'v'));
    }

    proptest! {
        /// ECMA-48 5.4: parameters, intermediates, final byte.
        #[test]
        fn control_sequences_print_nothing(
            parameters in "[0-9:;<=>?]{0,12}", intermediates in "[ -/]{0,4}", last in 0x40u8..=0x7E,
        ) {
            prop_assume!(!(parameters.is_empty() && intermediates.is_empty() && last == b'['));
            let bytes = [b"\x1b[", parameters.as_bytes(), intermediates.as_bytes(), &[last], b"x"].concat();
            let keys = read(&bytes);
            prop_assert_eq!(keys.last(), Some(&Key::Text(b'x')));
            prop_assert!(keys.len() <= 2, "{:?}", keys);
            let known = parameters.parse::<u8>().is_ok() || parameters.is_empty();
            prop_assert!(keys.len() == 1 || known && intermediates.is_empty());
            prop_assert!(!keys[..keys.len() - 1].iter().any(|key| matches!(key, Key::Text(_))));
        }
    }
}
