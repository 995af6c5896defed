//! Uptime, the wall clock and their printed forms.

use core::cell::Cell;

use embassy_time::Instant;

pub use crate::wire::date::Date;

/// The last millisecond of the year 9999, since 1970. Dates have four digits for the year, so the clock stops there.
pub const LAST: u64 = 253_402_300_799_999;

/// Milliseconds since 1970 and seconds since reset.
pub struct Clock {
    /// Wall clock minus uptime in milliseconds; `None` until the clock has been set.
    offset: Cell<Option<i64>>,
    /// When the clock was set last; a clock that the board brought along was not set.
    last_set: Cell<Option<Instant>>,
    /// Minutes east of Greenwich (`time.zone`).
    zone: Cell<i16>,
}

impl Clock {
    /// A clock that shows `now` milliseconds since 1970, or nothing. Either way nobody has set it yet.
    pub fn new(now: Option<u64>) -> Self {
        let clock = Self { offset: Cell::new(None), last_set: Cell::new(None), zone: Cell::new(0) };
        if let Some(now) = now {
            clock.show(now);
        }
        clock
    }

    fn show(&self, now: u64) {
        self.offset.set(Some(now.min(LAST) as i64 - Instant::now().as_millis() as i64));
    }

    /// Sets the wall clock to `now` milliseconds since 1970.
    pub fn set(&self, now: u64) {
        self.show(now);
        self.last_set.set(Some(Instant::now()));
    }

    /// Sets the zone in minutes east of Greenwich.
    pub fn set_zone(&self, minutes: i16) {
        self.zone.set(minutes);
    }

    /// Milliseconds since 1970, if the clock has been set or the board has one.
    pub fn now(&self) -> Option<u64> {
        self.offset.get().map(|offset| (Instant::now().as_millis() as i64 + offset).clamp(0, LAST as i64) as u64)
    }

    /// Microseconds within the present millisecond, for `time.rtc utc`.
    pub fn micros(&self) -> u32 {
        (Instant::now().as_micros() % 1000) as u32
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
    /// `[Associated]` literally until then (reference README, decision 11).
    pub fn local(&self) -> Option<Date> {
        self.last_set.get()?;
        let now = self.now()? as i64 + i64::from(self.zone.get()) * 60_000;
        Some(Date::from_millis(now.clamp(0, LAST as i64) as u64))
    }
}
