use embassy_time::{Duration, Instant};
use proptest::prelude::*;
use std::cell::Cell;
use std::vec::Vec;

use super::*;

fn at(millis: u64) -> Instant {
    Instant::from_millis(1000 + millis)
}

fn data(offset: u64, skip: usize, most: usize) -> Next {
    Next::Data { offset, skip, most }
}

#[test]
fn nothing_is_sent_without_credit() {
    let mut out = Outward::new();
    for millis in [0, 600, 60_000] {
        assert_eq!(out.next(100, at(millis)), Next::Nothing, "nobody has asked for this stream");
    }
    assert_eq!(out.credited(0, 40, false), 0);
    assert_eq!(out.next(100, at(60_000)), data(0, 0, 40));
    out.sent(40, at(60_000));
    assert_eq!(out.next(100, at(60_001)), Next::Nothing);
}

#[test]
fn what_is_not_acknowledged_is_sent_again() {
    let mut out = Outward::new();
    out.credited(0, 100, false);
    out.sent(30, at(0));
    assert_eq!(out.next(50, at(0)), data(30, 30, 20));
    out.sent(20, at(0));
    assert_eq!(out.next(50, at(499)), Next::Nothing);
    assert_eq!(out.due(), Some(at(500)));
    assert_eq!(out.next(50, at(500)), data(0, 0, 50));
    out.sent(50, at(500));
    assert_eq!(out.credited(30, 100, false), 30);
    assert_eq!(out.next(20, at(600)), Next::Nothing);
    assert_eq!(out.credited(30, 100, true), 0);
    assert_eq!(out.next(20, at(600)), data(30, 0, 20), "a gap is filled at once");
    out.sent(20, at(600));
    assert_eq!(out.credited(50, 100, false), 20);
    assert_eq!((out.next(0, at(9999)), out.due()), (Next::Nothing, None));
}

#[test]
fn pieces_get_smaller_while_they_are_lost() {
    let (mut out, mut now, mut sizes) = (Outward::new(), at(0), Vec::new());
    out.credited(0, 10_000, false);
    for _ in 0..6 {
        let Next::Data { offset: 0, skip: 0, most } = out.next(10_000, now) else { panic!("it is sent again") };
        sizes.push(most);
        out.sent(10_000, now);
        now += Duration::from_secs(2);
    }
    assert_eq!(sizes, [10_000, 1024, 512, 256, 128, 128]);
    out.credited(128, 10_000, true);
    assert_eq!(out.next(9872, now), data(128, 0, 256));
}

#[test]
fn a_host_that_grants_nothing_is_asked() {
    let mut out = Outward::new();
    out.credited(0, 10, false);
    out.sent(10, at(0));
    out.credited(10, 10, false);
    assert_eq!(out.next(5, at(0)), Next::Nothing);
    assert_eq!(out.next(5, at(500)), Next::Probe { offset: 10 });
    assert_eq!(out.next(5, at(1499)), Next::Nothing);
    assert_eq!(out.next(5, at(1500)), Next::Probe { offset: 10 });
    out.credited(10, 12, false);
    assert_eq!(out.next(5, at(1501)), data(10, 0, 2));
}

#[test]
fn a_host_that_lies_does_no_harm() {
    let mut out = Outward::new();
    assert_eq!(out.credited(u64::MAX, u64::MAX, true), 0);
    assert_eq!(out.next(5, at(0)), data(0, 0, 5));
    out.sent(5, at(0));
    assert_eq!(out.credited(u64::MAX, 0, false), 5);
    // Somebody else has read what the host does not have.
    out.sent(7, at(0));
    assert_eq!(out.next(0, at(900)), Next::Nothing);
    let mut inward = Inward::new();
    inward.room(Some(10), false);
    assert_eq!(inward.arrived(u64::MAX, 5), 0..0);
    assert_eq!(inward.arrived(0, 50), 0..10, "not more than was granted");
}

#[test]
fn a_gap_is_told_once_and_old_bytes_are_not_taken_again() {
    let mut inward = Inward::new();
    inward.room(Some(100), false);
    assert_eq!(inward.take_due(), Some((0, 100, false, false)));
    assert_eq!(inward.arrived(10, 5), 0..0);
    assert_eq!(inward.take_due(), Some((0, 100, true, false)));
    assert_eq!(inward.arrived(15, 5), 0..0);
    assert_eq!(inward.take_due(), None);
    assert_eq!(inward.arrived(0, 10), 0..10);
    inward.took(10, 10);
    assert_eq!(inward.arrived(5, 10), 5..10);
    inward.took(5, 5);
    assert_eq!(inward.take_due(), Some((15, 100, false, false)));
    assert_eq!(inward.arrived(0, 15), 15..15);
    assert_eq!(inward.take_due(), Some((15, 100, false, false)), "who repeats has not heard");
}

#[test]
fn credit_comes_back_when_half_of_it_is_used() {
    let mut inward = Inward::new();
    inward.room(Some(100), false);
    inward.take_due();
    inward.arrived(0, 40);
    inward.took(40, 40);
    inward.take_due();
    inward.room(Some(100), false);
    assert_eq!(inward.take_due(), None);
    inward.arrived(40, 20);
    inward.took(20, 20);
    inward.take_due();
    inward.room(Some(100), false);
    assert_eq!(inward.take_due(), Some((60, 160, false, false)));
}

#[test]
fn what_found_no_room_is_asked_for_again() {
    for (whole, enough) in [(false, 1), (true, 30)] {
        let mut inward = Inward::new();
        inward.room(Some(50), whole);
        assert_eq!(inward.arrived(0, 30), 0..30);
        inward.took(0, 30);
        inward.take_due();
        inward.room(Some(enough - 1), whole);
        assert_eq!(inward.take_due(), None);
        inward.room(Some(enough), whole);
        assert_eq!(inward.take_due(), Some((0, 50, true, false)));
    }
    let mut inward = Inward::new();
    inward.room(None, false);
    assert_eq!(inward.take_due(), Some((0, 0, false, true)));
    inward.room(None, false);
    assert_eq!(inward.take_due(), None);
}

proptest! {
    /// Over a line that loses frames both ways every byte arrives once, and never one that was not granted.
    #[test]
    fn everything_arrives_once(
        content in proptest::collection::vec(any::<u8>(), 1..400),
        room in 1..60usize, losses in proptest::collection::vec(any::<bool>(), 1..40),
    ) {
        let (mut out, mut inward) = (Outward::new(), Inward::new());
        let (mut got, mut now, mut loses) = (Vec::new(), at(0), losses.iter().cycle());
        // Frames are lost by the pattern among the first 200, none later: else it may never end.
        let frames = Cell::new(0);
        let mut lost = || { frames.set(frames.get() + 1); frames.get() < 200 && *loses.next().unwrap() };
        for _ in 0..20_000 {
            inward.room(Some(room), false);
            if let Some((received, limit, again, _)) = inward.take_due() && !lost() {
                out.credited(received, limit, again);
            }
            let waiting = content.len() - out.acknowledged() as usize;
            match out.next(waiting, now) {
                Next::Data { offset, skip, most } => {
                    prop_assert_eq!(offset, out.acknowledged() + skip as u64);
                    let count = most.min(17);
                    out.sent(count, now);
                    if !lost() {
                        let part = &content[offset as usize..offset as usize + count];
                        let new = inward.arrived(offset, count);
                        prop_assert!(new.len() <= room);
                        got.extend_from_slice(&part[new.clone()]);
                        inward.took(new.len(), new.len());
                    }
                }
                Next::Probe { offset } => {
                    if !lost() {
                        inward.arrived(offset, 0);
                    }
                }
                Next::Nothing if out.acknowledged() as usize == content.len() => break,
                Next::Nothing => {
                    now += Duration::from_millis(100);
                    // The side that has granted credit repeats it until the credit is known to have arrived.
                    if got.is_empty() {
                        inward.arrived(0, 0);
                    }
                }
            }
        }
        prop_assert_eq!(got, content);
    }
}
