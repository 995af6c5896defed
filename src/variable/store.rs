//! The RAM copy of the variables: only values that differ from their defaults take room.
//!
//! There are two layers of values over the factory's: the board's, and on top the user's, which is what `save`
//! writes. Both live in one arena of entries, each a [`Key`] of three bytes, a length byte and the value.

use core::cell::RefCell;
use core::net::Ipv4Addr;

use heapless::Vec;

use super::element::{Element, OVERHEAD, entry_size as entry_in_record};
use super::error::ValueError;
use super::row::{Index, Saved, ValueKind, Variable};
use super::table::{Id, find_bytes, id};
use super::value::{self, Value};
use crate::limits;

/// Bytes of a record of settings.
pub(super) const RECORD: usize = limits::SETTINGS;

/// The variables in RAM.
pub struct Variables {
    arena: RefCell<Vec<u8, { limits::SETTINGS }>>,
}

/// Whose value an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    User = 0,
    Board = 0x80,
}

/// What an entry is for: the row, and the element together with the layer.
type Key = [u8; 3];

const HEADER: usize = 4;

fn key(layer: Layer, id: Id, element: u8) -> Key {
    let [low, high] = id.0.to_le_bytes();
    [low, high, element | layer as u8]
}

const ALIAS: Id = id("gpio.alias");

/// What the first word of an indexed variable names.
pub(super) enum Target {
    One(Element),
    /// `-1`: every element.
    All,
}

impl Variables {
    /// Factory defaults.
    pub const fn new() -> Self {
        Self { arena: RefCell::new(Vec::new()) }
    }

    /// Puts a board's defaults over the factory's, as `(name, value)`; for an indexed variable the value begins with
    /// the element: `("system.indicator.gpio", "wlan 20")`. Invalid defaults are ignored.
    pub fn apply_board_defaults(&self, defaults: &[(&str, &str)]) {
        for (name, value) in defaults {
            let Some((id, _)) = find_bytes(&[name.as_bytes()]) else { continue };
            let indexed = matches!(id.row().kind, ValueKind::Indexed(..));
            let parsed = match value.split_once(' ') {
                Some((element, value)) if indexed => self.check(id, &[element.as_bytes(), value.as_bytes()]),
                _ => self.check(id, &[value.as_bytes()]),
            };
            if let Ok((Target::One(element), value)) = parsed {
                let _ = self.put(Layer::Board, id, element, &value);
            }
        }
    }

    /// Goes back to the defaults of board and factory, in RAM.
    pub fn reset(&self) {
        let mut arena = self.arena.borrow_mut();
        let mut at = 0;
        while let Some(size) = entry_size(&arena, at) {
            if arena[at + 2] & Layer::Board as u8 == 0 {
                cut(&mut arena, at, size);
            } else {
                at += size;
            }
        }
    }

    // --- Typed getters ------------------------------------------------------------------------------------------------

    /// The value of a switch.
    pub fn flag(&self, id: Id) -> bool {
        self.look(id, |value| value == b"1")
    }

    /// The value of a number, GPIO or mask; 0 for other kinds.
    pub fn number(&self, id: Id) -> i64 {
        self.look(id, |value| value::integer(value).unwrap_or(0))
    }

    /// The position of the value in its list of choices: `system.print_level` gives 0 to 5, and 6 for `all`.
    pub fn choice(&self, id: Id) -> usize {
        let ValueKind::Choice(choices) = id.row().kind else { return 0 };
        self.look(id, |value| choices.iter().position(|choice| choice.as_bytes() == value).unwrap_or(0))
    }

    /// The value of an address; 0.0.0.0 for other kinds.
    pub fn ipv4(&self, id: Id) -> Ipv4Addr {
        self.look(id, |value| value::ipv4(value).unwrap_or(Ipv4Addr::UNSPECIFIED))
    }

    /// Whether a plain variable, secret or not, has an empty value.
    pub fn is_empty(&self, id: Id) -> bool {
        self.look(id, <[u8]>::is_empty)
    }

    /// Looks at a value in place; `read` must not use the variables.
    fn look<R>(&self, id: Id, read: impl FnOnce(&[u8]) -> R) -> R {
        read(effective(&self.arena.borrow(), id, Element(0)))
    }

    /// Calls `use_value` with the bytes of a plain variable, secret or not. It works on a copy: variables may be set
    /// meanwhile.
    pub fn with<R>(&self, id: Id, use_value: impl FnOnce(&[u8]) -> R) -> R {
        use_value(&self.value(id, Element(0)))
    }

    /// As [`Variables::with`], for the element `index` of an indexed variable (`"0"`, `"wlan"`).
    pub fn element<R>(&self, id: Id, index: &str, use_value: impl FnOnce(&[u8]) -> R) -> Result<R, ValueError> {
        let ValueKind::Indexed(kind, _) = id.row().kind else { return Err(ValueError::Invalid) };
        let element = self.element_of(kind, index.as_bytes())?;
        Ok(use_value(&self.value(id, element)))
    }

    /// The GPIO that a word means: a number below [`limits::GPIOS`], or a name of `gpio.alias`.
    pub fn gpio(&self, word: &[u8]) -> Option<u8> {
        if let Some(number) = value::integer(word) {
            return u8::try_from(number).ok().filter(|&gpio| gpio < limits::GPIOS);
        }
        (0..limits::GPIOS).find(|&gpio| !word.is_empty() && self.value(ALIAS, Element(gpio)) == word)
    }

    /// The value of one element: the user's, or the board's, or the factory's.
    pub(super) fn value(&self, id: Id, element: Element) -> Value {
        Value::from_slice(effective(&self.arena.borrow(), id, element)).unwrap_or_default()
    }

    // --- Changes ------------------------------------------------------------------------------------------------------

    /// Sets a plain variable regardless of access rights, for the device itself. The reaction of its row (`set.rs`) does not run.
    pub fn set_text(&self, id: Id, value: &[u8]) -> Result<(), ValueError> {
        let value = value::parse(&id.row().kind, 0, &[value])?;
        self.put(Layer::User, id, Element(0), &value)
    }

    /// The value of the element at `place` of an indexed variable, secret or not.
    pub fn at(&self, id: Id, place: u8) -> Value {
        self.value(id, Element(place))
    }

    /// As [`Variables::set_text`], for the element at `place` of an indexed variable.
    pub fn set_at(&self, id: Id, place: u8, value: &[u8]) -> Result<(), ValueError> {
        let ValueKind::Indexed(_, kind) = id.row().kind else { return Err(ValueError::Invalid) };
        let value = value::parse(kind, place, &[value])?;
        self.put(Layer::User, id, Element(place), &value)
    }

    /// Sets several plain variables: all, or none of them.
    pub(super) fn set_all(&self, values: &[(Id, &[u8])]) -> Result<(), ValueError> {
        let (mut arena, mut record) = (self.arena.borrow().len(), self.record_size());
        for (id, value) in values {
            // Entries that will be replaced are not subtracted: this may refuse a little early.
            if *value != below(&self.arena.borrow(), Layer::User, *id, Element(0)) {
                arena += HEADER + value.len();
                record += entry_in_record(*id, Element(0), value.len());
            }
        }
        if arena > limits::SETTINGS || record > RECORD {
            return Err(ValueError::Full);
        }
        values.iter().try_for_each(|(id, value)| self.set_text(*id, value))
    }

    /// Removes the words of a comma-separated list from every element.
    pub(super) fn take_out(&self, id: Id, words: &[u8]) {
        for gpio in 0..limits::GPIOS {
            let old = self.value(id, Element(gpio));
            let mut new = Value::new();
            let gone = |field: &&[u8]| !words.split(|&byte| byte == b',').any(|word| word == *field);
            for field in old.split(|&byte| byte == b',').filter(gone) {
                // The new list is no longer than the old one.
                let _ = if new.is_empty() { Ok(()) } else { new.push(b',') };
                let _ = new.extend_from_slice(field);
            }
            if new.is_empty() {
                let _ = new.extend_from_slice(factory(id.row(), Element(gpio)));
            }
            let _ = self.put(Layer::User, id, Element(gpio), &new);
        }
    }

    /// Takes over a saved value, in stored form.
    pub(super) fn restore(&self, id: Id, element: Option<&str>, value: &[u8]) -> Result<(), ValueError> {
        let (element, kind) = match (id.row().kind, element) {
            (ValueKind::Indexed(index, kind), Some(element)) => (self.element_of(index, element.as_bytes())?, kind),
            (_, None) => (Element(0), &id.row().kind),
            _ => return Err(ValueError::Invalid),
        };
        if id.row().saved == Saved::No {
            return Err(ValueError::Denied);
        }
        let value = value::stored_form(kind, element.0, value)?;
        self.put(Layer::User, id, element, &value)
    }

    /// Calls `each` with every value of the user's layer that `save` writes.
    pub(super) fn each_saved(&self, mut each: impl FnMut(Id, Element, &[u8])) {
        let arena = self.arena.borrow();
        let mut at = 0;
        while let Some(size) = entry_size(&arena, at) {
            let id = Id(u16::from_le_bytes([arena[at], arena[at + 1]]));
            let element = arena[at + 2];
            if element & Layer::Board as u8 == 0 && id.row().saved != Saved::No {
                each(id, Element(element), &arena[at + HEADER..at + size]);
            }
            at += size;
        }
    }

    /// The most bytes of the record that `save` would write.
    pub(super) fn record_size(&self) -> usize {
        let mut size = OVERHEAD;
        self.each_saved(|id, element, value| size += entry_in_record(id, element, value.len()));
        size
    }

    /// Reads the words after a name: which element, and its value in stored form.
    pub(super) fn check(&self, id: Id, words: &[&[u8]]) -> Result<(Target, Value), ValueError> {
        let ValueKind::Indexed(index, kind) = id.row().kind else {
            return Ok((Target::One(Element(0)), value::parse(&id.row().kind, 0, words)?));
        };
        let (&word, words) = words.split_first().ok_or(ValueError::TooFew)?;
        if matches!(index, Index::GpioOrAll) && word == b"-1" {
            return Ok((Target::All, value::parse(kind, 0, words)?));
        }
        let element = self.element_of(index, word)?;
        Ok((Target::One(element), value::parse(kind, element.0, words)?))
    }

    /// The element that a word names.
    pub(super) fn element_of(&self, index: Index, word: &[u8]) -> Result<Element, ValueError> {
        let found = match index {
            Index::Number(count) => {
                value::integer(word).and_then(|number| u8::try_from(number).ok()).filter(|&number| number < count)
            }
            Index::Gpio | Index::GpioOrAll => self.gpio(word),
            Index::Word(names) => {
                names.iter().position(|name| word.eq_ignore_ascii_case(name.as_bytes())).map(|position| position as u8)
            }
        };
        found.map(Element).ok_or(ValueError::Invalid)
    }

    /// Stores a value, or drops its entry when the value equals that of the layer below.
    pub(super) fn put(&self, layer: Layer, id: Id, element: Element, value: &[u8]) -> Result<(), ValueError> {
        let saved = layer == Layer::User && id.row().saved != Saved::No;
        let mut arena = self.arena.borrow_mut();
        let key = key(layer, id, element.0);
        let old = position(&arena, key).unwrap_or((arena.len(), 0));
        if value == below(&arena, layer, id, element) {
            cut(&mut arena, old.0, old.1);
            return Ok(());
        }
        let length = u8::try_from(value.len()).map_err(|_| ValueError::Invalid)?;
        if arena.len() - old.1 + HEADER + value.len() > arena.capacity() {
            return Err(ValueError::Full);
        }
        // The values in RAM must always fit into the record that `save` writes.
        drop(arena);
        let replaced = if saved && old.1 > 0 { entry_in_record(id, element, old.1 - HEADER) } else { 0 };
        let record = self.record_size() - replaced;
        if saved && record + entry_in_record(id, element, value.len()) > RECORD {
            return Err(ValueError::Full);
        }
        let mut arena = self.arena.borrow_mut();
        cut(&mut arena, old.0, old.1);
        let stored = arena.extend_from_slice(&key).and_then(|()| arena.push(length).map_err(|_| Default::default()));
        stored.and_then(|()| arena.extend_from_slice(value)).map_err(|_| ValueError::Full)
    }
}

impl Default for Variables {
    fn default() -> Self {
        Self::new()
    }
}

/// The factory value of an element; a default of several lines, which only indexed variables have, has one line per
/// element.
fn factory(row: &Variable, element: Element) -> &'static [u8] {
    if !matches!(row.kind, ValueKind::Indexed(..)) {
        return row.default.as_bytes();
    }
    let mut lines = row.default.split('\n');
    let first = lines.next().unwrap_or("");
    let own = match element.0 {
        0 => None,
        later => lines.nth(usize::from(later) - 1),
    };
    own.unwrap_or(first).as_bytes()
}

/// The effective value: the user's, or the board's, or the factory's.
fn effective(mut arena: &[u8], id: Id, element: Element) -> &[u8] {
    let (user, board) = (key(Layer::User, id, element.0), key(Layer::Board, id, element.0));
    let mut found = None;
    while let [low, high, place, length, rest @ ..] = arena {
        let Some((value, next)) = rest.split_at_checked(usize::from(*length)) else { break };
        match [*low, *high, *place] {
            key if key == user => return value,
            key if key == board => found = Some(value),
            _ => {}
        }
        arena = next;
    }
    found.unwrap_or_else(|| factory(id.row(), element))
}

/// The effective value when the layer has none.
fn below(arena: &[u8], layer: Layer, id: Id, element: Element) -> &[u8] {
    let board = match layer {
        Layer::User => lookup(arena, key(Layer::Board, id, element.0)),
        Layer::Board => None,
    };
    board.unwrap_or(factory(id.row(), element))
}

/// The size of the entry that begins at `at`, if one does.
fn entry_size(arena: &[u8], at: usize) -> Option<usize> {
    Some(HEADER + usize::from(*arena.get(at + HEADER - 1)?))
}

/// Where the entry of a key is, and its size.
fn position(arena: &[u8], key: Key) -> Option<(usize, usize)> {
    let mut at = 0;
    while let Some(size) = entry_size(arena, at) {
        if arena[at..].starts_with(&key) {
            return Some((at, size));
        }
        at += size;
    }
    None
}

fn lookup(arena: &[u8], key: Key) -> Option<&[u8]> {
    let (at, size) = position(arena, key)?;
    arena.get(at + HEADER..at + size)
}

/// Removes `size` bytes at `at`.
fn cut(arena: &mut Vec<u8, { limits::SETTINGS }>, at: usize, size: usize) {
    let end = (at + size).min(arena.len());
    arena.copy_within(end.., at);
    arena.truncate(arena.len() - (end - at));
}
