//! Command mode of a person at a terminal: the line, and the data that a command reads, are drawn, not echoed.

use core::convert::Infallible;
use core::future::{pending, poll_fn};
use core::task::Poll;

use super::editor::{Editor, Typed};
use super::input::Waited;
use super::person::{Action, Step};
use super::session::{NoLine, Session};
use crate::features::{self, Built, Gate};

/// Ctrl-C, which also stands for a break condition.
const INTERRUPT: u8 = 0x03;

impl Session {
    /// Gives the waiting bytes to the person's keyboard, up to the end of a line, and draws the line. Takes all in one
    /// argument, for [`Gate::run`].
    pub(super) async fn draw_line(context: (&Self, &mut Editor, Waited)) -> Result<Typed, NoLine> {
        let (session, editor, waited) = context;
        session.draw(editor, waited).await
    }

    async fn draw(&self, editor: &mut Editor, waited: Waited) -> Result<Typed, NoLine> {
        if self.shell.asks_for_secret(self.asker) {
            return Ok(self.read_secret(editor, waited).await);
        }
        let person = self.output.person();
        if waited == Waited::Break {
            self.act(person.byte(INTERRUPT)).await?;
        }
        while let Some(byte) = self.input.take() {
            match editor.line_end(byte) {
                Some(Typed::Line) => return Ok(self.end_line(editor).await),
                Some(_) => {}
                None => self.act(person.byte(byte)).await?,
            }
        }
        self.output.draw(Step::Draw).await;
        Ok(Typed::More)
    }

    /// The line is complete: moves it to the editor, from which it runs.
    async fn end_line(&self, editor: &mut Editor) -> Typed {
        let person = self.output.person();
        let line = person.end();
        self.output.draw(Step::Leave).await;
        person.next();
        let Some(line) = line else { return Typed::TooLong };
        editor.set_line(&line);
        Typed::Line
    }

    /// Reads a secret and draws nothing of it. Ctrl-C means that there will be no answer.
    async fn read_secret(&self, editor: &mut Editor, waited: Waited) -> Typed {
        if waited == Waited::Break || self.input.use_up(|bytes| usize::from(bytes.first() == Some(&INTERRUPT))) > 0 {
            editor.next(false);
            self.give_up().await;
            self.output.draw(Step::Draw).await;
            return Typed::More;
        }
        let typed = self.echo_line(editor).await;
        if typed != Typed::More {
            // The line end has been echoed.
            self.output.person().forget_drawing();
        }
        typed
    }

    /// Gives up the line, and the question that it would have answered.
    async fn give_up(&self) {
        self.shell.forget_question(self.asker);
        self.output.draw(Step::GiveUp).await;
        self.output.person().next();
    }

    async fn act(&self, action: Action) -> Result<(), NoLine> {
        let machine = self.shell.machine();
        match action {
            Action::None => {}
            Action::Cleared => self.give_up().await,
            Action::Asked => {
                self.shell.forget_question(self.asker);
                self.output.say_how_to_leave().await;
            }
            Action::Left => return Err(NoLine::Ended),
            Action::ClearScreen => self.output.draw(Step::Clear).await,
            Action::Complete { again } => {
                let added = self.output.person().complete(machine);
                if again && !added {
                    self.output.list(machine).await;
                }
            }
        }
        Ok(())
    }

    /// Shows the data that a command has read so far. For ever.
    pub(super) async fn shown_data(&self) -> Infallible {
        Built::<{ features::LINE_EDITOR }>::run(self, Self::show_data, |_| ()).await;
        pending().await
    }

    async fn show_data(&self) {
        if self.output.columns().is_none() {
            return;
        }
        let mut seen = None;
        loop {
            // The command reads its data in this task, just before this poll.
            let progress = poll_fn(|_| self.input.progress(seen).map_or(Poll::Pending, Poll::Ready)).await;
            seen = Some(progress.taken());
            self.output.show_data(progress).await;
        }
    }

    /// The command is over: what was shown of its data stays on the screen.
    pub(super) async fn end_data(&self) {
        if let Some(progress) = self.output.columns().and_then(|_| self.input.progress(None)) {
            self.output.show_data(progress).await;
            self.output.end_data().await;
        }
    }
}
