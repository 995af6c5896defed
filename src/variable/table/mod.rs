//! The table of all variables, and how a name or an abbreviation is found in it.
//!
//! A row reads: name, abbreviation, kind, default; when it acts; how it is stored; and, last, how far it is built. For
//! what the reference marks as unknown (abbreviations, defaults), its suggestion or a plain choice is used here.

use super::row::Variable;
use crate::{features, sorted};

pub(super) mod alias;
mod build;
mod ethernet;
mod http;
mod network;
mod peripherals;
mod services;
mod setup;
mod softap;
mod system;
mod tcp;
mod udp;
mod wiconnect;
mod wlan;

/// The groups in the order of their names.
const GROUPS: &[&[Variable]] = &[
    services::BROADCAST,
    peripherals::BUS,
    setup::DMS,
    services::EMAIL,
    ethernet::ROWS,
    wiconnect::GHM,
    peripherals::GPIO,
    http::ROWS,
    services::IOCONN,
    services::MDNS,
    network::ROWS,
    services::NTP,
    wiconnect::OTA,
    services::REMOTE_TERMINAL,
    setup::SETUP,
    softap::ROWS,
    peripherals::SPI,
    setup::STREAM,
    system::ROWS,
    tcp::ROWS,
    services::TIME,
    peripherals::UART,
    udp::ROWS,
    wlan::ROWS,
];

/// The number of rows.
const COUNT: usize = count();

/// Every variable, sorted by name.
pub(super) static ROWS: [Variable; COUNT] = concatenate();

/// The numbers of the rows, sorted by abbreviation.
static BY_ABBREVIATION: [u16; COUNT] = by_abbreviation();

/// A row of the table. Valid within one build only: settings are stored by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(pub(super) u16);

impl Id {
    /// The row.
    pub const fn row(self) -> &'static Variable {
        // Ids are only made by the table, from positions in it.
        &ROWS[self.place()]
    }

    /// Its place in the order of the names.
    pub(super) const fn place(self) -> usize {
        self.0 as usize
    }

    /// Every row, sorted by name.
    pub fn all() -> impl Iterator<Item = Id> {
        (0..ROWS.len() as u16).map(Id)
    }
}

/// The row of an id.
pub fn row(id: Id) -> &'static Variable {
    id.row()
}

/// Every variable, sorted by name.
pub fn rows() -> &'static [Variable] {
    &ROWS
}

const fn count() -> usize {
    let (mut group, mut sum) = (0, 0);
    while group < GROUPS.len() {
        sum += GROUPS[group].len();
        group += 1;
    }
    sum
}

const fn concatenate() -> [Variable; COUNT] {
    let mut table = [GROUPS[0][0]; COUNT];
    let (mut group, mut to) = (0, 0);
    while group < GROUPS.len() {
        let mut from = 0;
        while from < GROUPS[group].len() {
            table[to] = GROUPS[group][from];
            to += 1;
            from += 1;
        }
        group += 1;
    }
    table
}

const fn by_abbreviation() -> [u16; COUNT] {
    let (mut names, mut row) = ([""; COUNT], 0);
    while row < COUNT {
        names[row] = ROWS[row].abbr;
        row += 1;
    }
    sorted::order(&names)
}

/// The row of a name, for constants: `const PORT: Id = id("http.server.port");`. An unknown name does not compile.
pub const fn id(name: &str) -> Id {
    let mut row = 0;
    while row < COUNT {
        if features::same(ROWS[row].name, name) {
            return Id(row as u16);
        }
        row += 1;
    }
    panic!("no variable of this name")
}

/// Finds the variable that the first words name: its full name, its abbreviation or an old name. The longest
/// abbreviation counts (interface, variables 2) (`wl s r` is not `wl s`). Also returns how many words the name took.
pub fn find(words: &[&str]) -> Option<(Id, usize)> {
    let mut bytes = [&[][..]; LONGEST];
    for (to, word) in bytes.iter_mut().zip(words) {
        *to = word.as_bytes();
    }
    find_bytes(&bytes[..words.len().min(LONGEST)])
}

/// Words of the longest abbreviation.
pub const LONGEST: usize = 4;

/// As [`find`], for words as the command line has them.
pub fn find_bytes(words: &[&[u8]]) -> Option<(Id, usize)> {
    if let Some(found) = by_name(words.first()?) {
        return Some((found, 1));
    }
    for length in (1..=words.len().min(LONGEST)).rev() {
        let Some(short) = join(&words[..length]) else { continue };
        if let Some(row) = sorted::find(&BY_ABBREVIATION, &short, |row| ROWS[row].abbr) {
            return Some((Id(row as u16), length));
        }
        if let Some((_, name)) = alias::ALIASES.iter().find(|(old, _)| old.as_bytes() == short) {
            return Some((by_name(name.as_bytes())?, length));
        }
    }
    None
}

/// Words with blanks between them, as abbreviations are written; `None` when they are too long for an abbreviation or
/// contain blanks. Joining once and comparing the whole text is several times cheaper than splitting every row's
/// abbreviation.
fn join(words: &[&[u8]]) -> Option<heapless::Vec<u8, LONGEST_TEXT>> {
    let mut joined = heapless::Vec::new();
    for (place, word) in words.iter().enumerate() {
        if word.is_empty() || word.contains(&b' ') {
            return None;
        }
        if place > 0 {
            joined.push(b' ').ok()?;
        }
        joined.extend_from_slice(word).ok()?;
    }
    Some(joined)
}

/// Bytes of the longest abbreviation or old name.
const LONGEST_TEXT: usize = 48;

fn by_name(name: &[u8]) -> Option<Id> {
    let row = ROWS.binary_search_by(|row| row.name.as_bytes().cmp(name)).ok()?;
    Some(Id(row as u16))
}
