//! Messages of SNTP, the simple part of the Network Time Protocol (RFC 4330; the header is that of RFC 5905, 7.3).

/// Bytes of a message without extensions.
pub const MESSAGE: usize = 48;
/// The UDP port of time servers.
pub const PORT: u16 = 123;

/// The version of requests; servers answer in the same version.
const VERSION: u8 = 4;
/// The oldest version of an answer.
const OLDEST: u8 = 3;
/// Seconds from 1900 to 1970.
const TO_1970: u64 = 2_208_988_800;
/// Seconds after which timestamps wrap.
const ERA: u64 = 1 << 32;
/// A server whose root distance is not below this has no valid time (MAXDISP; RFC 5905, 9.2): seconds in 16.16 bits.
const FARTHEST: u64 = 16 << 16;

/// Seconds since 1900 with 32 bits of fraction; they wrap in 2036.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// From milliseconds since 1970.
    pub fn from_millis(millis: u64) -> Self {
        let seconds = (millis / 1000 + TO_1970) % ERA;
        let fraction = ((millis % 1000) << 32) / 1000;
        Self((seconds << 32) | fraction)
    }

    /// Milliseconds since 1970, rounded. A timestamp before 1968 means a time after 2036 (RFC 4330, 3), which works
    /// until 2104.
    pub fn millis(self) -> u64 {
        let (seconds, fraction) = (self.0 >> 32, self.0 & 0xFFFF_FFFF);
        let seconds = if seconds >= ERA / 2 { seconds } else { seconds + ERA };
        // The first two years of an era lie before 1970.
        (seconds * 1000 + (fraction * 1000 + ERA / 2) / ERA).saturating_sub(TO_1970 * 1000)
    }

    /// Milliseconds from `earlier` to `self`; negative when `earlier` is later. The two may lie in different eras.
    fn since(self, earlier: Self) -> i64 {
        let difference = i128::from(self.0.wrapping_sub(earlier.0) as i64);
        ((difference * 1000) >> 32) as i64
    }
}

/// A message, without extensions and authentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// 0 no warning, 1 and 2 a leap second, 3 not synchronised.
    pub leap: u8,
    /// Version of the protocol.
    pub version: u8,
    /// 3 client, 4 server.
    pub mode: u8,
    /// 1: it has a reference clock; up to 15: the distance from such a server; 0: a kiss of death.
    pub stratum: u8,
    /// The interval between messages, as a power of two in seconds.
    pub poll: i8,
    /// The precision of the clock, as a power of two in seconds.
    pub precision: i8,
    /// Round trip to the reference clock, seconds in 16.16 bits.
    pub root_delay: u32,
    /// The largest error of the time, seconds in 16.16 bits.
    pub root_dispersion: u32,
    /// The server's source of time, or the code of a kiss of death.
    pub reference: [u8; 4],
    /// When the server's clock was last set.
    pub updated: Timestamp,
    /// The transmit timestamp of the request.
    pub origin: Timestamp,
    /// When the request arrived.
    pub receive: Timestamp,
    /// When the message left.
    pub transmit: Timestamp,
}

impl Message {
    /// Reads a message; bytes after its header are ignored. `None` when the header is incomplete.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<4>()?;
        let [first, stratum, poll, precision] = *head;
        let (root_delay, rest) = rest.split_first_chunk()?;
        let (root_dispersion, rest) = rest.split_first_chunk()?;
        let (reference, rest) = rest.split_first_chunk()?;
        let (updated, rest) = timestamp(rest)?;
        let (origin, rest) = timestamp(rest)?;
        let (receive, rest) = timestamp(rest)?;
        let (transmit, _) = timestamp(rest)?;
        Some(Self {
            leap: first >> 6,
            version: (first >> 3) & 7,
            mode: first & 7,
            stratum,
            poll: poll as i8,
            precision: precision as i8,
            root_delay: u32::from_be_bytes(*root_delay),
            root_dispersion: u32::from_be_bytes(*root_dispersion),
            reference: *reference,
            updated,
            origin,
            receive,
            transmit,
        })
    }

    /// The bytes of the message.
    pub fn write(&self) -> [u8; MESSAGE] {
        let mut bytes = [0; MESSAGE];
        let first = (self.leap << 6) | ((self.version & 7) << 3) | (self.mode & 7);
        let fields = [first, self.stratum, self.poll as u8, self.precision as u8].into_iter();
        let fields = fields.chain(self.root_delay.to_be_bytes()).chain(self.root_dispersion.to_be_bytes());
        let fields =
            fields.chain(self.reference).chain(self.updated.0.to_be_bytes()).chain(self.origin.0.to_be_bytes());
        let fields = fields.chain(self.receive.0.to_be_bytes()).chain(self.transmit.0.to_be_bytes());
        bytes.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
        bytes
    }
}

fn timestamp(bytes: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (timestamp, rest) = bytes.split_first_chunk()?;
    Some((Timestamp(u64::from_be_bytes(*timestamp)), rest))
}

/// A request. Servers only copy its timestamp, so `nonce` need not be the time: with an unpredictable number, an
/// attacker who cannot see the request cannot forge an answer.
pub fn request(nonce: u64) -> [u8; MESSAGE] {
    Message { version: VERSION, mode: 3, transmit: Timestamp(nonce), ..Message::default() }.write()
}

/// The meaning of a kiss of death (RFC 5905, 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kiss {
    /// `DENY` or `RSTR`: do not ask this server again.
    Deny,
    /// `RATE`: ask less often.
    Rate,
}

/// Why the time of an answer is unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The server says that it is not synchronised.
    Unsynchronised,
    /// Its stratum is not 1 to 15, and it is not a known kiss of death.
    Stratum,
    /// It is too far from its source of time.
    Distance,
    /// It contains no time.
    NoTime,
}

/// An answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The time.
    Time {
        /// When the request arrived, by the server's clock.
        receive: Timestamp,
        /// When the answer left.
        transmit: Timestamp,
    },
    /// A kiss of death.
    Kiss(Kiss),
    /// The server does not know the time.
    Unusable(Flaw),
}

/// Reads the answer to the request with this nonce; `None` for anything else.
pub fn answer(bytes: &[u8], nonce: u64) -> Option<Answer> {
    let message = Message::read(bytes)?;
    let is_answer = message.mode == 4 && (OLDEST..=VERSION).contains(&message.version) && message.origin.0 == nonce;
    is_answer.then(|| judge(&message))
}

fn judge(message: &Message) -> Answer {
    let distance = u64::from(message.root_delay) / 2 + u64::from(message.root_dispersion);
    match (message.stratum, &message.reference) {
        (0, b"DENY" | b"RSTR") => Answer::Kiss(Kiss::Deny),
        (0, b"RATE") => Answer::Kiss(Kiss::Rate),
        _ if message.leap == 3 => Answer::Unusable(Flaw::Unsynchronised),
        (0 | 16.., _) => Answer::Unusable(Flaw::Stratum),
        _ if distance >= FARTHEST => Answer::Unusable(Flaw::Distance),
        _ if message.transmit.0 == 0 || message.receive.0 == 0 => Answer::Unusable(Flaw::NoTime),
        _ => Answer::Time { receive: message.receive, transmit: message.transmit },
    }
}

/// The time when the answer arrived, in milliseconds since 1970, if request and answer took `round_trip` milliseconds
/// together, and the same time each way.
pub fn time_at_arrival(receive: Timestamp, transmit: Timestamp, round_trip: u64) -> u64 {
    let served = transmit.since(receive).clamp(0, round_trip.min(i64::MAX as u64) as i64) as u64;
    transmit.millis() + (round_trip - served) / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An answer as a public server of stratum 2 gives it.
    const GOLDEN: [u8; MESSAGE] = [
        0x24, 0x02, 0x06, 0xE9, 0x00, 0x00, 0x03, 0x5A, 0x00, 0x00, 0x00, 0x2B, 0xC0, 0xA8, 0x01, 0x0A, //
        0xE9, 0x11, 0x22, 0x33, 0x40, 0x00, 0x00, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, //
        0xE9, 0x11, 0x22, 0x40, 0x80, 0x00, 0x00, 0x00, 0xE9, 0x11, 0x22, 0x40, 0xC0, 0x00, 0x00, 0x00,
    ];
    const NONCE: u64 = 0x0102_0304_0506_0708;

    fn golden() -> Message {
        Message {
            leap: 0,
            version: 4,
            mode: 4,
            stratum: 2,
            poll: 6,
            precision: -23,
            root_delay: 0x35A,
            root_dispersion: 0x2B,
            reference: [192, 168, 1, 10],
            updated: Timestamp(0xE911_2233_4000_0000),
            origin: Timestamp(NONCE),
            receive: Timestamp(0xE911_2240_8000_0000),
            transmit: Timestamp(0xE911_2240_C000_0000),
        }
    }

    #[test]
    fn golden_bytes_both_ways() {
        assert_eq!(Message::read(&GOLDEN), Some(golden()));
        assert_eq!(golden().write(), GOLDEN);
        let mut request_bytes = [0; MESSAGE];
        request_bytes[0] = 0x23;
        request_bytes[40..].copy_from_slice(&NONCE.to_be_bytes());
        assert_eq!(request(NONCE), request_bytes);
        for length in 0..MESSAGE {
            assert_eq!(Message::read(&GOLDEN[..length]), None, "{length}");
        }
        let mut longer = GOLDEN.to_vec();
        longer.extend([7; 20]);
        assert_eq!(Message::read(&longer), Some(golden()));
    }

    #[test]
    fn what_is_no_answer_to_the_request() {
        assert!(matches!(answer(&GOLDEN, NONCE), Some(Answer::Time { .. })));
        assert_eq!(answer(&GOLDEN, NONCE + 1), None);
        for other in [
            Message { mode: 3, ..golden() },
            Message { mode: 5, ..golden() },
            Message { version: 2, ..golden() },
            Message { version: 5, ..golden() },
            Message { origin: Timestamp(0), ..golden() },
            // An attacker who cannot see the request cannot block it with a kiss of death either.
            Message { stratum: 0, reference: *b"DENY", origin: Timestamp(0), ..golden() },
        ] {
            assert_eq!(answer(&other.write(), NONCE), None, "{other:?}");
        }
        let old = Message { version: 3, ..golden() };
        assert!(matches!(answer(&old.write(), NONCE), Some(Answer::Time { .. })));
    }

    #[test]
    fn answers_without_the_time() {
        let kiss = |code: &[u8; 4]| Message { stratum: 0, leap: 3, reference: *code, ..golden() };
        for (message, expected) in [
            (kiss(b"DENY"), Answer::Kiss(Kiss::Deny)),
            (kiss(b"RSTR"), Answer::Kiss(Kiss::Deny)),
            (kiss(b"RATE"), Answer::Kiss(Kiss::Rate)),
            (kiss(b"INIT"), Answer::Unusable(Flaw::Unsynchronised)),
            (Message { leap: 0, ..kiss(b"XYZW") }, Answer::Unusable(Flaw::Stratum)),
            (Message { leap: 3, ..golden() }, Answer::Unusable(Flaw::Unsynchronised)),
            (Message { stratum: 16, ..golden() }, Answer::Unusable(Flaw::Stratum)),
            (Message { root_dispersion: 16 << 16, ..golden() }, Answer::Unusable(Flaw::Distance)),
            (Message { root_delay: u32::MAX, ..golden() }, Answer::Unusable(Flaw::Distance)),
            (Message { transmit: Timestamp(0), ..golden() }, Answer::Unusable(Flaw::NoTime)),
            (Message { receive: Timestamp(0), ..golden() }, Answer::Unusable(Flaw::NoTime)),
        ] {
            assert_eq!(answer(&message.write(), NONCE), Some(expected), "{message:?}");
        }
    }

    #[test]
    fn known_moments_and_the_wrap() {
        for (bits, millis) in [
            (0x83AA_7E80_0000_0000, 0),
            (0xDFB0_0000_8000_0000, 1_543_864_704_500),
            // The last second of the first era, 2036-02-07 06:28:15, and the first of the second.
            (0xFFFF_FFFF_0000_0000, 2_085_978_495_000),
            (0x0000_0000_0000_0000, 2_085_978_496_000),
            (0x0000_0001_0000_0000, 2_085_978_497_000),
            (0x7FFF_FFFF_0000_0000, 4_233_462_143_000),
            // Times before 1970 become 0.
            (0x8000_0000_0000_0000, 0),
        ] {
            assert_eq!(Timestamp(bits).millis(), millis, "{bits:x}");
        }
        assert_eq!(Timestamp::from_millis(2_085_978_496_500), Timestamp(0x8000_0000));
        // Over the wrap, half a second on the server and two seconds on the way.
        let (receive, transmit) = (Timestamp(0xFFFF_FFFF_C000_0000), Timestamp(0x4000_0000));
        assert_eq!(time_at_arrival(receive, transmit, 2500), 2_085_978_496_250 + 1000);
    }

    #[test]
    fn half_the_way_is_added() {
        let at = |millis: u64| Timestamp::from_millis(1_600_000_000_000 + millis);
        for (receive, transmit, round_trip, expected) in
            [(0, 0, 0, 0), (0, 10, 110, 60), (0, 200, 100, 200), (50, 0, 100, 50), (0, 0, 3, 1)]
        {
            let arrival = time_at_arrival(at(receive), at(transmit), round_trip);
            assert_eq!(arrival, 1_600_000_000_000 + expected, "{receive} {transmit} {round_trip}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: std::vec::Vec<u8>, nonce: u64, round_trip: u64) {
            if let Some(Answer::Time { receive, transmit }) = answer(&bytes, nonce) {
                time_at_arrival(receive, transmit, round_trip.min(1 << 40));
            }
            if let Some(message) = Message::read(&bytes) {
                prop_assert_eq!(&message.write()[..], &bytes[..MESSAGE]);
            }
        }

        #[test]
        fn any_timestamps_are_survived(receive: u64, transmit: u64, round_trip in 0..u64::from(u32::MAX)) {
            let arrival = time_at_arrival(Timestamp(receive), Timestamp(transmit), round_trip);
            prop_assert!(arrival >= Timestamp(transmit).millis());
            prop_assert!(arrival <= Timestamp(transmit).millis() + round_trip / 2);
        }

        #[test]
        fn milliseconds_come_back(millis in 0..4_233_462_144_000_u64) {
            prop_assert_eq!(Timestamp::from_millis(millis).millis(), millis);
        }
    }
}
