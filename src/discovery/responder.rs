//! The responder of multicast DNS (RFC 6762), without sockets: it takes messages and says what to send, and when.

use core::net::SocketAddrV4;

use embassy_time::{Duration, Instant};

use super::outgoing::{Destination, Outgoing, Unicast};
use super::records::{RECORDS, Records, Set, What};
use crate::wire::dns::{ANY_CLASS, CLASS_FLAG, INTERNET, Message, Name, Plain, Record, Section, flag, kind};

/// The port of multicast DNS.
pub(super) const PORT: u16 = 5353;

/// Probes before a name is the device's own, and the time between them (RFC 6762, 8.1).
const PROBES: u8 = 3;
const PROBE_PAUSE: Duration = Duration::from_millis(250);
/// Announcements, and the time between them (8.3).
const ANNOUNCEMENTS: u8 = 2;
const ANNOUNCEMENT_PAUSE: Duration = Duration::from_secs(1);
/// How long the device waits when it has lost against another probe (8.2).
const DEFERRED: Duration = Duration::from_secs(1);
/// After this number of conflicts in a row the device slows down (8.1).
const MANY_CONFLICTS: u16 = 15;
const SLOW: Duration = Duration::from_secs(5);
/// A record is sent to all at most once in `RATE` (6), a name that another device probes for in `DEFENCE_RATE`.
const RATE: Duration = Duration::from_secs(1);
const DEFENCE_RATE: Duration = Duration::from_millis(250);
/// Maximum seconds for which a querier of plain DNS may keep an answer (6.7).
const LEGACY_TTL: u32 = 10;
/// Unicast answers per second: more questions are probably sent with the address of a victim.
const UNICAST_ANSWERS: u8 = 50;

/// The state of the device's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The device asks whether others have the name; with the number of probes sent.
    Probing(u8),
    /// The device has the name and announces it; with the number of announcements sent.
    Announcing(u8),
    /// The device has the name.
    Settled,
}

/// Answers that wait.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    records: Set,
    due: Instant,
    /// The querier that will send more known answers.
    asker: Option<SocketAddrV4>,
    /// Another device probes for the name.
    defends: bool,
}

/// The responder.
pub(super) struct Responder {
    pub records: Records,
    ttl: u32,
    phase: Phase,
    /// The time of the next step of the phase.
    next: Instant,
    /// When each record was last sent to all.
    shown: [Option<Instant>; RECORDS],
    waiting: Option<Waiting>,
    conflicts: u16,
    /// The second in which unicast answers are counted, and how many there were.
    unicast: (Instant, u8),
}

/// Source of randomness: answers a number below its argument.
pub(super) type Dice<'a> = &'a dyn Fn(u32) -> u32;

impl Responder {
    /// A responder that begins to probe for the name.
    pub fn new(records: Records, ttl: u32, now: Instant, dice: Dice<'_>) -> Self {
        Self {
            records,
            ttl,
            phase: Phase::Probing(0),
            // After a power failure not all devices shall probe at once.
            next: now + Duration::from_millis(dice(250).into()),
            shown: [None; RECORDS],
            waiting: None,
            conflicts: 0,
            unicast: (now, 0),
        }
    }

    /// Whether the name is the device's own.
    pub fn is_settled(&self) -> bool {
        !matches!(self.phase, Phase::Probing(_))
    }

    /// Seconds for which others may keep the records.
    pub fn ttl(&self) -> u32 {
        self.ttl
    }

    /// When there is something to do.
    pub fn due(&self) -> Option<Instant> {
        let phase = (self.phase != Phase::Settled).then_some(self.next);
        phase.into_iter().chain(self.waiting.map(|waiting| waiting.due)).min()
    }

    /// Does the steps that are due. Answers whether the name has just become the device's own.
    pub fn proceed(&mut self, now: Instant, out: &mut Outgoing<'_>) -> bool {
        let mut settled = false;
        match self.phase {
            Phase::Probing(sent) if self.next <= now => {
                if sent < PROBES {
                    out.probe(&self.records, self.ttl, sent < PROBES - 1);
                    self.phase = Phase::Probing(sent + 1);
                    self.next = now + PROBE_PAUSE;
                } else {
                    settled = true;
                    self.conflicts = 0;
                    self.announce(1, now, out);
                }
            }
            Phase::Announcing(sent) if self.next <= now => self.announce(sent + 1, now, out),
            _ => {}
        }
        if self.waiting.is_some_and(|waiting| waiting.due <= now) {
            self.answer_all(now, out);
        }
        settled
    }

    fn announce(&mut self, number: u8, now: Instant, out: &mut Outgoing<'_>) {
        let all = self.records.those(|what| !what.is_denial());
        let sent = out.send(&self.records, all, self.records.all().without(all), self.ttl, Destination::All);
        self.mark(sent, now);
        self.phase = if number < ANNOUNCEMENTS { Phase::Announcing(number) } else { Phase::Settled };
        self.next = now + ANNOUNCEMENT_PAUSE;
    }

    /// Says goodbye: the records do not exist any more (10.1).
    pub fn goodbye(&self, out: &mut Outgoing<'_>) {
        if self.is_settled() {
            let all = self.records.those(|what| !what.is_denial());
            out.send(&self.records, all, Set::NONE, 0, Destination::All);
        }
    }

    fn mark(&mut self, sent: Set, now: Instant) {
        for number in sent.numbers() {
            if let Some(shown) = self.shown.get_mut(usize::from(number)) {
                *shown = Some(now);
            }
        }
    }

    fn shown(&self, number: u8) -> Option<Instant> {
        self.shown.get(usize::from(number)).copied().flatten()
    }

    /// The records that may be sent to all again.
    fn sendable(&self, records: Set, rate: Duration, now: Instant) -> Set {
        records.numbers().filter(|number| self.shown(*number).is_none_or(|shown| shown + rate <= now)).collect()
    }

    /// Sends the waiting records to all, as far as the rate allows; the others keep waiting.
    fn answer_all(&mut self, now: Instant, out: &mut Outgoing<'_>) {
        let Some(waiting) = self.waiting.take() else { return };
        let rate = if waiting.defends { DEFENCE_RATE } else { RATE };
        let ready = self.sendable(waiting.records, rate, now);
        if !ready.is_empty() {
            let more = self.sendable(self.records.helpful(ready), RATE, now);
            let sent = out.send(&self.records, ready, more, self.ttl, Destination::All);
            self.mark(sent, now);
        }
        let left = waiting.records.without(ready);
        if let Some(due) = left.numbers().filter_map(|number| self.shown(number)).map(|shown| shown + rate).min() {
            self.waiting = Some(Waiting { records: left, due, asker: None, defends: waiting.defends });
        }
    }

    /// Adds answers to the waiting ones. All are sent when the first one is due.
    fn wait(&mut self, records: Set, due: Instant, defends: bool) {
        if records.is_empty() {
            return;
        }
        self.waiting = Some(match self.waiting {
            Some(waiting) => Waiting {
                records: waiting.records.with(records),
                due: waiting.due.min(due),
                asker: None,
                defends: waiting.defends || defends,
            },
            None => Waiting { records, due, asker: None, defends },
        });
    }

    /// A message from a neighbour.
    pub fn receive(
        &mut self,
        message: &Message<'_>,
        from: SocketAddrV4,
        now: Instant,
        dice: Dice<'_>,
        out: &mut Outgoing<'_>,
    ) {
        if !message.is_standard() {
            return;
        }
        if !message.is_response() {
            if matches!(self.phase, Phase::Probing(_)) {
                self.compare_probes(message, now);
            } else {
                self.query(message, from, now, dice, out);
            }
        } else if from.port() == PORT {
            self.response(message, now, dice);
        }
    }

    fn query(
        &mut self,
        message: &Message<'_>,
        from: SocketAddrV4,
        now: Instant,
        dice: Dice<'_>,
        out: &mut Outgoing<'_>,
    ) {
        let (mut to_all, mut to_one) = (Set::NONE, Set::NONE);
        let is_legacy = from.port() != PORT;
        let read = message.each_question(|question| {
            let class = question.class & !CLASS_FLAG;
            if class != INTERNET && class != ANY_CLASS {
                return;
            }
            let answers = self.records.answers(&question.name, question.kind);
            if is_legacy || question.class & CLASS_FLAG != 0 {
                to_one = to_one.with(answers);
            } else {
                to_all = to_all.with(answers);
            }
        });
        let (known, is_probe) = self.known(message, to_all.with(to_one));
        if read.is_err() {
            return;
        }
        if is_legacy {
            return self.answer_one(to_one.without(known), Unicast::Legacy(message, from), now, out);
        }
        self.drop_known(message, from, known);
        // If a record was not sent to all for long, other devices need it, too.
        let rarely = self.rarely(to_one, now);
        let to_one = to_one.without(rarely).without(known);
        let to_all = to_all.with(rarely).without(known);
        self.answer_one(to_one, Unicast::Plain(from), now, out);
        self.answer_later(message, from, to_all, is_probe, now, dice);
    }

    /// Records that were not sent to all within a quarter of their TTL (5.4).
    fn rarely(&self, records: Set, now: Instant) -> Set {
        let quarter = Duration::from_secs(u64::from(self.ttl) / 4);
        self.sendable(records, quarter.max(RATE), now)
    }

    /// The known answers in a query (7.1), and whether the query probes for a name of the device.
    fn known(&self, message: &Message<'_>, asked: Set) -> (Set, bool) {
        let (mut known, mut is_probe) = (Set::NONE, false);
        let _ = message.records(|section, record| match section {
            Section::Answer if record.ttl >= self.ttl / 2 => {
                known = known.with(self.same(message, &record, self.records.all()));
            }
            Section::Authority => is_probe |= !asked.is_empty(),
            _ => {}
        });
        (known, is_probe)
    }

    /// The records among these that are equal to `record`.
    fn same(&self, message: &Message<'_>, record: &Record<'_>, among: Set) -> Set {
        let is_same = |number: &u8| {
            self.records
                .with(*number, |name, kind, data| {
                    *name == record.name
                        && kind == record.kind
                        && message.plain(record).is_ok_and(|plain| is_same_data(kind, &plain, &data.plain()))
                })
                .unwrap_or(false)
        };
        among.numbers().filter(is_same).collect()
    }

    /// Removes further known answers of a querier from the waiting records (7.2).
    fn drop_known(&mut self, message: &Message<'_>, from: SocketAddrV4, known: Set) {
        if message.questions() == 0
            && let Some(waiting) = &mut self.waiting
            && waiting.asker == Some(from)
        {
            waiting.records = waiting.records.without(known);
            if waiting.records.is_empty() {
                self.waiting = None;
            }
        }
    }

    /// Answers to all: at once when only this device can answer, else after a short delay in which others may answer,
    /// and after a longer one when more known answers follow (6, 7.2).
    fn answer_later(
        &mut self,
        message: &Message<'_>,
        from: SocketAddrV4,
        records: Set,
        is_probe: bool,
        now: Instant,
        dice: Dice<'_>,
    ) {
        if records.is_empty() {
            return;
        }
        let is_shared = records.numbers().any(|number| What::of(number).is_shared());
        let is_cut = message.flags() & flag::TRUNCATED != 0;
        let millis = match () {
            () if is_probe => 0,
            () if is_cut => 400 + dice(100),
            () if is_shared => 20 + dice(100),
            () => 0,
        };
        let nothing_waited = self.waiting.is_none();
        self.wait(records, now + Duration::from_millis(millis.into()), is_probe);
        if let Some(waiting) = self.waiting.as_mut().filter(|_| nothing_waited && is_cut) {
            waiting.asker = Some(from);
        }
    }

    fn answer_one(&mut self, records: Set, to: Unicast<'_>, now: Instant, out: &mut Outgoing<'_>) {
        if records.is_empty() || !self.may_answer(now) {
            return;
        }
        let ttl = if matches!(to, Unicast::Legacy(..)) { self.ttl.min(LEGACY_TTL) } else { self.ttl };
        let more = self.records.helpful(records);
        out.send(&self.records, records, more, ttl, Destination::One(to));
    }

    /// Counts a unicast answer. Answers whether it may be sent.
    pub fn may_answer(&mut self, now: Instant) -> bool {
        if self.unicast.0 + RATE <= now {
            self.unicast = (now, 0);
        }
        self.unicast.1 = self.unicast.1.saturating_add(1);
        self.unicast.1 <= UNICAST_ANSWERS
    }

    /// Handles a response: another device has a name of this one, or has already sent the same answer (7.4), or has
    /// said goodbye for a record that is still valid (6.6).
    fn response(&mut self, message: &Message<'_>, now: Instant, dice: Dice<'_>) {
        let (mut told, mut wrong, mut is_taken) = (Set::NONE, Set::NONE, false);
        let _ = message.records(|section, record| {
            let same = self.same(message, &record, self.records.all());
            if section == Section::Authority {
            } else if !same.is_empty() {
                match () {
                    () if record.ttl >= self.ttl => told = told.with(same),
                    () if record.ttl < self.ttl / 2 => wrong = wrong.with(same),
                    () => {}
                }
            } else if record.ttl > 0 && record.class & !CLASS_FLAG == INTERNET {
                is_taken |= self.is_conflict(&record);
            }
        });
        if is_taken {
            return self.conflict(now);
        }
        if let Some(waiting) = self.waiting.as_mut().filter(|waiting| !waiting.defends) {
            waiting.records = waiting.records.without(told);
        }
        if self.phase == Phase::Settled {
            let shared = wrong.numbers().filter(|number| What::of(*number).is_shared()).collect();
            self.wait(shared, now + Duration::from_millis(u64::from(20 + dice(100))), false);
        }
    }

    /// Whether a different record of another device conflicts with a name of this one. While the device probes, a
    /// record of any type conflicts.
    fn is_conflict(&self, record: &Record<'_>) -> bool {
        let is_probing = !self.is_settled();
        self.records.unique().any(|(name, records)| {
            let kinds = || records.numbers().filter_map(|number| self.records.with(number, |_, kind, _| kind));
            name == record.name && (is_probing && record.kind != kind::NSEC || kinds().any(|kind| kind == record.kind))
        })
    }

    /// Another device has the name. While probing, the device tries the next name; later, it probes for the name again
    /// first (9).
    fn conflict(&mut self, now: Instant) {
        let is_probing = matches!(self.phase, Phase::Probing(_));
        if is_probing {
            self.records.rename();
            self.conflicts = self.conflicts.saturating_add(1);
        }
        self.probe_again(now + if self.conflicts >= MANY_CONFLICTS { SLOW } else { Duration::MIN });
    }

    /// Probes for the name again.
    pub fn probe_again(&mut self, at: Instant) {
        self.phase = Phase::Probing(0);
        self.next = at;
        self.waiting = None;
        self.shown = [None; RECORDS];
    }

    /// Another device probes for the same name at the same time: the one with the later data gets it (8.2).
    fn compare_probes(&mut self, message: &Message<'_>, now: Instant) {
        let loses = self.records.unique().any(|(name, own)| self.loses(message, &name, own));
        if loses && self.phase != Phase::Probing(0) {
            self.probe_again(now + DEFERRED);
        }
    }

    /// Compares the records that the other device proposes with the device's own: by class, type and data, pair by
    /// pair.
    fn loses(&self, message: &Message<'_>, name: &Name, own: Set) -> bool {
        let mut own: heapless::Vec<u8, RECORDS> = own.numbers().collect();
        let kind_of = |number: &u8| self.records.with(*number, |_, kind, _| kind).unwrap_or(0);
        own.sort_unstable_by_key(kind_of);
        let mut above = (0, Plain::new());
        let mut mine = own.iter();
        loop {
            let theirs = next_wanted(message, name, &above);
            let ours = mine.next().and_then(|number| self.records.with(*number, |_, kind, data| (kind, data.plain())));
            match (ours, theirs) {
                (Some(ours), Some(theirs)) if ours == theirs => above = theirs,
                (Some(ours), Some(theirs)) => return ours < theirs,
                // The device with more records is later.
                (None, theirs) => return theirs.is_some(),
                (Some(_), None) => return false,
            }
        }
    }
}

/// Compares data, ignoring the case of the names in them.
fn is_same_data(kind: u16, left: &[u8], right: &[u8]) -> bool {
    let named = match kind {
        kind::PTR | kind::NSEC => 0,
        kind::SRV => 6,
        _ => return left == right,
    };
    let halves = left.split_at_checked(named).zip(right.split_at_checked(named));
    halves.is_some_and(|((a, b), (c, d))| a == c && b.eq_ignore_ascii_case(d))
}

/// The first record after `above`, in the order of types and data, that the sender of a probe proposes. No real record
/// equals the empty one of type 0.
fn next_wanted(message: &Message<'_>, name: &Name, above: &(u16, Plain)) -> Option<(u16, Plain)> {
    let mut least: Option<(u16, Plain)> = None;
    let _ = message.records(|section, record| {
        if section != Section::Authority || record.name != *name || record.class & !CLASS_FLAG != INTERNET {
            return;
        }
        let Ok(plain) = message.plain(&record) else { return };
        let wanted = (record.kind, plain);
        if wanted > *above && least.as_ref().is_none_or(|least| wanted < *least) {
            least = Some(wanted);
        }
    });
    least
}
