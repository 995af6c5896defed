//! What a person at a terminal gets beyond the plain editor, whose bytes hosts know: the typed line is drawn, and drawn
//! again after other output; keys, search, completion of arguments, suggestions.
//!
//! ```text
//! keyboard    what the keys do; draft, history: what they work on
//! canvas      what is drawn of a line
//! candidates  what may stand at the end of a line
//! suggest     what may have been meant
//! progress    data that a command reads
//! ```
//!
//! Nothing here waits or sends: the session gives keys, the output asks what to send.

mod candidates;
mod canvas;
mod draft;
mod history;
mod keyboard;
mod progress;
mod suggest;

use core::cell::RefCell;

use heapless::Vec;

pub use candidates::Candidates;
pub use canvas::{Drawing, View};
pub use keyboard::Action;
pub use progress::Progress;
pub use suggest::Suggestion;

use crate::command::Machine;
use canvas::Canvas;
use draft::Text;
use keyboard::Keyboard;

/// What a person sees once, at the start.
pub const WELCOME: &[u8] = b"help lists what can be typed, Tab completes, Ctrl-D leaves\r\n";
/// What a person who may want to leave sees.
pub const HOW_TO_LEAVE: &[u8] = b"Ctrl-C once more, or Ctrl-D, leaves; help lists what can be typed\r\n";

/// Blanks between the columns of a list.
const GAP: usize = 2;

/// One row of a list.
pub type Row = Vec<u8, 512>;

/// What to do on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Draw the line as it is now.
    Draw,
    /// Erase it.
    Erase,
    /// Leave it where it is; the next one begins below.
    Leave,
    /// The same, with the mark of Ctrl-C behind it.
    GiveUp,
    /// Empty the screen, and draw it at the top.
    Clear,
}

/// The person, as far as the device knows.
pub struct Person {
    keyboard: RefCell<Keyboard>,
    canvas: RefCell<Canvas>,
    /// What is drawn in the place of the line while a command reads data.
    data: RefCell<Option<Progress>>,
}

impl Person {
    /// Nobody has typed anything, and nothing is drawn.
    pub const fn new() -> Self {
        let keyboard = RefCell::new(Keyboard::new());
        Self { keyboard, canvas: RefCell::new(Canvas::new()), data: RefCell::new(None) }
    }

    /// Takes one byte of a key.
    pub fn byte(&self, byte: u8) -> Action {
        self.keyboard.borrow_mut().byte(byte)
    }

    /// Ends the line and returns it; `None` when it was too long.
    pub fn end(&self) -> Option<Text> {
        let mut keyboard = self.keyboard.borrow_mut();
        keyboard.end();
        (!keyboard.draft().is_too_long()).then(|| Text::from_slice(keyboard.draft().text()).unwrap_or_default())
    }

    /// The line as far as it is typed.
    pub fn draft(&self) -> Text {
        Text::from_slice(self.keyboard.borrow().draft().text()).unwrap_or_default()
    }

    /// Starts the next line.
    pub fn next(&self) {
        self.keyboard.borrow_mut().next();
    }

    /// Adds to the line what is certain; returns whether there was anything.
    pub fn complete(&self, machine: &Machine) -> bool {
        let line = Text::from_slice(self.keyboard.borrow().draft().before()).unwrap_or_default();
        let common = Candidates::new(machine, &line).common();
        self.keyboard.borrow_mut().insert(&common);
        !common.is_empty()
    }

    /// A row of the list of what the line may become; `None` after the last one.
    pub fn row(&self, machine: &Machine, columns: u16, number: usize) -> Option<Row> {
        let line = Text::from_slice(self.keyboard.borrow().draft().before()).unwrap_or_default();
        let candidates = Candidates::new(machine, &line);
        let mut widest = 0;
        candidates.choices(&mut |name| widest = widest.max(name.len() + GAP));
        let across = (usize::from(columns).min(Row::new().capacity()) / widest.max(1)).max(1);
        let (mut row, mut at) = (Row::new(), 0);
        candidates.choices(&mut |name| {
            if at / across == number {
                let gap = if at % across == across - 1 { 0 } else { widest.saturating_sub(name.len()) };
                // One name may be longer than a row of a very narrow terminal, but never than `Row`.
                let _ = row.extend_from_slice(name);
                row.extend(core::iter::repeat_n(b' ', gap).take(row.capacity() - row.len()));
            }
            at += 1;
        });
        while row.last() == Some(&b' ') {
            row.pop();
        }
        (!row.is_empty()).then_some(row)
    }

    /// The suggestion for the last line, which was answered with this code.
    pub fn suggestion(&self, code: u8) -> Option<Suggestion> {
        suggest::suggestion(self.keyboard.borrow().last(), code)
    }

    /// The data of a command are drawn instead of the line; `None`: the line again.
    pub fn show_data(&self, data: Option<Progress>) {
        self.data.replace(data);
    }

    /// Whether something is drawn.
    pub fn is_drawn(&self) -> bool {
        self.canvas.borrow().is_drawn()
    }

    /// Forgets the drawing: it was left without a step.
    pub fn forget_drawing(&self) {
        self.canvas.replace(Canvas::new());
    }

    /// What to send to a terminal of this many columns, where the line follows a prompt.
    pub fn step(&self, step: Step, columns: u16, prompt: &[u8]) -> Drawing {
        let (mut keyboard, data, mut canvas) =
            (self.keyboard.borrow_mut(), self.data.borrow(), self.canvas.borrow_mut());
        let appended = keyboard.take_appended() && data.is_none();
        let columns = usize::from(columns).max(1);
        let mut out = Drawing::new();
        let mut show = |view: View<'_>| match step {
            Step::Draw => canvas.draw(view, columns, appended, &mut out),
            Step::Erase => canvas.erase(&mut out),
            Step::Leave => canvas.leave(view, columns, appended, &mut out),
            Step::GiveUp => give_up(&mut canvas, view, columns, &mut out),
            Step::Clear => {
                canvas.clear(&mut out);
                canvas.draw(view, columns, false, &mut out);
            }
        };
        match &*data {
            Some(data) => {
                let (count, text) = (data.count(), data.shown());
                show(View { prompt: count.as_bytes(), text, cursor: text.len() });
            }
            None => keyboard.view(prompt, show),
        }
        out
    }
}

/// Leaves the line with `^C` after it.
fn give_up(canvas: &mut Canvas, view: View<'_>, columns: usize, out: &mut Drawing) {
    canvas.draw(View { cursor: view.text.len(), ..view }, columns, false, out);
    // There is room for it.
    let _ = out.extend_from_slice(b"^C\r\n");
    *canvas = Canvas::new();
}
