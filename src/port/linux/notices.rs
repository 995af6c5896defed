//! What the process has to say to its user while the device runs: on standard error, or, where that is the very terminal on
//! which the device draws, through the device, so that it lands above the prompt and not in it.

use std::collections::VecDeque;
use std::fmt::{Arguments, Write as _};
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::task::Waker;

use rustix::stdio::{stderr, stdout};

use super::wakers::{keep, wake};
use crate::features;

/// Notices that wait for the device at most; who is not shown them has other things to look at.
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
        // Who has closed standard error does not want to know.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

/// Whether what is told is shown by the device, on its own terminal.
pub fn are_drawn() -> bool {
    with(|notices| notices.drawn)
}

/// The device draws on the terminal of standard output: from now on it shows what is told, if that is where standard error
/// leads, too.
pub(super) fn draw() {
    let device = |data: rustix::fs::Stat| (data.st_dev, data.st_ino);
    let here = rustix::fs::fstat(stdout()).map(device).ok();
    let same =
        rustix::termios::isatty(stderr()) && here.is_some() && rustix::fs::fstat(stderr()).map(device).ok() == here;
    with(|notices| notices.drawn = features::LINE_EDITOR && same);
}

/// The device draws no more; what it has not shown is told now.
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
