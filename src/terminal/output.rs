//! What goes out on a line: whole frames, one after another, never one inside another (interface, serial 4).

use core::cell::Cell;
use core::future::{pending, poll_fn};
use core::task::Poll;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::semaphore::{FairSemaphore, Semaphore, SemaphoreReleaser};
use embassy_time::{Duration, Timer};

use super::line::Line;
use super::person::{HOW_TO_LEAVE, Person, Progress, Step, WELCOME};
use super::visitor::Visitor;
use crate::base::Base;
use crate::command::{Machine, Reply};
use crate::features;
use crate::variable::{Id, id};

const ECHO: Id = id("system.cmd.echo");
const HEADER: Id = id("system.cmd.header_enabled");
const PROMPT: Id = id("system.cmd.prompt_enabled");
const DATA_BUS: Id = id("bus.data_bus");
const LOG_BUS: Id = id("bus.log_bus");
const PRINT_LEVEL: Id = id("system.print_level");

/// How long the echo of a line waits for the answer, to go out in one piece with it.
const HOLD: Duration = Duration::from_millis(500);

/// The sending side of a line.
pub struct Output {
    base: &'static Base,
    line: Line,
    /// Held while a frame goes out.
    frame: FairSemaphore<NoopRawMutex, 4>,
    /// Log lines go to another UART.
    logs_elsewhere: bool,
    /// Number of the next log line to print.
    next_log: Cell<u32>,
    /// The person at a terminal at the other end.
    person: Person,
}

impl Output {
    /// Prints the log lines from number `first_log` on.
    pub fn new(base: &'static Base, line: Line, first_log: u32) -> Self {
        let logs_elsewhere = line.is_uart() && logs_elsewhere(base);
        let person = Person::new();
        Self { base, line, frame: FairSemaphore::new(1), logs_elsewhere, next_log: Cell::new(first_log), person }
    }

    /// The person at a terminal at the other end.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// The columns of the terminal on which the line is drawn; `None` if no person sits there, or the person wants no
    /// echo, or headers.
    pub fn columns(&self) -> Option<u16> {
        self.line.terminal().filter(|_| self.base.variables.flag(ECHO) && !self.has_headers())
    }

    /// Changes what is drawn of the line.
    pub async fn draw(&self, step: Step) {
        let _frame = self.frame.acquire(1).await;
        self.step(step).await;
    }

    async fn step(&self, step: Step) {
        if let Some(columns) = self.columns() {
            let drawing = self.person.step(step, columns, self.prompt_text());
            self.send(&drawing).await;
        }
    }

    /// Tells a person at a terminal, first of all, how to go on and how to leave.
    pub async fn welcome(&self) {
        if self.columns().is_some() {
            let _frame = self.frame.acquire(1).await;
            self.send(WELCOME).await;
        }
    }

    /// Tells a person who seems to want to leave how to leave.
    pub async fn say_how_to_leave(&self) {
        let _frame = self.frame.acquire(1).await;
        self.step(Step::GiveUp).await;
        self.send(HOW_TO_LEAVE).await;
    }

    /// Lists what the last word may become.
    pub async fn list(&self, machine: &Machine) {
        let _frame = self.frame.acquire(1).await;
        let Some(columns) = self.columns() else { return };
        self.step(Step::Leave).await;
        let mut number = 0;
        while let Some(row) = self.person.row(machine, columns, number) {
            self.send(&row).await;
            self.send(b"\r\n").await;
            number += 1;
        }
    }

    /// Shows how much of a command's data has come.
    pub async fn show_data(&self, progress: Progress) {
        let _frame = self.frame.acquire(1).await;
        self.person.show_data(Some(progress));
        self.step(Step::Draw).await;
    }

    /// Leaves what was shown of the data on the screen.
    pub async fn end_data(&self) {
        let _frame = self.frame.acquire(1).await;
        self.step(Step::Leave).await;
        self.person.show_data(None);
    }

    /// Lends the line to the caller, who sends the log lines from the returned number on. Nothing is printed here until
    /// the returned guard is dropped.
    pub async fn lend(&self) -> (Option<SemaphoreReleaser<'_, FairSemaphore<NoopRawMutex, 4>>>, u32) {
        let frame = self.frame.acquire(1).await.ok();
        (frame, self.next_log.get())
    }

    /// Prints the log lines from this number on.
    pub fn continue_log(&self, next: u32) {
        self.next_log.set(next);
    }

    /// Sends bytes as they are (echo).
    pub async fn raw(&self, bytes: &[u8]) {
        let _frame = self.frame.acquire(1).await;
        self.send(bytes).await;
        self.leave().await;
    }

    /// A line is complete. To a client in the network, its echo and all that follows go out together with the answer,
    /// or when [`Output::let_go`] releases them.
    pub fn command_begins(&self) {
        if let Some(visitor) = self.line.as_visitor() {
            visitor.command_begins();
        }
    }

    /// The command takes its time: after `HOLD`, sends what was held back for its answer. For ever.
    pub async fn let_go(&self) {
        if let Some(visitor) = self.line.as_visitor() {
            Timer::after(HOLD).await;
            visitor.lets_go();
            let _frame = self.frame.acquire(1).await;
            self.leave().await;
        }
        pending().await
    }

    /// The command is over, with an answer or without: nothing is held back any more.
    pub async fn command_ends(&self) {
        if let Some(visitor) = self.line.as_visitor() {
            visitor.lets_go();
            let _frame = self.frame.acquire(1).await;
            self.leave().await;
            visitor.command_ends();
        }
    }

    /// Flushes the line, unless a command holds its bytes back.
    async fn leave(&self) {
        if self.line.as_visitor().is_some_and(Visitor::holds) {
            return;
        }
        // A client that is gone misses these bytes.
        let _ = poll_fn(|context| self.line.poll_flush(context)).await;
    }

    /// The line that this writes to.
    pub fn line(&self) -> Line {
        self.line
    }

    /// Whether answers have a header now.
    pub fn has_headers(&self) -> bool {
        self.base.variables.flag(HEADER)
    }

    /// Sends the log line that comes next as the answer to a `reboot` (interface, serial 8). Without headers it is
    /// printed like any other line.
    pub async fn greet(&self) {
        let next = self.base.log.get(self.next_log.get());
        if let (true, Some((number, _, text))) = (self.has_headers(), next) {
            let _frame = self.frame.acquire(1).await;
            self.next_log.set(number.wrapping_add(1));
            self.send_frame(true, self.letter(), 0, &with_line_end(text)).await;
        }
    }

    /// Tells the host that it has broken out of stream mode, at every print level. What was logged until then is not printed.
    pub async fn command_mode_starts(&self) {
        let _frame = self.frame.acquire(1).await;
        self.next_log.set(self.base.log.next());
        let text = with_line_end(self.base.command_mode_text());
        self.send_frame(self.has_headers(), b'L', 0, &text).await;
    }

    /// Sends an answer: first the log lines that the command has caused, then header, text and, unless the device
    /// restarts, the prompt. The header is there when headers were on before the command (`framed`) or are now.
    pub async fn reply(&self, reply: &Reply, framed: bool, prompt: bool) {
        let _frame = self.frame.acquire(1).await;
        self.send_log().await;
        self.send_frame(framed || self.has_headers(), self.letter(), reply.code, reply.text()).await;
        if features::LINE_EDITOR {
            self.suggest(reply.code).await;
        }
        if prompt {
            self.send_prompt().await;
        }
        self.leave().await;
    }

    /// Tells a person what the last line may have meant, if its answer says that a word is unknown.
    async fn suggest(&self, code: u8) {
        if let Some(text) = self.columns().and_then(|_| self.person.suggestion(code)) {
            self.send(text.as_bytes()).await;
            self.send(b"\r\n").await;
        }
    }

    /// Sends the prompt, if there is one.
    pub async fn prompt(&self) {
        let _frame = self.frame.acquire(1).await;
        self.send_log().await;
        self.send_prompt().await;
        self.leave().await;
    }

    /// Prints log lines as they come, for ever.
    pub async fn follow_log(&self) {
        loop {
            poll_fn(|context| {
                let logged = self.base.log.next() != self.next_log.get();
                if logged || self.line.has_notice(context.waker()) {
                    return Poll::Ready(());
                }
                self.base.log.follow(context.waker());
                Poll::Pending
            })
            .await;
            let _frame = self.frame.acquire(1).await;
            self.send_log().await;
            self.leave().await;
        }
    }

    async fn send_prompt(&self) {
        match self.columns() {
            Some(_) => self.step(Step::Draw).await,
            None => self.send(self.prompt_text()).await,
        }
    }

    fn prompt_text(&self) -> &'static [u8] {
        match self.base.variables.flag(PROMPT) {
            true if self.base.status.safe_mode.get() => b"SAFEMODE> ",
            true => b"> ",
            false => b"",
        }
    }

    fn letter(&self) -> u8 {
        if self.base.status.safe_mode.get() { b'S' } else { b'R' }
    }

    /// Sends the new log lines up to the print level. What is drawn makes way for them.
    async fn send_log(&self) {
        let mut drawn = false;
        while let Some((framed, text)) = self.next_line() {
            if features::LINE_EDITOR && self.person.is_drawn() {
                drawn = true;
                self.step(Step::Erase).await;
            }
            self.send_frame(framed, b'L', 0, &text).await;
        }
        if drawn {
            self.step(Step::Draw).await;
        }
    }

    /// The next line to print, and whether it is framed: a log line, or a notice from the place of the device, which is
    /// not the device's own and has no header.
    fn next_line(&self) -> Option<(bool, crate::log::Line)> {
        while let Some((number, level, text)) = self.base.log.get(self.next_log.get()) {
            self.next_log.set(number.wrapping_add(1));
            // An empty line is for looks only and gets no frame.
            if level <= print_level(self.base) && !self.logs_elsewhere && !(text.is_empty() && self.has_headers()) {
                return Some((self.has_headers(), with_line_end(text)));
            }
        }
        self.line.take_notice().map(|notice| (false, with_line_end(notice)))
    }

    async fn send_frame(&self, framed: bool, letter: u8, code: u8, text: &[u8]) {
        if framed {
            self.send(&header(letter, code, text.len())).await;
        }
        self.send(text).await;
    }

    async fn send(&self, mut data: &[u8]) {
        while !data.is_empty() {
            match poll_fn(|context| self.line.poll_write(context, data)).await {
                Ok(sent) => data = data.get(sent..).unwrap_or_default(),
                // The other end is gone: what it misses is lost, as on a wire.
                Err(_) => return,
            }
        }
    }
}

/// Lines of the log up to this level are printed.
fn print_level(base: &Base) -> u8 {
    base.variables.with(PRINT_LEVEL, |value| match value {
        [digit @ b'0'..=b'5'] => digit - b'0',
        _ => 5,
    })
}

/// Whether log lines go to a different UART than commands.
fn logs_elsewhere(base: &Base) -> bool {
    base.variables.at(DATA_BUS, 0) != base.variables.at(LOG_BUS, 0)
}

/// Whether the command UART prints a log line of this level.
pub fn prints_log(base: &Base, level: u8) -> bool {
    level <= print_level(base) && !logs_elsewhere(base)
}

/// The header of a frame: what it is, its code, the length of its text in five digits.
fn header(letter: u8, code: u8, mut length: usize) -> [u8; 9] {
    const { assert!(crate::limits::RESPONSE <= 99_999, "the length of an answer has five digits") };
    let mut header = *b"R000000\r\n";
    let [kind, digit, digits @ .., _, _] = &mut header;
    (*kind, *digit) = (letter, b'0' + code % 10);
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (length % 10) as u8;
        length /= 10;
    }
    header
}

/// A full log line loses its last two bytes to the line end.
fn with_line_end(mut line: crate::log::Line) -> crate::log::Line {
    line.truncate(line.capacity() - 2);
    let _ = line.extend_from_slice(b"\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_nine_bytes() {
        assert_eq!(&header(b'R', 0, 0), b"R000000\r\n");
        assert_eq!(&header(b'S', 9, 70_123), b"S970123\r\n");
        assert_eq!(&header(b'L', 1, 99_999), b"L199999\r\n");
    }
}
