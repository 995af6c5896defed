//! Calendar dates and their printed forms.

use core::fmt;

/// A calendar date and time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// The year, four digits.
    pub year: u32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999.
    pub millisecond: u16,
}

impl Date {
    /// Converts milliseconds since 1970 (proleptic Gregorian calendar, no leap seconds).
    pub fn from_millis(millis: u64) -> Self {
        let seconds = millis / 1000;
        // Days are counted from 1 March of year 0, so that the leap day is the last day of a year.
        let days = seconds / 86_400 + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        Self {
            year: (era * 400 + year_of_era + u64::from(month <= 2)) as u32,
            month: month as u8,
            day: (day_of_year - (153 * shifted + 2) / 5 + 1) as u8,
            hour: (seconds / 3600 % 24) as u8,
            minute: (seconds / 60 % 60) as u8,
            second: (seconds % 60) as u8,
            millisecond: (millis % 1000) as u16,
        }
    }
}

/// The form of log lines: `2014-04-23 | 19:40:23`.
impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{:04}-{:02}-{:02} | {:02}:{:02}:{:02}",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_agree_with_known_days() {
        let date = |seconds: u64| format!("{}", Date::from_millis(seconds * 1000));
        assert_eq!(date(0), "1970-01-01 | 00:00:00");
        assert_eq!(date(951_782_399), "2000-02-28 | 23:59:59");
        assert_eq!(date(951_782_400), "2000-02-29 | 00:00:00");
        assert_eq!(date(1_398_282_023), "2014-04-23 | 19:40:23");
        assert_eq!(date(4_102_444_799), "2099-12-31 | 23:59:59");
    }
}
