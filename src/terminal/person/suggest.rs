//! "Did you mean …?": what a person may have wanted to type instead of a word that the device does not know.

use core::fmt::Write;

use heapless::{String, Vec};

use crate::command::COMMANDS;
use crate::variable;

/// The most names that are suggested.
const MOST: usize = 3;
/// Bytes of the longest word that is compared.
const LONGEST: usize = 48;

/// The line to show.
pub type Suggestion = String<192>;

/// The codes of answers to which there may be something to suggest: an unknown command, an unknown variable.
const UNKNOWN: [u8; 2] = [3, 6];

/// The names that are nearest to a word.
struct Nearest<'a> {
    word: &'a [u8],
    /// How far they are.
    distance: usize,
    names: Vec<&'static str, MOST>,
    /// There are more of them.
    more: bool,
}

impl Nearest<'_> {
    /// Looks at a name: `known_as` is the form that the word may stand for.
    fn look(&mut self, name: &'static str, known_as: &str) {
        let far = distance(self.word, known_as.as_bytes());
        let distance = match known_as.as_bytes().starts_with(self.word) && self.word.len() > 1 {
            true => far.min(self.word.len().min(LONGEST) / 3 + 1),
            false => far,
        };
        if distance < self.distance {
            self.names.clear();
            (self.distance, self.more) = (distance, false);
        }
        if distance == self.distance && !self.names.contains(&name) {
            self.more |= self.names.push(name).is_err();
        }
    }
}

/// The suggestion for a line that was answered with this code.
pub fn suggestion(line: &[u8], code: u8) -> Option<Suggestion> {
    let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let first = words.next().filter(|_| UNKNOWN.contains(&code))?;
    let mut text = Suggestion::new();
    match (first, words.next()) {
        (b"get" | b"set", Some(word)) => say(&mut text, "", &nearest(word, &[Names::Variables])),
        (b"help", Some(word)) => {
            say(&mut text, "help ", &nearest(word, &[Names::Commands, Names::Variables, Names::Groups]))
        }
        (b"get" | b"set" | b"help", None) => None,
        (word, _) if variable::find_bytes(&[word]).is_some() => {
            let name = core::str::from_utf8(word).ok()?;
            write!(text, "Did you mean get {name}?").ok()
        }
        (word, _) if code == 3 => say(&mut text, "", &nearest(word, &[Names::Commands])).or_else(|| {
            let group = core::str::from_utf8(word).ok().filter(|_| is_group(word))?;
            write!(text, "Did you mean help {group}?").ok()
        }),
        _ => None,
    }?;
    Some(text)
}

/// What a word may be the name of.
enum Names {
    Commands,
    Variables,
    /// What several names begin with.
    Groups,
}

fn nearest(word: &[u8], kinds: &[Names]) -> Vec<&'static str, MOST> {
    // Nearer than a third of the word.
    let mut nearest = Nearest { word, distance: word.len().min(LONGEST) / 3 + 1, names: Vec::new(), more: false };
    for kind in kinds {
        match kind {
            Names::Commands => COMMANDS.iter().for_each(|command| {
                nearest.look(command.name, command.name);
                nearest.look(command.name, command.abbr);
            }),
            Names::Variables => variable::rows().iter().for_each(|row| nearest.look(row.name, row.name)),
            Names::Groups => groups(|group| nearest.look(group, group)),
        }
    }
    // Among many names, nobody finds the one they meant.
    if nearest.more { Vec::new() } else { nearest.names }
}

/// The first parts of the names of commands and variables; one that several names begin with comes several times.
fn groups(mut each: impl FnMut(&'static str)) {
    COMMANDS.iter().filter_map(|command| command.name.split_once('_')).for_each(|(group, _)| each(group));
    variable::rows().iter().filter_map(|row| row.name.split_once('.')).for_each(|(group, _)| each(group));
}

/// Whether names of commands or variables begin with a word, so that `help` explains it.
fn is_group(word: &[u8]) -> bool {
    let begins = |name: &str| name.as_bytes().strip_prefix(word).is_some_and(|rest| matches!(rest, [b'_' | b'.', ..]));
    COMMANDS.iter().any(|command| begins(command.name)) || variable::rows().iter().any(|row| begins(row.name))
}

fn say(text: &mut Suggestion, before: &str, names: &[&str]) -> Option<()> {
    let (last, others) = names.split_last()?;
    text.push_str("Did you mean ").ok()?;
    for (place, name) in others.iter().enumerate() {
        write!(text, "{before}{name}{}", if place + 1 < others.len() { ", " } else { " or " }).ok()?;
    }
    write!(text, "{before}{last}?").ok()
}

/// How many characters must be changed, added, left out or swapped with their neighbour to turn one word into the other
/// (optimal string alignment). Words that are too long are too far apart.
fn distance(left: &[u8], right: &[u8]) -> usize {
    if left.len() > LONGEST || right.len() > LONGEST {
        return usize::MAX;
    }
    let mut rows = [[0usize; LONGEST + 1]; 3];
    (0..=right.len()).for_each(|column| rows[1][column] = column);
    for (row, byte) in left.iter().enumerate() {
        let [older, above, here] = &mut rows;
        here[0] = row + 1;
        for (column, other) in right.iter().enumerate() {
            let changed = above[column] + usize::from(byte != other);
            here[column + 1] = changed.min(above[column + 1] + 1).min(here[column] + 1);
            let swapped = row > 0 && column > 0 && left[row - 1] == *other && *byte == right[column - 1];
            if swapped {
                here[column + 1] = here[column + 1].min(older[column - 1] + 1);
            }
        }
        rows.rotate_left(1);
    }
    rows[1][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (left, right, far) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("verison", "version", 1),
            ("stream_lst", "stream_list", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(left.as_bytes(), right.as_bytes()), far, "{left} {right}");
            assert_eq!(distance(right.as_bytes(), left.as_bytes()), far, "{right} {left}");
        }
    }

    #[test]
    fn what_is_near_is_suggested() {
        let said = |line: &str, code| suggestion(line.as_bytes(), code).map(|text| text.as_str().to_owned());
        let some = |text: &str| Some(format!("Did you mean {text}?"));
        assert_eq!(said("verison", 3), some("version"));
        assert_eq!(said("stream_lst 0", 3), some("stream_list"));
        assert_eq!(said("tcp_", 3), some("tcp_client or tcp_server"));
        assert_eq!(said("get wlan.sid", 6), some("wlan.ssid"));
        assert_eq!(said("set wlan.pasky x", 6), some("wlan.passkey"));
        assert_eq!(said("help strem_read", 3), some("help stream_read"));
        assert_eq!(said("help strem", 3), some("help stream"), "a group");
        assert_eq!(said("wlan.ssid", 3), some("get wlan.ssid"));
        assert_eq!(said("stream", 3), some("help stream"));
        assert_eq!(said("qqqqqqq", 3), None);
        assert_eq!(said("get qqqqqqq", 6), None);
        assert_eq!(said("get", 4), None, "no other error");
        assert_eq!(said("ls -q", 6), None, "an unknown option");
        assert_eq!(said(&"x".repeat(200), 3), None);
    }
}
