//! `set`, and what some rows do when they are set beyond storing their value.

use super::base::Base;
use super::error::ValueError;
use super::row::Access;
use super::store::{Layer, Target, Variables};
use super::table::{Id, ROWS, find_bytes, id};
use super::{usage, value};
use crate::log::Level;

type Result = core::result::Result<(), ValueError>;

const ECHO: Id = id("system.cmd.echo");
const HEADER: Id = id("system.cmd.header_enabled");
const PROMPT: Id = id("system.cmd.prompt_enabled");
const PRINT_LEVEL: Id = id("system.print_level");

/// Reacts to a `set` that was accepted, and to the value that `load` brings (switches of several variables, the clock).
type React = fn(base: &Base, value: &[u8]) -> Result;

/// What a `set` does beyond storing the value.
const REACTIONS: &[(Id, React)] = &[
    (id("broadcast.data"), set_announcement),
    (id("broadcast.http.host"), set_announcement),
    (id("broadcast.interface"), set_announcement),
    (id("broadcast.interval"), set_announcement),
    (id("broadcast.udp.ip"), set_announcement),
    (id("broadcast.udp.port"), set_announcement),
    (id("http.server.notify_gpio"), set_indicator),
    (id("network.default_interface"), set_announcement),
    (id("ntp.interval"), set_ntp_interval),
    (id("ntp.server"), set_ntp_server),
    (id("system.cmd.format"), set_mode),
    (id("system.cmd.mode"), set_mode),
    (id("system.indicator.gpio"), set_indicator),
    (id("system.indicator.state"), set_indicator),
    (id("time.rtc"), set_rtc),
    (id("time.zone"), set_zone),
];

// A computed row that can be set would forget its value without a reaction.
const _: () = {
    let mut row = 0;
    while row < ROWS.len() {
        let forgets = ROWS[row].computed && !matches!(ROWS[row].access, Access::Read);
        let (mut at, mut found) = (0, 0);
        while at < REACTIONS.len() {
            found += (REACTIONS[at].0.place() == row) as usize;
            at += 1;
        }
        assert!(found == 1 || (found == 0 && !forgets), "a computed row without a reaction, or a row with two");
        row += 1;
    }
};

/// Every row that does more than store its value, and its reaction.
pub(super) fn reactions() -> impl Iterator<Item = (Id, React)> {
    REACTIONS.iter().copied()
}

fn reaction(id: Id) -> Option<React> {
    reactions().find(|(of, _)| *of == id).map(|(_, react)| react)
}

impl Variables {
    /// `set <words>`: finds the variable and sets it. `words` begin with its name or abbreviation.
    pub fn set_words(&self, base: &Base, words: &[&[u8]]) -> Result {
        if words.is_empty() {
            return Err(ValueError::TooFew);
        }
        let (id, used) = find_bytes(words).ok_or(ValueError::Unknown)?;
        self.set(base, id, words.get(used..).unwrap_or(&[]))
    }

    /// Sets a variable from the words after its name. A bad value changes nothing, and nothing changes a locked variable.
    pub fn set(&self, base: &Base, id: Id, words: &[&[u8]]) -> Result {
        if self.is_locked(id) {
            return locked(base, id);
        }
        self.preset(base, id, words)
    }

    /// As [`Variables::set`], also for a locked variable: for values given at the start of the device.
    pub fn preset(&self, base: &Base, id: Id, words: &[&[u8]]) -> Result {
        let row = id.row();
        if row.access == Access::Read {
            return Err(ValueError::Denied);
        }
        let (target, value) = self.check(id, words)?;
        if let Target::One(element) = target {
            usage::claim(base, id, element, &value)?;
        }
        match target {
            Target::One(element) if !row.computed => self.put(Layer::User, id, element, &value)?,
            Target::One(_) => {}
            Target::All => self.take_out(id, &value),
        }
        reaction(id).map_or(Ok(()), |react| react(base, &value))
    }
}

/// Tells the log why a variable stays as it is.
fn locked(base: &Base, id: Id) -> Result {
    base.log.line(Level::Failure, format_args!("Locked: {} (system.variable_lock)", id.row().name));
    Err(ValueError::Denied)
}

/// `set broadcast.*`, and the interface that `default` stands for: an announcement goes out at once.
fn set_announcement(base: &Base, _: &[u8]) -> Result {
    base.status.announcements.signal(());
    Ok(())
}

/// `set ntp.interval`: the next request is due at another time.
fn set_ntp_interval(base: &Base, _: &[u8]) -> Result {
    base.status.ntp_set.signal(());
    Ok(())
}

/// `set ntp.server`: the server is asked at once.
fn set_ntp_server(base: &Base, value: &[u8]) -> Result {
    base.status.ntp_servers.set(base.status.ntp_servers.get().wrapping_add(1));
    set_ntp_interval(base, value)
}

/// `set time.rtc <seconds>`.
fn set_rtc(base: &Base, value: &[u8]) -> Result {
    let seconds = value::integer(value).and_then(|seconds| u64::try_from(seconds).ok()).ok_or(ValueError::Invalid)?;
    base.clock.set(seconds.saturating_mul(1000));
    Ok(())
}

/// `set system.indicator.gpio` and `.state`, `set http.server.notify_gpio`: they act at once.
fn set_indicator(base: &Base, _: &[u8]) -> Result {
    base.status.changed();
    Ok(())
}

/// `set time.zone <zone>`.
fn set_zone(base: &Base, value: &[u8]) -> Result {
    base.clock.set_zone(value::zone_minutes(value).ok_or(ValueError::Invalid)?);
    Ok(())
}

/// `set system.cmd.mode human|machine` (interface, serial 3).
fn set_mode(base: &Base, value: &[u8]) -> Result {
    let (machine, human, level): (&[u8], &[u8], &[u8]) =
        if value == b"machine" { (b"1", b"0", b"0") } else { (b"0", b"1", b"all") };
    if let Some(id) = [ECHO, HEADER, PROMPT, PRINT_LEVEL].into_iter().find(|id| base.variables.is_locked(*id)) {
        return locked(base, id);
    }
    base.variables.set_all(&[(ECHO, human), (HEADER, machine), (PROMPT, human), (PRINT_LEVEL, level)])
}
