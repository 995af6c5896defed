//! Sorts the words of a command line into options, their values, and arguments by their place. One reader for all
//! commands.

use super::line::Line;
use super::response::CommandError;

/// What words a command takes, in its row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    /// The letters of its options, as in `getopt`: a colon after a letter that has a value, a plus sign before all
    /// letters if options may only stand before the first argument. Empty for a command without options: then a word
    /// that begins with a hyphen is an argument like any other.
    pub options: &'static str,
    /// The fewest arguments.
    pub min: u8,
    /// The most arguments.
    pub max: u8,
}

/// The words of one line, sorted into options and arguments. Bit `n` of a set stands for word `n`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Arguments {
    /// Words with option letters.
    options: u32,
    /// Arguments.
    places: u32,
}

const _: () = assert!(crate::limits::COMMAND_WORDS <= 32, "the words of a line are numbered by the bits of a set");

impl Words {
    /// Whether an option of this letter exists, and whether it has a value.
    fn option(&self, letter: u8) -> Option<bool> {
        let letters = self.options.as_bytes();
        let at = letters.iter().position(|other| *other == letter && letter.is_ascii_alphabetic())?;
        Some(letters.get(at + 1) == Some(&b':'))
    }

    /// Whether a word that follows `places` arguments is read as an option. `-5` is a number.
    fn is_option(&self, word: &[u8], places: u8) -> bool {
        let leading = self.options.starts_with('+');
        let hyphen = matches!(word, [b'-', rest @ ..] if !rest.first().is_some_and(u8::is_ascii_digit));
        hyphen && !self.options.is_empty() && (!leading || places == 0)
    }

    /// Sorts the words of a line: unknown options are code 6, a missing value or missing arguments code 4, too many
    /// arguments code 5.
    pub fn read(&self, line: &Line<'_>) -> Result<Arguments, CommandError> {
        let mut arguments = Arguments::default();
        let mut words = line.words().enumerate().skip(1);
        let mut places = 0;
        while let Some((index, word)) = words.next() {
            if !self.is_option(word, places) {
                places += 1;
                if places > self.max {
                    return Err(CommandError::TooMany);
                }
                arguments.places |= 1 << index;
                continue;
            }
            arguments.options |= 1 << index;
            let letters = word.get(1..).unwrap_or_default();
            match letters {
                [letter] if self.option(*letter) == Some(true) => {
                    words.next().ok_or(CommandError::TooFew)?;
                }
                [] => return Err(CommandError::UnknownOption),
                letters if letters.iter().all(|letter| self.option(*letter) == Some(false)) => {}
                _ => return Err(CommandError::UnknownOption),
            }
        }
        if places < self.min { Err(CommandError::TooFew) } else { Ok(arguments) }
    }
}

/// The numbers in a set, in order.
fn members(mut set: u32) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let first = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(first)
    })
}

impl Arguments {
    /// How many arguments there are.
    pub fn count(self) -> usize {
        self.places.count_ones() as usize
    }

    /// The number of the word that is the `index`-th argument.
    pub fn place(self, index: usize) -> Option<usize> {
        members(self.places).nth(index)
    }

    /// The number of the last word with this option letter.
    pub fn option(self, line: &Line<'_>, letter: u8) -> Option<usize> {
        let has = |word: &usize| line.get(*word).is_some_and(|word| word.iter().skip(1).any(|other| *other == letter));
        members(self.options).filter(has).last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CLIENT: Words = Words { options: "i:l:", min: 2, max: 3 };
    const FILE: Words = Words { options: "euc:", min: 1, max: 2 };
    const SCAN: Words = Words { options: "+v", min: 0, max: 2 };
    const PLAIN: Words = Words { options: "", min: 1, max: 2 };

    /// What the words of a line are: options with their values, then arguments.
    fn read(words: &Words, line: &str) -> Result<(std::vec::Vec<String>, std::vec::Vec<String>), CommandError> {
        let mut bytes = line.as_bytes().to_vec();
        let line = Line::parse(&mut bytes).unwrap();
        let arguments = words.read(&line)?;
        let text = |index: usize| String::from_utf8_lossy(line.get(index).unwrap()).into_owned();
        let options = members(arguments.options).map(text).collect();
        Ok((options, (0..arguments.count()).map(|index| text(arguments.place(index).unwrap())).collect()))
    }

    fn strings(words: &[&str]) -> std::vec::Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn options_stand_anywhere_and_arguments_keep_their_order() {
        for line in ["x -i wlan a b", "x a -i wlan b", "x a b -i wlan"] {
            assert_eq!(read(&CLIENT, line), Ok((strings(&["-i"]), strings(&["a", "b"]))), "{line}");
        }
        assert_eq!(read(&FILE, "x -eu a -c -0x12"), Ok((strings(&["-eu", "-c"]), strings(&["a"]))));
        assert_eq!(read(&FILE, "x a -5"), Ok((strings(&[]), strings(&["a", "-5"]))));
    }

    #[test]
    fn options_before_arguments_only() {
        assert_eq!(read(&SCAN, "x -v all -v"), Ok((strings(&["-v"]), strings(&["all", "-v"]))));
        assert_eq!(read(&SCAN, "x -q"), Err(CommandError::UnknownOption));
    }

    #[test]
    fn without_options_a_hyphen_means_nothing() {
        assert_eq!(read(&PLAIN, "x -5 -q"), Ok((strings(&[]), strings(&["-5", "-q"]))));
    }

    #[test]
    fn codes() {
        for (line, error) in [
            ("x a", CommandError::TooFew),
            ("x", CommandError::TooFew),
            ("x a b -i", CommandError::TooFew),
            ("x a b c d", CommandError::TooMany),
            ("x -q a b", CommandError::UnknownOption),
            ("x - a b", CommandError::UnknownOption),
            ("x -- a b", CommandError::UnknownOption),
            ("x -: a b", CommandError::UnknownOption),
            ("x -il a b", CommandError::UnknownOption),
        ] {
            assert_eq!(read(&CLIENT, line), Err(error), "{line}");
        }
    }

    proptest! {
        #[test]
        fn every_word_is_one_thing(line in "x( (-[a-z:]{0,3}|[a-z0-9]{1,3}|-[0-9])){0,8}") {
            let mut bytes = line.clone().into_bytes();
            let words = Line::parse(&mut bytes).unwrap().len();
            for spec in [&CLIENT, &FILE, &SCAN, &PLAIN] {
                if let Ok((options, places)) = read(spec, &line) {
                    prop_assert!(options.len() + places.len() < words);
                    prop_assert!(places.len() >= usize::from(spec.min) && places.len() <= usize::from(spec.max));
                }
            }
        }
    }
}
