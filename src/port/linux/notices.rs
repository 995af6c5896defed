//! Messages to the user while the device runs. They go to standard error. If that is the terminal on which the device
//! draws, they go through the device, which prints them above its prompt and not into it.

use std::collections::VecDeque;
use std::fmt::{Arguments, Write as _};
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::task::Waker;

use rustix::stdio::{stderr, stdout};

use super::wakers::{keep, wake};
use crate::features;

/// The most notices that wait for the device; further ones are lost.
const MOST: usize = 256;

/// Notices for the device to show.
#[derive(Default)]
struct Notices {
    /// Standard error is the terminal on which the device draws.
    drawn: bool,
    waiting: VecDeque<String>,
    reader: Option<Waker>,
}

/// There is one standard error in a process.
static NOTICES: Mutex<Notices> = Mutex::new(Notices { drawn: false, waiting: VecDeque::new(), reader: None });

fn with<R>(action: impl FnOnce(&mut Notices) -> R) -> R {
    action(&mut NOTICES.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Tells the user one line.
pub fn tell(text: Arguments<'_>) {
    let shown = with(|notices| {
        if notices.drawn && notices.waiting.len() < MOST {
            notices.waiting.push_back(text.to_string());
            wake(&mut notices.reader);
        }
        notices.drawn
    });
    if !shown {
        let mut line = String::new();
        let _ = write!(line, "{text}\r\n");
        // A user who has closed standard error does not want notices.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

/// Whether the device shows the notices, on its own terminal.
pub fn are_drawn() -> bool {
    with(|notices| notices.drawn)
}

/// The device draws on the terminal of standard output: from now on it shows the notices, if standard error is the same
/// terminal.
pub(super) fn draw() {
    let device = |data: rustix::fs::Stat| (data.st_dev, data.st_ino);
    let here = rustix::fs::fstat(stdout()).map(device).ok();
    let same =
        rustix::termios::isatty(stderr()) && here.is_some() && rustix::fs::fstat(stderr()).map(device).ok() == here;
    with(|notices| notices.drawn = features::LINE_EDITOR && same);
}

/// The device stops drawing; notices that it has not shown go to standard error now.
pub(super) fn end() {
    let left = with(|notices| {
        notices.drawn = false;
        std::mem::take(&mut notices.waiting)
    });
    left.iter().for_each(|line| tell(format_args!("{line}")));
}

/// See [`crate::port::Serial::serial_has_notice`].
pub(super) fn are_waiting() -> bool {
    with(|notices| !notices.waiting.is_empty())
}

/// See [`crate::port::Serial::serial_notice`].
pub(super) fn take(buffer: &mut [u8]) -> Option<usize> {
    let line = with(|notices| notices.waiting.pop_front())?;
    let length = line.floor_char_boundary(buffer.len());
    buffer[..length].copy_from_slice(&line.as_bytes()[..length]);
    Some(length)
}

/// See [`crate::port::Port::wake_when`].
pub(super) fn wake_when(waker: &Waker) {
    with(|notices| match notices.waiting.is_empty() {
        true => keep(&mut notices.reader, waker),
        false => waker.wake_by_ref(),
    });
}
