//! Command mode on a line: one command, one answer.

use core::cell::Cell;
use core::future::pending;

use embassy_futures::select::{Either, Either3, Either4, select, select3, select4};
use embassy_time::{Duration, TimeoutError, Timer, with_timeout};
use heapless::Vec;

use super::bridge::{Bridge, End};
use super::editor::{Editor, Typed};
use super::input::{Data, Input, Waited};
use super::line::Line;
use super::output::Output;
use super::person::Step;
use super::presence::Presence;
use super::structured;
use crate::command::{Asker, Reply, Shell};
use crate::features::{self, Built, Gate};
use crate::ground::Bus;
use crate::pins::{CommandRuns, Input as Pin, Pins};
use crate::port::ResetReason;
use crate::variable::{Id, Message, id};

const ECHO: Id = id("system.cmd.echo");
const PROMPT: Id = id("system.cmd.prompt_enabled");
const MODE: Id = id("bus.mode");

/// Bytes that are echoed in one piece.
const ECHOED: usize = 256;

/// How long the last bytes of an answer may take to leave when a restart was ordered.
const LEAVES: Duration = Duration::from_millis(50);

/// How long an answer that may not keep its buffer may take to leave.
const KEEP_TIME: Duration = Duration::from_millis(100);

/// How a line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// With what the device says at its start: log lines from this number on, the banner first.
    Boot(u32),
    /// With a prompt.
    Prompt,
}

/// What the command UART uses besides its line.
#[derive(Clone, Copy)]
pub struct Uart {
    /// A pin tells the host at the other end when a command runs.
    pub pins: &'static Pins,
    /// While somebody is at the remote terminal, the UART takes no commands. Bytes that come meanwhile are for later.
    pub presence: &'static Presence,
}

/// Serves a line until it ends, which a UART on a board never does. All that the line needs is in this future.
pub async fn serve(shell: &'static Shell, line: Line, opening: Opening, uart: Option<Uart>) {
    let base = shell.machine().base;
    let first_log = match opening {
        Opening::Boot(first) => first,
        Opening::Prompt => base.log.next(),
    };
    let session = Session {
        shell,
        line,
        line_end: Cell::new(None),
        output: Output::new(base, line, first_log),
        input: Input::new(line),
        uart,
        asker: line.asker(),
    };
    if features::STREAM_MODE
        && uart.is_some()
        && !base.status.safe_mode.get()
        && base.variables.with(MODE, |mode| mode == b"stream")
    {
        return Built::<{ features::STREAM_MODE }>::run(&session, Session::stream_mode, |_| ()).await;
    }
    if opening != Opening::Prompt {
        match base.port.board().reset_reason() {
            Some(ResetReason::Software) => session.output.greet().await,
            _ if features::LINE_EDITOR => session.output.welcome().await,
            _ => {}
        }
    }
    select(session.command_mode(), session.output.follow_log()).await;
}

/// What runs on a line.
pub(super) struct Session {
    pub(super) shell: &'static Shell,
    line: Line,
    /// The byte that still belongs to the line that went back to stream mode.
    line_end: Cell<Option<u8>>,
    pub(super) output: Output,
    pub(super) input: Input,
    uart: Option<Uart>,
    pub(super) asker: Asker,
}

/// Why the next command line is not there.
pub(super) enum NoLine {
    /// Nothing more will come.
    Ended,
    /// The device restarts.
    Restart,
}

impl Session {
    /// Stream mode, and command mode whenever the host breaks out, until the line ends.
    async fn stream_mode(&self) {
        let machine = self.shell.machine();
        let bus = &machine.base.status.bus;
        loop {
            if !self.mode_pin().is_some_and(|pin| pin.is_high()) {
                bus.set(Bus::Stream);
                machine.base.tell(Message::StreamMode);
                let bridge = Bridge::new(machine.base, machine.streams, self.line, &self.input, self.line_end.take());
                let restart = machine.base.restart.ordered();
                match select3(bridge.run(), self.pin_is(true), restart).await {
                    Either3::First(End::Ended) => return,
                    Either3::First(_) | Either3::Second(()) => bridge.stop(),
                    Either3::Third(()) => {
                        self.input.give_back(None, b"").await;
                        return pending().await;
                    }
                }
            }
            bus.set(Bus::Break);
            self.output.command_mode_starts().await;
            select(self.command_mode(), self.output.follow_log()).await;
            if bus.get() != Bus::Stream {
                return;
            }
        }
    }

    /// The pin that chooses between command mode (high) and stream mode.
    fn mode_pin(&self) -> Option<Pin<'static>> {
        self.uart.and_then(|uart| uart.pins.mode())
    }

    /// Waits until that pin is high, or low; for ever where there is none.
    async fn pin_is(&self, high: bool) {
        match self.mode_pin() {
            Some(pin) => pin.becomes(high).await,
            None => pending().await,
        }
    }

    /// Waits until the pin puts the command UART back into stream mode: when it is low, once it has been high.
    async fn goes_back(&self) {
        let bus = &self.shell.machine().base.status.bus;
        if bus.get() == Bus::Command {
            return pending().await;
        }
        self.pin_is(true).await;
        self.pin_is(false).await;
        bus.set(Bus::Stream);
    }

    /// Whether the host has gone back to stream mode.
    fn is_streaming(&self) -> bool {
        self.uart.is_some() && self.shell.machine().base.status.bus.get() == Bus::Stream
    }

    async fn command_mode(&self) {
        let mut editor = Editor::new();
        self.output.prompt().await;
        loop {
            match self.read_line(&mut editor).await {
                Ok(Typed::TooLong) => {
                    let runs = self.command_begins();
                    self.output.reply(&Reply::too_long(), false, true).await;
                    self.answered(runs).await;
                    editor.next(false);
                }
                Ok(_) => {
                    let Ok(frames_followed) = self.run(&mut editor).await else { return };
                    let line_end = editor.second_half().filter(|_| !frames_followed);
                    editor.next(frames_followed || self.input.data_taken());
                    if self.is_streaming() {
                        self.line_end.set(line_end);
                        return;
                    }
                    if self.restarts() {
                        return self.leave(&mut editor, line_end).await;
                    }
                }
                Err(NoLine::Ended) => return,
                Err(NoLine::Restart) => return self.leave(&mut editor, None).await,
            }
        }
    }

    fn restarts(&self) -> bool {
        self.shell.machine().base.restart.is_ordered()
    }

    /// Runs one command and sends its answer, unless the line wants no answer any more. Returns whether the structured
    /// protocol followed the line and has ended; an error when the other end does not take the answer and others need
    /// its buffer.
    async fn run(&self, editor: &mut Editor) -> Result<bool, TimeoutError> {
        let runs = self.command_begins();
        let framed = self.output.has_headers();
        self.input.begin(editor.second_half());
        let command = async {
            // The queue has a place for each line, besides those for HTTP.
            let Ok(ready) = self.shell.turn(self.asker).await else { return Reply::refused() };
            self.input.runs();
            ready.run(editor.line(), &mut Data::new(&self.input)).await
        };
        // Only a command that waits is watched.
        let interrupted = async { self.input.interrupted(self.is_human()).await };
        let restarts = self.shell.machine().base.restart.ordered();
        let ended = select4(command, interrupted, restarts, self.output.let_go());
        let Either::First(ended) = select(ended, self.shown_data()).await;
        if features::LINE_EDITOR {
            self.end_data().await;
        }
        let reply = match ended {
            Either4::First(reply) => reply,
            Either4::Second(()) | Either4::Fourth(()) => Reply::refused(),
            Either4::Third(()) => {
                self.output.command_ends().await;
                return Ok(false);
            }
        };
        let structured = reply.is_structured();
        self.answer(reply, framed).await?;
        self.answered(runs).await;
        if structured {
            self.structured(editor.second_half()).await;
        }
        Ok(structured)
    }

    /// Sends the answer. A client in the network may take it as slowly as it likes, unless the answer is in the last
    /// buffer.
    async fn answer(&self, mut reply: Reply, framed: bool) -> Result<(), TimeoutError> {
        let may_take_long = self.asker != Asker::Remote || reply.keep();
        let prompt = !reply.is_structured() && !self.restarts() && !self.is_streaming();
        let sending = self.output.reply(&reply, framed, prompt);
        match may_take_long {
            true => {
                sending.await;
                Ok(())
            }
            false => with_timeout(KEEP_TIME, sending).await,
        }
    }

    /// Speaks the structured protocol until the host ends it.
    async fn structured(&self, line_end: Option<u8>) {
        let (lent, next_log) = self.output.lend().await;
        let speak = |()| structured::serve(self.shell, self.output.line(), &self.input, line_end, next_log);
        let next_log = Built::<{ features::STRUCTURED }>::run((), speak, |()| next_log).await;
        self.output.continue_log(next_log);
        drop(lent);
        if !self.restarts() && !self.is_streaming() {
            self.output.prompt().await;
        }
    }

    /// Tells the host by the pin, where there is one, that a command runs.
    fn command_begins(&self) -> Option<CommandRuns<'static>> {
        self.uart.and_then(|uart| uart.pins.command_begins())
    }

    /// Tells the host by the pin that it has the answer.
    async fn answered(&self, runs: Option<CommandRuns<'static>>) {
        self.output.command_ends().await;
        let Some(runs) = runs else { return };
        let restart = &self.shell.machine().base.restart;
        let restarts = async {
            restart.ordered().await;
            Timer::after(LEAVES).await;
        };
        select(runs.answered(), restarts).await;
    }

    /// Whether a person may sit at the other end.
    fn is_human(&self) -> bool {
        let variables = &self.shell.machine().base.variables;
        variables.flag(ECHO) || variables.flag(PROMPT)
    }

    /// A restart was ordered: nothing more is read in this life. Waiting bytes, and a line that was begun, are for the
    /// next life.
    async fn leave(&self, editor: &mut Editor, line_end: Option<u8>) {
        if features::LINE_EDITOR && self.output.columns().is_some() {
            editor.set_line(&self.output.person().draft());
            self.output.draw(Step::Erase).await;
        }
        self.input.give_back(line_end, editor.line()).await;
        core::future::pending().await
    }

    /// Reads one line and echoes it.
    async fn read_line(&self, editor: &mut Editor) -> Result<Typed, NoLine> {
        loop {
            let waited = self.wait().await?;
            let typed = match waited {
                Waited::End => return Err(NoLine::Ended),
                waited if self.output.columns().is_some() => {
                    let context = (self, &mut *editor, waited);
                    let drawn = Built::<{ features::LINE_EDITOR }>::run(context, Self::draw_line, |_| Ok(Typed::More));
                    drawn.await?
                }
                Waited::Break => {
                    self.line.break_unused();
                    Typed::More
                }
                Waited::Bytes => self.echo_line(editor).await,
            };
            if typed != Typed::More {
                return Ok(typed);
            }
        }
    }

    /// Waits until there is something on the line. While a client is at the remote terminal, the line takes no
    /// commands.
    async fn wait(&self) -> Result<Waited, NoLine> {
        loop {
            let restart = &self.shell.machine().base.restart;
            if restart.is_ordered() {
                return Err(NoLine::Restart);
            }
            match select4(self.is_detached(), self.input.more(), restart.ordered(), self.goes_back()).await {
                Either4::First(presence) => {
                    let read_ahead = self.input.read_ahead();
                    select4(presence.becomes(false), read_ahead, restart.ordered(), self.goes_back()).await;
                    if self.is_streaming() {
                        return Err(NoLine::Ended);
                    }
                }
                Either4::Second(waited) => return Ok(waited),
                Either4::Third(()) => return Err(NoLine::Restart),
                Either4::Fourth(()) => return Err(NoLine::Ended),
            }
        }
    }

    /// Gives the editor the waiting bytes, and sends their echo.
    pub(super) async fn echo_line(&self, editor: &mut Editor) -> Typed {
        let mut echoed = Vec::new();
        let typed = self.edit(editor, &mut echoed);
        if typed != Typed::More {
            self.output.command_begins();
        }
        if !echoed.is_empty() {
            self.output.raw(&echoed).await;
        }
        typed
    }

    /// Waits until the line takes no commands because somebody is at the remote terminal; only the command UART does so.
    async fn is_detached(&self) -> &'static Presence {
        let Some(Uart { presence, .. }) = self.uart else { return pending().await };
        presence.becomes(true).await;
        presence
    }

    /// Gives the editor the waiting bytes, up to the end of a line. Bytes typed ahead are echoed in one piece; a redraw
    /// that is longer than `ECHOED` is not worth the memory.
    fn edit(&self, editor: &mut Editor, echoed: &mut Vec<u8, ECHOED>) -> Typed {
        // No other task runs meanwhile, so the variable does not change.
        let wanted = self.shell.machine().base.variables.flag(ECHO);
        let secret = self.shell.asks_for_secret(self.asker);
        let echo = wanted && !secret;
        let mut lost = false;
        while !lost && echoed.len() <= ECHOED / 2 {
            if !echo {
                self.input.use_up(|waiting| editor.text(waiting));
            }
            let Some(byte) = self.input.take() else { break };
            let typed = editor.byte(byte, echo, &mut |bytes| lost |= echoed.extend_from_slice(bytes).is_err());
            if typed != Typed::More {
                if wanted && secret {
                    let _ = echoed.extend_from_slice(b"\r\n");
                }
                return typed;
            }
        }
        Typed::More
    }
}
