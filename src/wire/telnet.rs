//! Telnet (RFC 854) for a device that uses no options: it refuses all requests and offers of a client, and never asks
//! for anything.

/// The byte before every command of the protocol; as data, it is sent twice.
pub const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
/// The beginning and the end of a subnegotiation.
const SB: u8 = 250;
const SE: u8 = 240;
/// The lowest byte that is a command after an [`IAC`].
const FIRST: u8 = SE;
/// Break, and "interrupt process".
const BRK: u8 = 243;
const IP: u8 = 244;

/// The result of one byte from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Nothing,
    /// A byte of data.
    Data(u8),
    /// Two bytes of data, of which the first is an [`IAC`] that was not sent twice: the client does not speak Telnet.
    Stray(u8),
    /// The client wants to interrupt the running command.
    Interrupt,
    /// An answer for the client.
    Answer([u8; 3]),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Data,
    /// After a CR: a NUL belongs to it.
    Return,
    /// After an [`IAC`].
    Command,
    /// After one of the four option verbs.
    Option(u8),
    /// In a subnegotiation.
    Inside,
    /// After an [`IAC`] in a subnegotiation.
    InsideCommand,
}

/// Reads the bytes of a client, one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Telnet {
    state: State,
    spoken: bool,
}

impl Telnet {
    /// Whether the client has shown that it speaks Telnet, by a command of the protocol. Many clients send lines
    /// without knowing Telnet: for them, no byte may be doubled, and a NUL after a CR may be data.
    pub fn is_spoken(&self) -> bool {
        self.spoken
    }

    /// Takes one byte.
    pub fn byte(&mut self, byte: u8) -> Step {
        let (state, step) = match (self.state, byte) {
            (State::Return, 0) if self.spoken => (State::Data, Step::Nothing),
            (State::Data | State::Return, IAC) => (State::Command, Step::Nothing),
            (State::Data | State::Return, b'\r') => (State::Return, Step::Data(b'\r')),
            (State::Data | State::Return, byte) => (State::Data, Step::Data(byte)),
            (State::Command, IAC) => (State::Data, Step::Data(IAC)),
            (State::Command, verb @ WILL..=DONT) => (State::Option(verb), Step::Nothing),
            (State::Command, SB) => (State::Inside, Step::Nothing),
            (State::Command, IP | BRK) => (State::Data, Step::Interrupt),
            (State::Command, FIRST..) => (State::Data, Step::Nothing),
            (State::Command, byte) => (State::Data, Step::Stray(byte)),
            (State::Option(verb), option) => (State::Data, refuse(verb, option)),
            (State::Inside, IAC) => (State::InsideCommand, Step::Nothing),
            (State::InsideCommand, SE) => (State::Data, Step::Nothing),
            (State::Inside | State::InsideCommand, _) => (State::Inside, Step::Nothing),
        };
        self.spoken |= self.state == State::Command && (FIRST..IAC).contains(&byte);
        self.state = state;
        step
    }
}

/// The refusal of a verb. WONT and DONT change nothing and get no answer, so that two sides that refuse each other do
/// not loop for ever.
fn refuse(verb: u8, option: u8) -> Step {
    match verb {
        DO => Step::Answer([IAC, WONT, option]),
        WILL => Step::Answer([IAC, DONT, option]),
        _ => Step::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// The data of a client, and the answers to it. An interrupt is shown as Ctrl-C.
    fn read(telnet: &mut Telnet, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (mut data, mut answers) = (Vec::new(), Vec::new());
        for byte in bytes {
            match telnet.byte(*byte) {
                Step::Nothing => {}
                Step::Data(byte) => data.push(byte),
                Step::Stray(byte) => data.extend([IAC, byte]),
                Step::Interrupt => data.push(3),
                Step::Answer(answer) => answers.extend(answer),
            }
        }
        (data, answers)
    }

    /// The bytes that the clients of inetutils and PuTTY send when they negotiate actively, followed by a line.
    const ACTIVE: &[(&[u8], &[u8])] = &[
        // DO SGA, WILL TTYPE, WILL NAWS, WILL TSPEED, WILL LFLOW, WILL LINEMODE, WILL NEW-ENVIRON, DO STATUS.
        (
            b"\xff\xfd\x03\xff\xfb\x18\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x21\xff\xfb\x22\xff\xfb\x27\xff\xfd\x05ver\r\0",
            b"\xff\xfc\x03\xff\xfe\x18\xff\xfe\x1f\xff\xfe\x20\xff\xfe\x21\xff\xfe\x22\xff\xfe\x27\xff\xfc\x05",
        ),
        // WILL NAWS, WILL TSPEED, WILL TTYPE, WILL NEW-ENVIRON, DO ECHO, WILL SGA, DO SGA; then the size of the window.
        (
            b"\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x18\xff\xfb\x27\xff\xfd\x01\xff\xfb\x03\xff\xfd\x03\xff\xfa\x1f\x00\x50\x00\xff\xff\xff\xf0ver\r\0",
            b"\xff\xfe\x1f\xff\xfe\x20\xff\xfe\x18\xff\xfe\x27\xff\xfc\x01\xff\xfe\x03\xff\xfc\x03",
        ),
    ];

    #[test]
    fn negotiation_is_refused_and_leaves_no_data() {
        for (bytes, answers) in ACTIVE {
            let mut telnet = Telnet::default();
            assert_eq!(read(&mut telnet, bytes), (b"ver\r".to_vec(), answers.to_vec()));
            assert!(telnet.is_spoken());
        }
    }

    #[test]
    fn refusals_have_no_answer() {
        assert_eq!(read(&mut Telnet::default(), b"\xff\xfc\x01\xff\xfe\x03x"), (b"x".to_vec(), b"".to_vec()));
    }

    #[test]
    fn commands_without_an_option() {
        for (bytes, data) in [
            (&b"a\xff\xf4b"[..], &b"a\x03b"[..]),
            (b"a\xff\xf3", b"a\x03"),
            // Data mark, no operation, "are you there", "go ahead", an end of a subnegotiation that was not begun.
            (b"\xff\xf2\xff\xf1\xff\xf6\xff\xf9\xff\xf0a", b"a"),
            (b"\xff\xff", b"\xff"),
            // A subnegotiation may contain an escaped IAC, and a command that does not end it.
            (b"\xff\xfa\x18\xff\xff\xff\xf1x\xff\xf0y", b"y"),
            // The end of a line in both forms; a NUL elsewhere is data.
            (b"\xff\xf1a\r\0b\r\n\0", b"a\rb\r\n\0"),
        ] {
            assert_eq!(read(&mut Telnet::default(), bytes).0, data, "{bytes:?}");
        }
    }

    #[test]
    fn who_does_not_speak_it_is_not_touched() {
        let mut telnet = Telnet::default();
        assert_eq!(read(&mut telnet, b"\r\0a\xffb\xff\x00").0, b"\r\0a\xffb\xff\x00");
        assert!(!telnet.is_spoken());
    }

    proptest! {
        #[test]
        fn data_sent_as_telnet_has_it_arrive(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut sent = b"\xff\xf1".to_vec();
            for byte in &data {
                sent.push(*byte);
                match byte {
                    &IAC => sent.push(IAC),
                    b'\r' => sent.push(0),
                    _ => {}
                }
            }
            prop_assert_eq!(read(&mut Telnet::default(), &sent), (data, Vec::new()));
        }

        #[test]
        fn the_place_where_bytes_are_split_does_not_matter(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let whole = read(&mut Telnet::default(), &bytes);
            for at in 0..=bytes.len() {
                let mut telnet = Telnet::default();
                let (mut data, mut answers) = read(&mut telnet, &bytes[..at]);
                let rest = read(&mut telnet, &bytes[at..]);
                data.extend(rest.0);
                answers.extend(rest.1);
                prop_assert_eq!((&data, &answers), (&whole.0, &whole.1));
            }
        }
    }
}
