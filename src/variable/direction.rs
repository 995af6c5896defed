//! The directions of a GPIO: their words in `gpio_dir` and `gpio.init`, their digits in `gpios_dir`, and what the port makes of
//! them (interface, commands/gpio_dir, commands/gpios_dir).

use crate::port::{Direction, Pull};

/// A direction that the command language knows.
struct Row {
    /// The words that mean it; the first one is printed.
    words: &'static [&'static str],
    /// Its digit in `gpios_dir`.
    digit: u8,
    /// What it is. An output is low.
    direction: Direction,
}

const fn row(words: &'static [&'static str], digit: u8, direction: Direction) -> Row {
    Row { words, digit, direction }
}

const fn open_drain(pull: Pull) -> Direction {
    Direction::OpenDrain { level: false, pull }
}

const ROWS: &[Row] = &[
    row(&["none"], b'6', Direction::Released),
    row(&["input_highz", "in", "input"], b'2', Direction::Input(Pull::None)),
    row(&["input_pull_up"], b'0', Direction::Input(Pull::Up)),
    row(&["input_pull_down"], b'1', Direction::Input(Pull::Down)),
    row(&["output", "out", "output_push_pull", "pp"], b'3', Direction::Output(false)),
    row(&["output_open_drain", "ood", "od"], b'4', open_drain(Pull::None)),
    row(&["output_open_drain_pull_up"], b'5', open_drain(Pull::Up)),
];

/// The word to print for a given word.
pub(super) fn word(given: &[u8]) -> Option<&'static str> {
    let given: &[u8] = if given == b"-1" { b"none" } else { given };
    let means = |row: &&Row| row.words.iter().any(|word| given.eq_ignore_ascii_case(word.as_bytes()));
    ROWS.iter().find(means).map(|row| row.words[0])
}

/// The word for what a pin does, whatever its level is.
pub fn direction_word(direction: Direction) -> &'static str {
    let low = with_level(direction, false);
    ROWS.iter().find(|row| row.direction == low).map_or("", |row| row.words[0])
}

/// The direction of a digit of `gpios_dir`.
pub fn direction_of_digit(digit: u8) -> Option<Direction> {
    ROWS.iter().find(|row| row.digit == digit).map(|row| row.direction)
}

/// The direction of a value of `gpio.init`: a word, and for outputs perhaps a level after a blank.
pub fn direction_of(value: &[u8]) -> Option<Direction> {
    let mut parts = value.split(|&byte| byte == b' ');
    let word = parts.next()?;
    let row = ROWS.iter().find(|row| row.words[0].as_bytes() == word)?;
    Some(with_level(row.direction, parts.next() == Some(b"1")))
}

/// The same direction with this level, where it has one.
fn with_level(direction: Direction, level: bool) -> Direction {
    match direction {
        Direction::Output(_) => Direction::Output(level),
        Direction::OpenDrain { pull, .. } => Direction::OpenDrain { level, pull },
        Direction::Released | Direction::Input(_) => direction,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_digits_and_directions_match() {
        for row in ROWS {
            assert_eq!(direction_of_digit(row.digit), Some(row.direction));
            assert_eq!(direction_of(row.words[0].as_bytes()), Some(row.direction));
            assert_eq!(direction_word(with_level(row.direction, true)), row.words[0]);
            for given in row.words {
                assert_eq!(word(given.to_uppercase().as_bytes()), Some(row.words[0]));
            }
        }
        assert_eq!(word(b"-1"), Some("none"));
        assert_eq!(word(b"sideways"), None);
        assert_eq!(direction_of(b"output 1"), Some(Direction::Output(true)));
        let drain = Direction::OpenDrain { level: true, pull: Pull::Up };
        assert_eq!(direction_of(b"output_open_drain_pull_up 1"), Some(drain));
    }
}
