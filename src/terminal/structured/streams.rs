//! The streams as the host knows them: one place for each handle.

use embassy_time::Instant;

use super::flow::{Inward, Next, Outward};
use super::news::{Events, Telling};
use crate::base::Base;
use crate::limits;
use crate::stream::{Kind, StreamId, Streams};
use crate::wire::structured::message::{Message, credit, state};

/// A stream that the host knows, or will.
struct Place {
    id: StreamId,
    kind: Kind,
    state: u8,
    end: u64,
    telling: Telling,
    outward: Outward,
    inward: Inward,
    /// It is a file, which may be complete.
    settles: bool,
}

/// All of them.
pub struct Table {
    places: [Option<Place>; limits::STREAMS],
    /// Handles that the host asks about, as bits; `strange`: one that cannot exist.
    asked: u8,
    strange: Option<u8>,
    /// The place whose data come next.
    turn: usize,
}

const _: () = assert!(limits::STREAMS <= 8, "the handles that are asked about are bits of a byte");

impl Table {
    /// The host knows of none.
    pub const fn new() -> Self {
        Self { places: [const { None }; limits::STREAMS], asked: 0, strange: None, turn: 0 }
    }

    /// Looks at what has changed since the last time.
    pub fn refresh(&mut self, streams: &Streams, events: &Events) {
        for (handle, place) in (0..).zip(&mut self.places) {
            let open = streams.opened(handle);
            match place {
                Some(place) if open == Some(place.id) => place.refresh(streams, events),
                Some(place) if open.is_none() => place.closed(events),
                place => *place = open.and_then(|id| Place::new(id, streams, events)),
            }
        }
    }

    /// The host asks which stream is on a handle.
    pub fn ask(&mut self, handle: u8) {
        match usize::from(handle) < limits::STREAMS {
            true => self.asked |= 1 << handle,
            false => self.strange = Some(handle),
        }
    }

    /// The host has seen an event.
    pub fn seen(&mut self, event: u32) {
        self.places.iter_mut().flatten().for_each(|place| place.telling.seen(event));
    }

    fn place(&mut self, stream: u32) -> Option<&mut Place> {
        let open = |place: &&mut Place| place.id.generation == stream && place.state != state::CLOSED;
        self.places.iter_mut().flatten().find(open)
    }

    /// The host has bytes of a stream and grants more.
    pub fn credited(&mut self, streams: &Streams, stream: u32, (received, limit): (u64, u64), again: bool) {
        let Some(place) = self.place(stream) else { return };
        let news = place.outward.credited(received, limit, again);
        streams.discard(place.id, news);
        // The host has no other sign yet that its credit has come.
        if place.outward.is_unused() {
            place.inward.tell();
        }
    }

    /// The host sends bytes for a stream.
    pub fn data(&mut self, streams: &Streams, stream: u32, offset: u64, bytes: &[u8]) {
        let Some(place) = self.place(stream) else { return };
        let whole = place.kind.keeps_messages();
        let new = place.inward.arrived(offset, bytes.len());
        // No part of a message may be missing.
        let bytes = bytes.get(new).filter(|new| !new.is_empty() && (!whole || new.len() == bytes.len()));
        let Some(bytes) = bytes else { return };
        let taken = match streams.offer(place.id, bytes) {
            Ok(taken) => taken,
            // A message that cannot be sent is lost, and the log says so; a stream that has ended takes nothing more.
            Err(_) if whole => bytes.len(),
            Err(_) => 0,
        };
        place.inward.took(taken, bytes.len());
        place.settles |= place.kind == Kind::File;
    }

    /// A file that may be whole.
    pub fn take_settling(&mut self) -> Option<StreamId> {
        self.places.iter_mut().flatten().find_map(|place| core::mem::take(&mut place.settles).then_some(place.id))
    }

    /// When to look again although nothing has happened.
    pub fn due(&self) -> Option<Instant> {
        let open = self.places.iter().flatten();
        open.flat_map(|place| [place.telling.due(), place.outward.due().filter(|_| place.state != state::CLOSED)])
            .flatten()
            .min()
    }

    /// Passes to `work` what the host must be told about how much it may send.
    pub fn credit<R>(&mut self, work: impl FnOnce(&Message<'_>) -> R) -> Option<R> {
        let open = self.places.iter_mut().flatten().filter(|place| place.state != state::CLOSED);
        let mut due =
            open.filter_map(|place| Some((place.id.generation, place.outward.is_granted(), place.inward.take_due()?)));
        let (stream, granted, (received, limit, again, shut)) = due.next()?;
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        let flags = flag(again, credit::AGAIN) | flag(shut, credit::SHUT) | flag(granted, credit::GRANTED);
        Some(work(&Message::Credit { stream, received, limit, flags }))
    }

    /// Passes to `work` what the host must be told about the state of a stream.
    pub fn event<R>(&mut self, now: Instant, work: impl FnOnce(&Message<'_>) -> R) -> Option<R> {
        if let Some(handle) = self.take_asked() {
            let place = self.places.get(usize::from(handle)).and_then(Option::as_ref);
            let none = Message::Stream { event: 0, stream: 0, handle, state: state::CLOSED, end: 0, kind: "" };
            return Some(match place.filter(|place| place.state != state::CLOSED) {
                Some(place) => work(&place.message(0)),
                None => work(&none),
            });
        }
        let place = self.places.iter_mut().flatten().find_map(|place| {
            let event = place.telling.take_due(now)?;
            Some((place, event))
        });
        place.map(|(place, event)| work(&place.message(event)))
    }

    fn take_asked(&mut self) -> Option<u8> {
        let handle = self.asked.trailing_zeros() as u8;
        if handle >= 8 {
            return self.strange.take();
        }
        self.asked &= self.asked - 1;
        Some(handle)
    }

    /// Passes to `work` the next bytes for the host, at most `content`; the streams take turns.
    pub fn next_data<R>(
        &mut self,
        base: &Base,
        streams: &Streams,
        (now, content): (Instant, usize),
        work: impl FnOnce(&Message<'_>) -> R,
    ) -> Option<R> {
        for step in 0..limits::STREAMS {
            let at = (self.turn + step) % limits::STREAMS;
            let Some(place) = self.places.get_mut(at).and_then(Option::as_mut) else { continue };
            let waiting = streams.still(place.id).and_then(|()| streams.waiting(place.id.handle)).unwrap_or(0);
            let stream = place.id.generation;
            match place.outward.next(waiting, now) {
                Next::Nothing => {}
                Next::Probe { offset } => {
                    return Some(work(&Message::Data { stream, offset, last: false, bytes: &[] }));
                }
                Next::Data { offset, skip, most } => {
                    self.turn = at + 1;
                    return base.scratch.with(|buffer| {
                        let most = most.min(content).min(buffer.len());
                        let buffer = buffer.get_mut(..most).unwrap_or_default();
                        let peeked = streams.peek(place.id, skip, buffer).ok().filter(|peeked| peeked.count > 0)?;
                        place.outward.sent(peeked.count, now);
                        let bytes = buffer.get(..peeked.count).unwrap_or_default();
                        Some(work(&Message::Data { stream, offset, last: peeked.last, bytes }))
                    });
                }
            }
        }
        None
    }
}

impl Place {
    fn new(id: StreamId, streams: &Streams, events: &Events) -> Option<Self> {
        let mut place = Self {
            id,
            kind: streams.kind(id.handle).ok()?,
            state: state::OPEN,
            end: 0,
            telling: Telling::new(events.next()),
            outward: Outward::new(),
            inward: Inward::new(),
            settles: false,
        };
        place.refresh(streams, events);
        Some(place)
    }

    fn refresh(&mut self, streams: &Streams, events: &Events) {
        let handle = self.id.handle;
        if self.state == state::OPEN && streams.is_ended(handle) == Ok(true) {
            let left = streams.waiting(handle).unwrap_or(0);
            (self.state, self.end) = (state::ENDED, self.outward.acknowledged() + left as u64);
            self.telling = Telling::new(events.next());
        }
        self.inward.room(streams.takes(self.id).ok(), self.kind.keeps_messages());
    }

    fn closed(&mut self, events: &Events) {
        if self.state != state::CLOSED {
            (self.state, self.end) = (state::CLOSED, self.outward.acknowledged());
            self.telling = Telling::new(events.next());
        }
    }

    fn message(&self, event: u32) -> Message<'static> {
        let end = if self.state == state::OPEN { self.outward.acknowledged() } else { self.end };
        let (stream, handle) = (self.id.generation, self.id.handle);
        Message::Stream { event, stream, handle, state: self.state, end, kind: self.kind.name() }
    }
}
