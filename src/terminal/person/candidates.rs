//! What may stand at the end of a line, for the Tab key. It comes from the tables of commands and variables, and from
//! what the device has now: files and streams.

use core::fmt::Write;

use heapless::{String, Vec};

use crate::command::{COMMANDS, Command, Machine, find};
use crate::limits;
use crate::port::Interface;
use crate::terminal::complete;
use crate::variable::{self, Access, Index, ValueKind, Variable};

/// Takes one name.
pub type Offer<'a> = &'a mut dyn FnMut(&[u8]);

/// More names than this are listed up to their next dot.
const MANY: usize = 70;

/// Commands whose `<name>` is that of an existing file.
const OF_FILES: [&str; 4] = ["file_delete", "file_open", "file_stat", "http_upload"];

/// Where the names come from.
pub struct Candidates<'a> {
    machine: &'a Machine,
    /// The words before the last one.
    words: Vec<&'a [u8], { limits::COMMAND_WORDS }>,
    /// The last word, as far as it is typed.
    word: &'a [u8],
}

impl<'a> Candidates<'a> {
    /// What may stand at the end of `line`.
    pub fn new(machine: &'a Machine, line: &'a [u8]) -> Self {
        let (before, word) = complete::split(line);
        let words = before.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        Self { machine, words: words.take(limits::COMMAND_WORDS).collect(), word }
    }

    /// Calls `offer` with each name that the last word may become, in a fixed order.
    pub fn each(&self, offer: Offer<'_>) {
        let offer = &mut |name: &[u8]| {
            if name.starts_with(self.word) {
                offer(name);
            }
        };
        let Some((first, arguments)) = self.words.split_first() else {
            return COMMANDS.iter().for_each(|command| offer(command.name.as_bytes()));
        };
        let Some(command) = find(first) else { return };
        match (command.name, arguments) {
            ("get", []) => {
                offer(b"all");
                names(|row| row.access != Access::Write, true, offer);
            }
            ("set", []) => names(|row| row.access != Access::Read, false, offer),
            ("get" | "set", arguments) => self.values(arguments, command.name == "set", offer),
            ("help", []) => {
                [&b"all"[..], b"commands", b"variables"].into_iter().for_each(&mut *offer);
                COMMANDS.iter().for_each(|command| offer(command.name.as_bytes()));
                names(|_| true, true, offer);
            }
            ("help", _) => {}
            _ => self.arguments(command, arguments, offer),
        }
    }

    /// What all names have in common beyond the last word, with a blank behind it when there is only one.
    pub fn common(&self) -> Vec<u8, { limits::COMMAND_LINE }> {
        let mut common = complete::Common::default();
        self.each(&mut |name| common.add(name.get(self.word.len()..).unwrap_or_default()));
        common.tail()
    }

    /// Calls `offer` with each choice; if there are many, names end at the next dot.
    pub fn choices(&self, offer: Offer<'_>) {
        let mut count = 0;
        self.each(&mut |_| count += 1);
        let mut last: Vec<u8, { limits::FILE_NAME }> = Vec::new();
        self.each(&mut |name| {
            let dot = name.iter().skip(self.word.len()).position(|byte| *byte == b'.').filter(|_| count > MANY);
            let name = dot.and_then(|dot| name.get(..=self.word.len() + dot)).unwrap_or(name);
            if last != name {
                offer(name);
            }
            last = Vec::from_slice(name).unwrap_or_default();
        });
    }

    /// The element of a variable, and with `set` its value where it is one of a fixed set.
    fn values(&self, words: &[&[u8]], set: bool, offer: Offer<'_>) {
        let Some((id, taken)) = variable::find_bytes(words) else { return };
        let place = words.len().saturating_sub(taken);
        match (id.row().kind, place) {
            (ValueKind::Indexed(index, _), 0) => elements(index, offer),
            (ValueKind::Indexed(_, kind), 1) if set => self.value(kind, offer),
            (ref kind, 0) if set => self.value(kind, offer),
            _ => {}
        }
    }

    fn value(&self, kind: &ValueKind, offer: Offer<'_>) {
        match *kind {
            ValueKind::Bool => [&b"0"[..], b"1"].into_iter().for_each(offer),
            ValueKind::Choice(words) | ValueKind::Fields(words) => words.iter().for_each(|word| offer(word.as_bytes())),
            ValueKind::Number { min, max } if i64::from(max) - i64::from(min) <= 15 => {
                numbers(i64::from(min)..=i64::from(max), offer);
            }
            ValueKind::File => self.files(offer),
            _ => {}
        }
    }

    /// What the usage of a command says: the value of an option, an argument, or options.
    fn arguments(&self, command: &Command, words: &[&[u8]], offer: Offer<'_>) {
        if self.word.starts_with(b"-") {
            return options(command.synopsis, offer);
        }
        let Some(part) = expected(command.synopsis, words) else { return };
        for word in part.split('|') {
            match word.strip_prefix('<').and_then(|word| word.strip_suffix('>')) {
                Some(slot) => self.slot(command, slot, offer),
                None => offer(word.trim_matches(['<', '>']).as_bytes()),
            }
        }
    }

    /// What stands between `<` and `>` in a usage.
    fn slot(&self, command: &Command, slot: &str, offer: Offer<'_>) {
        match slot {
            "handle" => numbers(self.machine.streams.handles().map(i64::from), offer),
            "interface" => Interface::ALL.iter().for_each(|interface| offer(interface.name().as_bytes())),
            // The key of `network_verify` is a passphrase.
            "key" if command.name == "network_verify" => {}
            "file" | "ca cert" | "cert" | "key" => self.files(offer),
            "name" if OF_FILES.contains(&command.name) => self.files(offer),
            _ => {}
        }
    }

    /// The files whose names are one word.
    fn files(&self, offer: Offer<'_>) {
        let files = (0..).map_while(|index| self.machine.files.entry(index));
        let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\') || !byte.is_ascii();
        files.filter(|file| file.name.iter().all(plain)).for_each(|file| offer(&file.name));
    }
}

/// The names of variables, and with `groups` what stands before their dots.
fn names(wanted: impl Fn(&Variable) -> bool, groups: bool, offer: Offer<'_>) {
    let mut last = "";
    for row in variable::rows().iter().filter(|row| wanted(row)) {
        let ends = row.name.match_indices('.').map(|(dot, _)| dot).filter(|_| groups);
        // The rows are sorted: a group is new where the row before is not in it.
        let new = |end: &usize| last.get(..=*end) != row.name.get(..=*end);
        ends.filter(new).filter_map(|end| row.name.get(..end)).for_each(|group| offer(group.as_bytes()));
        offer(row.name.as_bytes());
        last = row.name;
    }
}

fn elements(index: Index, offer: Offer<'_>) {
    match index {
        Index::Word(words) => words.iter().for_each(|word| offer(word.as_bytes())),
        Index::Number(count) => numbers(0..i64::from(count), offer),
        Index::Gpio | Index::GpioOrAll => {}
    }
}

fn numbers(numbers: impl Iterator<Item = i64>, offer: Offer<'_>) {
    for number in numbers {
        let mut text: String<20> = String::new();
        let _ = write!(text, "{number}");
        offer(text.as_bytes());
    }
}

/// The parts of a usage: options, what follows them, arguments. `;` ends its first form.
fn parts(synopsis: &'static str) -> impl Iterator<Item = &'static str> {
    let (first, _) = synopsis.split_once(';').unwrap_or((synopsis, ""));
    let mut inside = false;
    let between = move |letter: char| {
        inside = (inside || letter == '<') && letter != '>';
        letter == ' ' && !inside
    };
    first.split(between).skip(1).filter(|part| !part.is_empty())
}

/// The part that follows these arguments, without brackets.
fn expected(synopsis: &'static str, words: &[&[u8]]) -> Option<&'static str> {
    let mut words = words.iter();
    let mut places = 0;
    while let Some(word) = words.next() {
        match option_value(synopsis, word) {
            Some(part) => {
                let given = words.next();
                if given.is_none() {
                    return Some(part);
                }
            }
            None if word.starts_with(b"-") => {}
            None => places += 1,
        }
    }
    let mut parts = parts(synopsis);
    let mut next = || loop {
        let part = parts.next()?;
        match part.trim_start_matches('[').starts_with('-') {
            // The next part belongs to the option.
            true if !part.ends_with(']') => drop(parts.next()),
            true => {}
            false => return Some(part.trim_matches(['[', ']'])),
        }
    };
    for _ in 0..places {
        next()?;
    }
    next()
}

/// The value of an option, if `word` is an option that has one.
fn option_value(synopsis: &'static str, word: &[u8]) -> Option<&'static str> {
    let mut parts = parts(synopsis);
    parts.find(|part| part.trim_start_matches('[').as_bytes() == word && !part.ends_with(']'))?;
    parts.next().map(|part| part.trim_matches(['[', ']']))
}

/// The options of a usage.
fn options(synopsis: &'static str, offer: Offer<'_>) {
    for part in parts(synopsis).filter(|part| part.trim_start_matches('[').starts_with('-')) {
        part.bytes().filter(u8::is_ascii_alphabetic).for_each(|letter| offer(&[b'-', letter]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(line: &str) -> Option<&'static str> {
        let mut words = line.split(' ').map(str::as_bytes);
        let command = find(words.next().unwrap()).unwrap();
        let words: std::vec::Vec<&[u8]> = words.filter(|word| !word.is_empty()).collect();
        expected(command.synopsis, &words)
    }

    #[test]
    fn the_usage_says_what_comes_next() {
        for (line, want) in [
            ("stream_poll", Some("<handle>|all")),
            ("poll 0", None),
            ("stream_wait 0 -c", Some("<milliseconds>")),
            ("tcp_server", Some("start|stop")),
            ("tcp_server -i", Some("<interface>")),
            ("tcp_server -i wlan", Some("start|stop")),
            ("http_get -o", Some("<url>")),
            ("http_get -c", Some("<ca cert>")),
            ("tls_client a 443", Some("<ca cert>")),
            ("file_create -er", Some("<name>")),
            ("format_flash", Some("<extended|bulk>")),
            ("websocket_client -f", Some("bin|text")),
            ("http_upload http://a/", Some("<name>")),
            ("load", Some("<file>")),
            ("version", None),
        ] {
            assert_eq!(part(line), want, "{line}");
        }
    }

    #[test]
    fn options_are_those_of_the_usage() {
        let mut letters = std::string::String::new();
        options(find(b"file_create").unwrap().synopsis, &mut |option| letters.push(option[1].into()));
        assert_eq!(letters, "euro");
    }

    #[test]
    fn groups_stand_before_their_names() {
        let mut all = std::vec::Vec::new();
        names(|row| row.name.starts_with("tcp."), true, &mut |name| {
            all.push(std::string::String::from_utf8(name.to_vec()).unwrap())
        });
        assert_eq!(all[0], "tcp");
        assert!(all.contains(&"tcp.keepalive".into()) && all.contains(&"tcp.keepalive.enabled".into()), "{all:?}");
        let mut once = all.clone();
        once.dedup();
        assert_eq!(once, all);
    }
}
