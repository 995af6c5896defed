//! The table of all variables, and how a name or an abbreviation is found in it.
//!
//! A row reads: name, abbreviation, kind, default; when it acts; how it is stored; and, last, how far it is built.
//! What the reference marks as unknown (abbreviations, defaults) has its suggestion or a plain choice here.

use super::{Access, Changed, Effect, Id, Kind, Saved, Secret, Show, Variable};
use crate::access::scope::Scope;
use crate::conformance::Conformance;
use crate::limits;

pub(super) mod alias;
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
mod wlan;

/// The groups in the order of their names.
const GROUPS: &[&[Variable]] = &[
    services::BROADCAST,
    peripherals::BUS,
    setup::DMS,
    services::EMAIL,
    ethernet::ROWS,
    peripherals::GPIO,
    http::ROWS,
    services::IOCONN,
    services::MDNS,
    network::ROWS,
    services::NTP,
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

/// The row of a name, for constants: `const PORT: Id = id("http.server.port");`. An unknown name does not compile.
pub const fn id(name: &str) -> Id {
    let mut row = 0;
    while row < COUNT {
        if limits::same(ROWS[row].name, name) {
            return Id(row as u16);
        }
        row += 1;
    }
    panic!("no variable of this name")
}

/// Finds the variable that the first words name: its full name, its abbreviation or an old name. The longest
/// abbreviation counts (`wl s r` is not `wl s`; variables reference 1.7). Also answers how many words the name took.
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
        if let Some(row) = ROWS.iter().position(|row| row.abbr.as_bytes() == short) {
            return Some((Id(row as u16), length));
        }
        if let Some((_, name)) = alias::ALIASES.iter().find(|(old, _)| old.as_bytes() == short) {
            return Some((by_name(name.as_bytes())?, length));
        }
    }
    None
}

/// Words with blanks between them, as abbreviations are written; `None` when they are too long for one or have blanks in
/// them. Joining once and comparing whole is several times cheaper than taking every row apart.
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

// --- Builders of rows -------------------------------------------------------------------------------------------------

/// A variable that is stored, acts at once and is nobody's secret; the methods below change that.
const fn var(name: &'static str, abbr: &'static str, kind: Kind, default: &'static str) -> Variable {
    Variable {
        name,
        abbr,
        kind,
        access: Access::ReadWrite,
        default,
        effect: Effect::Now,
        saved: Saved::Yes,
        secret: Secret::No,
        scope: Scope::Config,
        show: None,
        changed: None,
        status: Conformance::Done,
        summary: "",
    }
}

/// A read-only variable that is computed when asked for.
const fn live(name: &'static str, abbr: &'static str, show: Show) -> Variable {
    var(name, abbr, Kind::Live, "").read_only().shown(show)
}

/// A read-only text of several lines.
const fn report(name: &'static str, abbr: &'static str, show: Show) -> Variable {
    Variable { kind: Kind::Report, ..live(name, abbr, show) }
}

impl Variable {
    /// Acts at `effect`.
    const fn at(self, effect: Effect) -> Self {
        Self { effect, ..self }
    }

    /// Survives the soft reset of an update.
    const fn backup(self) -> Self {
        Self { saved: Saved::Backup, ..self }
    }

    /// Cannot be set.
    const fn read_only(self) -> Self {
        Self { access: Access::Read, effect: Effect::None, saved: Saved::No, ..self }
    }

    /// Is changed by commands of its own and never shown, but stored.
    const fn kept(self) -> Self {
        Self { access: Access::Read, effect: Effect::Now, secret: Secret::Always, ..self }
    }

    /// Cannot be read.
    const fn write_only(self) -> Self {
        Self { access: Access::Write, secret: Secret::Always, ..self }
    }

    /// Cannot be read back, always or while passkeys are hidden.
    const fn secret(self, secret: Secret) -> Self {
        Self { secret, ..self }
    }

    /// Guards the device: whoever may only configure it must not change this.
    const fn guarded(self) -> Self {
        Self { scope: Scope::Admin, ..self }
    }

    /// Is computed by `show` and keeps no value of its own.
    const fn shown(self, show: Show) -> Self {
        Self { show: Some(show), saved: Saved::No, ..self }
    }

    /// Does more than being stored.
    const fn changed(self, changed: Changed) -> Self {
        Self { changed: Some(changed), ..self }
    }

    /// Works as the reference says.
    const fn done(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    /// Can be read, set and saved, but nothing acts on it yet because `reason` is missing.
    const fn not_yet(self, reason: &'static str, summary: &'static str) -> Self {
        Self { status: Conformance::NotYet(reason), summary, ..self }
    }

    /// Is not in ZentriOS: `what` says what it belongs to.
    const fn extension(self, what: &'static str, summary: &'static str) -> Self {
        Self { status: Conformance::Extension(what), summary, ..self }
    }

    /// Differs from the reference: `how` says in what and why.
    const fn differs(self, how: &'static str, summary: &'static str) -> Self {
        Self { status: Conformance::Differs(how), summary, ..self }
    }
}

/// A number in a closed range.
const fn number(min: i64, max: i64) -> Kind {
    Kind::Number { min, max }
}

/// Text of up to `max` bytes.
const fn text(max: usize) -> Kind {
    Kind::Text { min: 0, max, optional: true }
}

/// A TCP or UDP port.
const PORT: Kind = number(1, 65535);
/// A TCP or UDP port, 0 for any or none.
const PORT_OR_ANY: Kind = number(0, 65535);
/// What a service runs on.
const INTERFACE: Kind = Kind::Choice(&["default", "wlan", "softap"]);
/// A file of the device.
const FILE: Kind = text(limits::FILE_NAME);
/// A domain name or dotted address.
const HOST: Kind = text(limits::HOST_NAME);

/// Missing part: GPIOs.
const NO_GPIO: &str = "no GPIOs in this release";
/// Missing part: the soft AP.
const NO_SOFTAP: &str = "no soft AP in this release";
/// Missing part: TLS.
const NO_TLS: &str = "no TLS in this release";
