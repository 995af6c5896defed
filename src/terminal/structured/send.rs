//! What is sent next: short messages first, then answers and data in turn.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};

use embassy_time::{Instant, Timer};

use super::FRAME;
use super::news::next_line;
use super::session::Session;
use crate::limits;
use crate::wire::structured::frame;
use crate::wire::structured::message::{Message, VERSION};

impl Session<'_> {
    /// Sends frames, for ever, or until the other end is gone.
    pub(super) async fn send(&self) {
        let mut out = [0; FRAME];
        let mut timer = None;
        // Text that was sent before is not part of the first frame.
        self.write(&[0]).await;
        loop {
            let length = poll_fn(|context| self.poll_frame(context, &mut out, &mut timer)).await;
            if !self.write(out.get(..length).unwrap_or_default()).await {
                return core::future::pending().await;
            }
        }
    }

    /// Writes a whole frame; false when the other end is gone.
    pub(super) async fn write(&self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            match poll_fn(|context| self.line.poll_write(context, bytes)).await {
                Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
                Err(_) => return false,
            }
        }
        true
    }

    fn poll_frame(&self, context: &mut Context<'_>, out: &mut [u8], timer: &mut Option<Timer>) -> Poll<usize> {
        let now = Instant::now();
        self.watch(context);
        self.table.borrow_mut().refresh(self.streams(), &self.events);
        if let Some(length) = self.next_frame(out, now) {
            return Poll::Ready(length);
        }
        let due = [self.table.borrow().due(), self.interfaces.borrow().due()].into_iter().flatten().min();
        let Some(due) = due else { return Poll::Pending };
        // If it is already past, there is still nothing to send.
        if due > now {
            let _ = Pin::new(timer.insert(Timer::at(due))).poll(context);
        }
        Poll::Pending
    }

    /// Asks to be woken by everything that may give something to send.
    fn watch(&self, context: &mut Context<'_>) {
        self.changed.borrow_mut().register(context.waker());
        self.base().log.follow(context.waker());
        for handle in 0..limits::STREAMS as u8 {
            self.streams().watch(handle, context.waker());
        }
    }

    /// The next frame, and its length.
    fn next_frame(&self, out: &mut [u8], now: Instant) -> Option<usize> {
        let short = self.short_frame(out, now);
        if short.is_some() {
            return short;
        }
        let answers_first = !self.answers_first.get();
        self.answers_first.set(answers_first);
        let data = |out: &mut [u8]| {
            let mut table = self.table.borrow_mut();
            table.next_data(self.base(), self.streams(), (now, self.content.get()), |message| put(message, out))?
        };
        let answer = |out: &mut [u8]| self.requests.answer(self.content.get(), |message| put(message, out))?;
        match answers_first {
            true => answer(out).or_else(|| data(out)),
            false => data(out).or_else(|| answer(out)),
        }
    }

    fn short_frame(&self, out: &mut [u8], now: Instant) -> Option<usize> {
        if self.welcome.take() {
            return put(&self.welcome_message(), out);
        }
        let mut table = self.table.borrow_mut();
        if let Some(length) = self.requests.notice(|message| put(message, out)) {
            return length;
        }
        if let Some(length) = table.credit(|message| put(message, out)) {
            return length;
        }
        if let Some(length) = table.event(now, |message| put(message, out)) {
            return length;
        }
        let mut interfaces = self.interfaces.borrow_mut();
        if let Some(length) = interfaces.next(self.base(), &self.events, now, |message| put(message, out)) {
            return length;
        }
        let (number, level, text) = next_line(self.base(), &self.next_log)?;
        put(&Message::Log { number, level, text: &text }, out)
    }

    fn welcome_message(&self) -> Message<'static> {
        Message::Welcome {
            version: VERSION,
            frame: limits::STRUCTURED_FRAME as u32,
            requests: limits::STRUCTURED_REQUESTS as u32,
            line: limits::COMMAND_LINE as u32,
            log: self.next_log.get(),
            dropped: self.dropped.get(),
        }
    }
}

/// Writes a frame. A message that does not fit is not sent; there is none.
pub(super) fn put(message: &Message<'_>, out: &mut [u8]) -> Option<usize> {
    frame::write(message, out).ok()
}
