//! How a lamp blinks.

use embassy_time::{Duration, Instant};

/// One of the patterns of `system.indicator.state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Its name.
    pub name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Static(bool),
    /// On and off for this many milliseconds each.
    Blink(u8),
}

/// Slow is twice a second, medium four times, fast ten times (interface, serial 11).
const PATTERNS: [Pattern; 5] = [
    Pattern { name: "static_off", kind: Kind::Static(false) },
    Pattern { name: "static_on", kind: Kind::Static(true) },
    Pattern { name: "slow_blink", kind: Kind::Blink(250) },
    Pattern { name: "medium_blink", kind: Kind::Blink(125) },
    Pattern { name: "fast_blink", kind: Kind::Blink(50) },
];

impl Pattern {
    /// A lamp that is off.
    pub const OFF: Self = PATTERNS[0];

    /// The pattern of that name.
    pub fn named(name: &[u8]) -> Option<Self> {
        PATTERNS.into_iter().find(|pattern| pattern.name.as_bytes() == name)
    }

    /// The level at the time `now`, and when it changes next; never for a static pattern.
    pub fn at(self, begun: Instant, now: Instant) -> (bool, Option<Instant>) {
        let half = match self.kind {
            Kind::Static(level) => return (level, None),
            Kind::Blink(half) => Duration::from_millis(half.into()),
        };
        let halves = now.saturating_duration_since(begun).as_ticks() / half.as_ticks();
        let next = begun + Duration::from_ticks(half.as_ticks() * (halves + 1));
        (halves.is_multiple_of(2), Some(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_change_when_they_should() {
        let at = Instant::from_millis;
        for (name, half) in [("slow_blink", 250), ("medium_blink", 125), ("fast_blink", 50)] {
            let pattern = Pattern::named(name.as_bytes()).unwrap();
            assert_eq!(pattern.at(at(1000), at(1000)), (true, Some(at(1000 + half))), "{name}");
            assert_eq!(pattern.at(at(1000), at(1000 + half - 1)), (true, Some(at(1000 + half))), "{name}");
            assert_eq!(pattern.at(at(1000), at(1000 + half)), (false, Some(at(1000 + 2 * half))), "{name}");
            assert_eq!(pattern.at(at(1000), at(1000 + 2 * half)), (true, Some(at(1000 + 3 * half))), "{name}");
        }
        assert_eq!(Pattern::named(b"static_on").unwrap().at(at(0), at(99)), (true, None));
        assert_eq!(Pattern::named(b"static_off").unwrap().at(at(0), at(99)), (false, None));
        assert_eq!(Pattern::named(b"blink"), None);
    }

    #[test]
    fn a_pattern_that_began_years_ago_still_blinks() {
        let now = Instant::from_secs(40 * 365 * 24 * 3600);
        let (_, next) = Pattern::named(b"fast_blink").unwrap().at(Instant::from_millis(0), now);
        assert_eq!(next, Some(now + Duration::from_millis(50)));
    }
}
