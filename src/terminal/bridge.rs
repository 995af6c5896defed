//! Stream mode: the command UART is connected to one stream, byte for byte (interface, serial 7).
//!
//! Bytes from the host are read straight into the stream's send ring; received bytes are written straight out of its
//! receive ring. Bytes that the host sends while there is no stream wait in the line's buffer; streams that keep
//! messages take theirs from it as well. A full ring or buffer stops reading, which is flow control where the UART has
//! it.

use core::cell::RefCell;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};

use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Instant, Timer, with_timeout};

use super::input::{Input, More};
use super::line::Line;
use super::packets::Packets;
use super::sequence::Sequence;
use crate::base::Base;
use crate::limits;
use crate::port::PortError;
use crate::stream::{Streams, Through};
use crate::variable::{Id, id};

const SEQUENCE: Id = id("bus.stream.cmd_seq");
const RX_SIZE: Id = id("bus.command.rx_bufsize");
const FLOW: Id = id("uart.flow");

/// How long sent bytes may take to leave when the line has ended.
const LINGER: Duration = Duration::from_secs(5);
/// Bytes to look at in one read when there is no room to keep them.
const LOST: usize = 32;

/// Why stream mode is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The host has broken out.
    Break,
    /// The line has ended.
    Ended,
    /// Another stream replaces the previous one.
    Next,
}

/// The result of one look at the line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// This many bytes have come.
    Read(usize),
    /// Nothing has come.
    Silent,
    /// There is no room for more.
    Full,
    Ended,
}

/// The line in stream mode.
pub(super) struct Bridge<'a> {
    streams: &'static Streams,
    line: Line,
    input: &'a Input,
    /// The most bytes of the host that may wait while there is no stream.
    most: usize,
    /// The host stops sending when it is told to.
    flow: bool,
    state: RefCell<State>,
}

struct State {
    sequence: Sequence,
    packets: Packets,
    timer: Option<(Instant, Timer)>,
    /// How many of the newest bytes were not kept.
    lost: usize,
    /// The byte that still belongs to the end of the last line.
    line_end: Option<u8>,
}

impl<'a> Bridge<'a> {
    /// Starts stream mode. The bytes that wait in `input` came after a command; if `line_end` is the first byte to
    /// come, it still belongs to that command's line.
    pub fn new(
        base: &'static Base,
        streams: &'static Streams,
        line: Line,
        input: &'a Input,
        mut line_end: Option<u8>,
    ) -> Self {
        take_line_end(input, &mut line_end);
        let (now, variables) = (Instant::now(), &base.variables);
        let packets = Packets::new(variables);
        let wanted = packets.count().max(variables.number(RX_SIZE).max(0) as usize);
        let mut sequence = variables.with(SEQUENCE, |text| Sequence::new(text, now));
        input.use_up(|bytes| {
            sequence.observe(bytes, now);
            0
        });
        Self {
            streams,
            line,
            input,
            most: wanted.min(limits::SERIAL_RX),
            flow: variables.at(FLOW, 0) == *b"1",
            state: RefCell::new(State { sequence, packets, timer: None, lost: 0, line_end }),
        }
    }

    /// Moves bytes until the host breaks out or the line ends.
    pub async fn run(&self) -> End {
        loop {
            let target = self.streams.through();
            let outward = poll_fn(|context| self.poll_outward(target.as_ref(), context));
            let inward = poll_fn(|context| target.as_ref().map_or(Poll::Pending, |to| self.poll_inward(to, context)));
            let end = match select(outward, inward).await {
                Either::First(end) => end,
                Either::Second(()) => End::Next,
            };
            match (end, target) {
                (End::Next, _) => {}
                (End::Ended, Some(target)) => {
                    target.release(0);
                    let _ = with_timeout(LINGER, poll_fn(|context| target.poll_sent(context))).await;
                    return end;
                }
                _ => return end,
            }
        }
    }

    /// Ends stream mode: sends the bytes held back and drops those that wait for a stream.
    pub fn stop(&self) {
        if let Some(target) = self.streams.through() {
            target.release(0);
        }
        self.input.use_up(<[u8]>::len);
    }

    /// Whether a stream other than `target` must be served.
    fn is_stale(&self, target: Option<&Through>, context: &mut Context<'_>) -> bool {
        match target {
            Some(target) => {
                target.watch(context.waker());
                !target.is_open()
            }
            None => {
                self.streams.watch_openings(context.waker());
                self.streams.through().is_some()
            }
        }
    }

    /// From the host to the stream.
    fn poll_outward(&self, target: Option<&Through>, context: &mut Context<'_>) -> Poll<End> {
        if self.line.take_break() {
            self.line.break_unused();
        }
        if self.is_stale(target, context) {
            return Poll::Ready(End::Next);
        }
        let mut budget = limits::CHUNK;
        let step = loop {
            let begins = self.state.borrow().line_end.is_some();
            let step = match target.filter(|target| !target.keeps_messages() && !begins) {
                Some(target) => self.read_into_ring(target, context),
                None => self.read_ahead(target, context),
            };
            match step {
                Step::Ended => return Poll::Ready(End::Ended),
                Step::Read(count) if count < budget => budget -= count,
                // The stream must have a turn to send.
                Step::Read(_) => {
                    context.waker().wake_by_ref();
                    break step;
                }
                Step::Silent | Step::Full => break step,
            }
        };
        self.decide(target, step, context)
    }

    /// Reads straight into the stream's ring, after the bytes that waited for it.
    fn read_into_ring(&self, target: &Through, context: &mut Context<'_>) -> Step {
        let mut state = self.state.borrow_mut();
        let (State { sequence, packets, .. }, now) = (&mut *state, Instant::now());
        let from_line = self.input.is_empty();
        let filled = target.fill(|free| {
            if !from_line {
                return Ok(self.input.use_up(|waiting| copy(waiting, free)));
            }
            let Poll::Ready(read) = self.line.poll_read(context, free) else { return Err(PortError::WouldBlock) };
            if let Ok(count) = read {
                sequence.observe(free.get(..count).unwrap_or_default(), now);
            }
            read
        });
        match filled {
            None => {
                // The device cannot read from the host meanwhile: that is no silence.
                sequence.is_deaf(now);
                target.release(sequence.held());
                packets.sent();
                Step::Full
            }
            Some(Ok(count @ 1..)) => {
                packets.came(now);
                self.send_bytes(target, &mut state, now);
                Step::Read(count)
            }
            Some(Err(PortError::WouldBlock)) => Step::Silent,
            Some(_) => Step::Ended,
        }
    }

    /// Reads into the buffer of the line.
    fn read_ahead(&self, target: Option<&Through>, context: &mut Context<'_>) -> Step {
        let mut state = self.state.borrow_mut();
        let (State { sequence, packets, lost, line_end, .. }, now) = (&mut *state, Instant::now());
        match self.input.poll_more(self.most, context, &mut |bytes| sequence.observe(bytes, now)) {
            More::Read(count) => {
                *lost = 0;
                take_line_end(self.input, line_end);
                packets.came(now);
                Step::Read(count)
            }
            More::Nothing => Step::Silent,
            More::Ended => Step::Ended,
            More::Full if target.is_some() || self.flow => {
                sequence.is_deaf(now);
                Step::Full
            }
            // Nothing would stop the host from sending. It may still break out.
            More::Full => {
                let mut bytes = [0; LOST];
                match self.line.poll_read(context, &mut bytes) {
                    Poll::Ready(Ok(count @ 1..)) => {
                        sequence.observe(bytes.get(..count).unwrap_or_default(), now);
                        *lost += count;
                        Step::Read(count)
                    }
                    Poll::Ready(_) => Step::Ended,
                    Poll::Pending => Step::Silent,
                }
            }
        }
    }

    /// Sends the bytes that were collected for long enough.
    fn send_bytes(&self, target: &Through, state: &mut State, now: Instant) {
        let State { sequence, packets, .. } = state;
        if packets.is_due(target.held().saturating_sub(sequence.held()), now) {
            target.release(sequence.held());
            packets.sent();
        }
    }

    /// Sends the bytes that were collected for long enough as messages, also when there is no room for more.
    fn send_messages(&self, target: &Through, state: &mut State, full: bool, context: &mut Context<'_>) {
        let State { sequence, packets, .. } = state;
        let longest = packets.count().clamp(1, target.longest_message());
        let longest = if packets.count() == 0 { target.longest_message() } else { longest };
        loop {
            let waiting = self.input.len().saturating_sub(sequence.held());
            if waiting == 0 {
                return packets.sent();
            }
            if !full && waiting < longest && !packets.is_due(waiting, Instant::now()) {
                return;
            }
            let size = waiting.min(longest);
            let sent = self.input.use_up(|bytes| {
                let message = bytes.get(..size).unwrap_or_default();
                if target.poll_message(context, message).is_ready() { message.len() } else { 0 }
            });
            if sent == 0 {
                return;
            }
        }
    }

    /// After a look at the line: breaks out, sends what is due, and asks to be woken at the next deadline.
    fn decide(&self, target: Option<&Through>, step: Step, context: &mut Context<'_>) -> Poll<End> {
        let mut state = self.state.borrow_mut();
        let now = Instant::now();
        let decided = step == Step::Silent && state.sequence.deadline().is_some_and(|deadline| deadline <= now);
        if decided && let Some(count) = state.sequence.decide() {
            let kept = count.saturating_sub(state.lost);
            match target.filter(|target| !target.keeps_messages()) {
                Some(target) => target.take_back(kept),
                None => self.input.cut(kept),
            }
            return Poll::Ready(End::Break);
        }
        let waiting = match target {
            Some(target) if target.keeps_messages() => {
                self.send_messages(target, &mut state, step == Step::Full, context);
                self.input.len()
            }
            Some(target) => {
                self.send_bytes(target, &mut state, now);
                target.held()
            }
            None => 0,
        };
        let packet = state.packets.due().filter(|due| waiting > state.sequence.held() && *due > now);
        let next = packet.into_iter().chain(state.sequence.deadline()).min();
        state.wait(next, context);
        Poll::Pending
    }

    /// From the stream to the host; ready when the stream has ended.
    fn poll_inward(&self, target: &Through, context: &mut Context<'_>) -> Poll<()> {
        let mut budget = limits::CHUNK;
        loop {
            let drained = target.drain(|bytes| match self.line.poll_write(context, bytes) {
                Poll::Ready(Ok(count)) => Ok(count),
                // The other end is gone: the bytes are lost, as on a wire.
                Poll::Ready(Err(_)) => Ok(bytes.len()),
                Poll::Pending => Err(PortError::WouldBlock),
            });
            match drained {
                Some(Ok(count)) if count < budget => budget -= count,
                Some(Ok(_)) => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Err(_)) => return Poll::Pending,
                None => {
                    target.end_when_over();
                    return if target.is_open() { Poll::Pending } else { Poll::Ready(()) };
                }
            }
        }
    }
}

impl State {
    /// Has the task woken at this time.
    fn wait(&mut self, at: Option<Instant>, context: &mut Context<'_>) {
        let Some(at) = at else {
            self.timer = None;
            return;
        };
        if self.timer.as_ref().is_none_or(|(set, _)| *set != at) {
            self.timer = Some((at, Timer::at(at)));
        }
        if let Some((_, timer)) = &mut self.timer
            && Pin::new(timer).poll(context).is_ready()
        {
            self.timer = None;
            context.waker().wake_by_ref();
        }
    }
}

/// Removes the rest of a line end from the front of the waiting bytes, once there are some.
fn take_line_end(input: &Input, line_end: &mut Option<u8>) {
    if let Some(rest) = *line_end
        && !input.is_empty()
    {
        *line_end = None;
        input.use_up(|bytes| usize::from(bytes.first() == Some(&rest)));
    }
}

/// Copies as much as fits.
fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let count = from.len().min(to.len());
    if let (Some(from), Some(to)) = (from.get(..count), to.get_mut(..count)) {
        to.copy_from_slice(from);
    }
    count
}
