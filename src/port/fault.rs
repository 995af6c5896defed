//! Faults: what ends a run of the device unasked.

use core::fmt::{self, Write};

use heapless::String;

/// Bytes of the text that says where a fault was.
pub const PLACE: usize = 24;

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FaultKind {
    /// Something else.
    Other = 0,
    /// The processor could not go on: a wrong address or instruction.
    Hard = 1,
    /// A stack was too small.
    Stack = 2,
    /// The firmware detected an impossible state.
    Panic = 3,
    /// The watchdog was not fed in time.
    Watchdog = 4,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Other, Self::Hard, Self::Stack, Self::Panic, Self::Watchdog];

    /// The kind with this number; an unknown number is [`Self::Other`].
    pub fn of(number: u8) -> Self {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number).unwrap_or(Self::Other)
    }

    /// Its name in lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Other => "Unknown Exception",
            Self::Hard => "Hard Fault Exception",
            Self::Stack => "Stack Overflow",
            Self::Panic => "Panic",
            Self::Watchdog => "Watchdog Reset",
        }
    }
}

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its kind.
    pub kind: FaultKind,
    /// Where it was, as far as the port knows: an address, a line of the source, a signal.
    pub place: String<PLACE>,
}

impl Fault {
    /// A fault at a place; of a text that is too long, only the end is kept.
    pub fn new(kind: FaultKind, place: fmt::Arguments<'_>) -> Self {
        let mut end = End(String::new());
        // The end takes any text.
        let _ = end.write_fmt(place);
        Self { kind, place: end.0 }
    }
}

/// Keeps the last bytes of what is written.
struct End(String<PLACE>);

impl Write for End {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            while self.0.len() + character.len_utf8() > PLACE {
                self.0.remove(0);
            }
            // There is room now.
            let _ = self.0.push(character);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_place_counts() {
        let fault = Fault::new(FaultKind::Panic, format_args!("src/a/long/path/to/somewhere.rs:{}", 1234));
        assert_eq!(fault.place, "ath/to/somewhere.rs:1234");
        assert_eq!(Fault::new(FaultKind::Panic, format_args!("{}", "ä".repeat(40))).place.len(), PLACE);
    }

    #[test]
    fn kinds_keep_their_numbers() {
        for kind in FaultKind::ALL {
            assert_eq!(FaultKind::of(kind as u8), kind);
        }
        assert_eq!(FaultKind::of(200), FaultKind::Other);
    }
}
