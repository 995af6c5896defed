//! Uptime, the wall clock and their printed forms.

use core::cell::Cell;

use embassy_time::Instant;

pub use crate::wire::date::Date;

/// The last millisecond of the year 9999, since 1970. Dates have four digits for the year, so the clock stops there.
pub const LAST: u64 = 253_402_300_799_999;

/// A backward correction of up to this number of milliseconds is made gradually, so that the times in the log never go
/// back; a larger one is made at once.
const LARGEST_SLEW: u64 = 60_000;
/// During a gradual correction the clock loses one part in this number.
const SLEW: u64 = 8;

/// How a correction has changed the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correction {
    /// Milliseconds by which the clock was behind; negative when it was ahead. `None` when it had not been set.
    pub by: Option<i64>,
    /// The correction is made gradually.
    pub gradual: bool,
}

/// By how much the clock was ahead at a moment, for a gradual correction.
#[derive(Clone, Copy)]
struct Ahead {
    since: Instant,
    micros: u64,
}

/// The wall clock, and time since reset.
pub struct Clock {
    /// Wall clock minus uptime in microseconds; `None` until the clock has been set.
    offset: Cell<Option<i64>>,
    /// The gradual correction in progress.
    ahead: Cell<Option<Ahead>>,
    /// When the clock was set last; a time that the board had at boot does not count.
    last_set: Cell<Option<Instant>>,
    /// Minutes east of Greenwich (`time.zone`).
    zone: Cell<i16>,
}

impl Clock {
    /// A clock that shows `now` milliseconds since 1970, or no time. In both cases it counts as not set.
    pub fn new(now: Option<u64>) -> Self {
        let clock =
            Self { offset: Cell::new(None), ahead: Cell::new(None), last_set: Cell::new(None), zone: Cell::new(0) };
        if let Some(now) = now {
            clock.show(now);
        }
        clock
    }

    fn show(&self, now: u64) {
        self.offset.set(Some(now.min(LAST) as i64 * 1000 - Instant::now().as_micros() as i64));
        self.ahead.set(None);
    }

    /// Sets the wall clock to `now` milliseconds since 1970, at once.
    pub fn set(&self, now: u64) {
        self.show(now);
        self.last_set.set(Some(Instant::now()));
    }

    /// As [`Clock::set`], for a source that is asked again and again: a clock that was set before and is slightly ahead
    /// runs slower for some time instead of going back.
    pub fn correct(&self, now: u64) -> Correction {
        let shown = self.last_set.get().and_then(|_| self.now());
        let by = shown.map(|shown| now as i64 - shown as i64);
        let ahead = by.map_or(0, |by| by.min(0).unsigned_abs());
        let gradual = (1..=LARGEST_SLEW).contains(&ahead);
        self.set(now);
        if gradual {
            self.ahead.set(Some(Ahead { since: Instant::now(), micros: ahead * 1000 }));
        }
        Correction { by, gradual }
    }

    /// Sets the zone in minutes east of Greenwich.
    pub fn set_zone(&self, minutes: i16) {
        self.zone.set(minutes);
    }

    /// Microseconds since 1970, if the clock has been set or the board has one.
    fn now_in_micros(&self) -> Option<u64> {
        let ahead = self
            .ahead
            .get()
            .map_or(0, |Ahead { since, micros }| micros.saturating_sub(since.elapsed().as_micros() / SLEW));
        let micros = Instant::now().as_micros() as i64 + self.offset.get()? + ahead as i64;
        Some(micros.clamp(0, LAST as i64 * 1000 + 999) as u64)
    }

    /// Milliseconds since 1970, if the clock has been set or the board has one.
    pub fn now(&self) -> Option<u64> {
        self.now_in_micros().map(|micros| micros / 1000)
    }

    /// Microseconds within the current millisecond, for `time.rtc utc`.
    pub fn micros(&self) -> u32 {
        (self.now_in_micros().unwrap_or_else(|| Instant::now().as_micros()) % 1000) as u32
    }

    /// Milliseconds since NTP or `set time.rtc` has set the clock.
    pub fn since_set(&self) -> Option<u64> {
        self.last_set.get().map(|at| at.elapsed().as_millis())
    }

    /// Milliseconds since reset.
    pub fn uptime(&self) -> u64 {
        Instant::now().as_millis()
    }

    /// The local date and time for log lines, once NTP or `set time.rtc` has set the clock: hosts compare lines such as
    /// `[Associated]` literally until then (interface, serial 5.2).
    pub fn local(&self) -> Option<Date> {
        self.last_set.get()?;
        let now = self.now()? as i64 + i64::from(self.zone.get()) * 60_000;
        Some(Date::from_millis(now.clamp(0, LAST as i64) as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::host::set_virtual_time;

    const START: u64 = 1_800_000_000_000;

    fn clock() -> Clock {
        set_virtual_time(5_000_700);
        let clock = Clock::new(None);
        assert_eq!(clock.correct(START), Correction { by: None, gradual: false });
        clock
    }

    #[test]
    fn a_small_correction_never_runs_backwards() {
        let clock = clock();
        let mut now = 5_000_700;
        let mut pass = |micros: u64| {
            now += micros;
            set_virtual_time(now);
        };
        pass(1_000_000);
        // 800 ms ahead: made good after 6.4 s.
        assert_eq!(clock.correct(START + 200), Correction { by: Some(-800), gradual: true });
        let shown = |clock: &Clock| clock.now().unwrap() * 1000 + u64::from(clock.micros());
        let mut before = shown(&clock);
        assert_eq!(before, (START + 1000) * 1000);
        for _ in 0..6400 {
            pass(1001);
            let after = shown(&clock);
            assert!(after > before && after - before <= 1001);
            before = after;
        }
        assert_eq!(shown(&clock), (START + 200) * 1000 + 6400 * 1001);
        assert_eq!(clock.since_set(), Some(6406));
    }

    #[test]
    fn forwards_and_far_back_at_once() {
        let clock = clock();
        assert_eq!(clock.correct(START + 30), Correction { by: Some(30), gradual: false });
        assert_eq!(clock.now(), Some(START + 30));
        assert_eq!(clock.correct(START - 60_000), Correction { by: Some(-60_030), gradual: false });
        assert_eq!(clock.now(), Some(START - 60_000));
        // `set` always acts at once, also during a gradual correction.
        clock.correct(START - 61_000);
        clock.set(START - 62_000);
        assert_eq!(clock.now(), Some(START - 62_000));
    }

    #[test]
    fn a_clock_of_the_board_is_replaced_at_once() {
        set_virtual_time(0);
        let clock = Clock::new(Some(START));
        assert_eq!(clock.correct(START - 10), Correction { by: None, gradual: false });
        assert_eq!(clock.now(), Some(START - 10));
    }
}
