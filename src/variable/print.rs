//! `get`: one variable, a group, all (interface, variables 1.2). It writes the whole text of the answer with its line
//! ends; an empty value writes nothing. After an error the text written so far means nothing.

use super::base::Base;
use super::element::{Element, write_element};
use super::error::ValueError;
use super::live;
use super::output::{Output, Sink};
use super::row::{Access, Index, Secret, ValueKind, Variable};
use super::store::Variables;
use super::table::{Id, ROWS, find, id};
use crate::limits;

const HIDE_PASSKEY: Id = id("wlan.hide_passkey");
/// Single variables whose answer is long.
const LONG: [&str; 3] = ["setup.web.client_list", "softap.client_list", "softap.info"];

impl Variables {
    /// `get <words>`: a variable with its index or option, a group, or `all`.
    pub fn get(&self, base: &Base, words: &[&str], out: &mut dyn Sink) -> Result<(), ValueError> {
        if words.is_empty() {
            return Err(ValueError::TooFew);
        }
        match find(words) {
            Some((id, used)) => self.show(base, id, words.get(used..).unwrap_or(&[]), out),
            None => self.show_group(base, words, out),
        }
    }

    /// The value of a variable. `words` are the index or option after its name.
    pub fn show(&self, base: &Base, id: Id, words: &[&str], out: &mut dyn Sink) -> Result<(), ValueError> {
        let row = id.row();
        if row.access == Access::Write {
            return Err(ValueError::Denied);
        }
        let (word, rest) = words.split_first().map_or(("", words), |(word, rest)| (*word, rest));
        if !rest.is_empty() {
            return Err(ValueError::TooMany);
        }
        let element = match row.kind {
            ValueKind::Indexed(..) if words.is_empty() => return Err(ValueError::TooFew),
            ValueKind::Indexed(index, _) if word == "all" => return self.lines(base, id, index, out),
            ValueKind::Indexed(index, _) => self.element_of(index, word.as_bytes())?,
            _ if !row.computed && !words.is_empty() => return Err(ValueError::TooMany),
            _ => Element(0),
        };
        let mut output = Output::new(out);
        self.print(base, id, element, word, &mut output)?;
        if output.written {
            output.put(b"\r\n")?;
        }
        Ok(())
    }

    /// Every variable of a group, or of all groups, as `<full name>: <value>` lines in the order of the names.
    /// `words` are a leading part of the dotted name, its abbreviation, or `all`.
    pub fn show_group(&self, base: &Base, words: &[&str], out: &mut dyn Sink) -> Result<(), ValueError> {
        let group = Group::find(words)?;
        for id in Id::all().filter(|id| group.holds(id.row())) {
            let row = id.row();
            match row.kind {
                _ if row.access == Access::Write => {}
                ValueKind::Report => {}
                ValueKind::Indexed(index, _) => self.lines(base, id, index, out)?,
                _ => self.line(base, id, None, Element(0), out)?,
            }
        }
        Ok(())
    }

    /// The elements of an indexed variable: for GPIOs those that are set, for other indexes those that are not empty.
    fn lines(&self, base: &Base, id: Id, index: Index, out: &mut dyn Sink) -> Result<(), ValueError> {
        let default = id.row().default.as_bytes();
        let count = match index {
            Index::Number(count) => count,
            Index::Gpio | Index::GpioOrAll => limits::GPIOS,
            Index::Word(names) => names.len() as u8,
        };
        for element in (0..count).map(Element) {
            let value = self.value(id, element);
            let shown = match index {
                Index::Gpio | Index::GpioOrAll => value != default,
                _ => !value.is_empty(),
            };
            if shown {
                self.line(base, id, Some(index), element, out)?;
            }
        }
        Ok(())
    }

    fn line(
        &self,
        base: &Base,
        id: Id,
        index: Option<Index>,
        element: Element,
        out: &mut dyn Sink,
    ) -> Result<(), ValueError> {
        let mut output = Output::new(out);
        output.put(id.row().name.as_bytes())?;
        if let Some(index) = index {
            output.put(b" ")?;
            write_element(index, element, &mut output)?;
        }
        output.put(b": ")?;
        self.print(base, id, element, "", &mut output)?;
        output.put(b"\r\n")?;
        Ok(())
    }

    /// The bare value; nothing when it is hidden.
    fn print(
        &self,
        base: &Base,
        id: Id,
        element: Element,
        option: &str,
        out: &mut Output<'_>,
    ) -> Result<(), ValueError> {
        if self.is_hidden(id) {
            return Ok(());
        }
        match live::shown_by(id) {
            Some(show) => show(base, option, out),
            None => Ok(out.put(&self.value(id, element))?),
        }
    }

    /// Whether the value must not be shown on any channel (interface, variables 1.5).
    pub fn is_hidden(&self, id: Id) -> bool {
        match id.row().secret {
            Secret::No => false,
            Secret::Passkey => self.flag(HIDE_PASSKEY),
            Secret::Always => true,
        }
    }
}

/// Whether the getter of these words has a long answer, which `system.cmd.buffered` puts into a stream: a group, all,
/// all elements of an indexed variable, the lists of soft AP clients and its summary.
pub fn is_long(words: &[&str]) -> bool {
    match find(words) {
        Some((id, used)) => LONG.contains(&id.row().name) || words.get(used) == Some(&"all"),
        None => Group::find(words).is_ok(),
    }
}

/// What `get` was asked for besides a single variable.
enum Group<'a> {
    All,
    /// A leading part of the dotted name.
    Named(&'a str),
    /// A leading part of the abbreviation, and the leading part of the dotted name that it stands for.
    Short(&'a [&'a str], &'static str),
}

impl<'a> Group<'a> {
    fn find(words: &'a [&'a str]) -> Result<Self, ValueError> {
        let (first, rest) = words.split_first().ok_or(ValueError::TooFew)?;
        let named = Self::Named(first);
        let group = if *first == "all" {
            Self::All
        } else if ROWS.iter().any(|row| named.holds(row)) {
            named
        } else {
            let row = ROWS.iter().find(|row| abbreviates(words, row)).ok_or(ValueError::Unknown)?;
            return Ok(Self::Short(words, leading(row.name, words.len())));
        };
        if rest.is_empty() { Ok(group) } else { Err(ValueError::TooMany) }
    }

    fn holds(&self, row: &Variable) -> bool {
        match self {
            Self::All => true,
            Self::Named(name) => within(name, row),
            Self::Short(words, name) => within(name, row) || abbreviates(words, row),
        }
    }
}

/// Whether the row's name begins with these parts.
fn within(group: &str, row: &Variable) -> bool {
    row.name.strip_prefix(group).is_some_and(|rest| rest.starts_with('.'))
}

/// Whether the row's abbreviation begins with these words, and has more.
fn abbreviates(words: &[&str], row: &Variable) -> bool {
    let mut parts = row.abbr.split(' ');
    words.iter().all(|word| parts.next() == Some(word)) && parts.next().is_some()
}

/// The first `count` parts of a dotted name.
fn leading(name: &'static str, count: usize) -> &'static str {
    let end = name.match_indices('.').nth(count.saturating_sub(1)).map_or(name.len(), |(at, _)| at);
    name.get(..end).unwrap_or(name)
}
