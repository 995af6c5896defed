//! What the keys do to the line: all that needs neither the device nor the terminal.

use core::fmt::Write;

use heapless::{String, Vec};

use super::canvas::View;
use super::draft::Draft;
use super::history::History;
use crate::terminal::keys::{Key, Keys};
use crate::terminal::text::Collector;

/// Bytes of the longest text that is searched for.
const PATTERN: usize = 48;

/// What a key asks for besides a change of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    None,
    /// The line was given up: the next one begins below it.
    Cleared,
    /// There was no line to give up: the person may want to leave.
    Asked,
    /// To leave.
    Left,
    /// An empty screen.
    ClearScreen,
    /// Completion; `again`: the key before was the same one.
    Complete {
        /// A second time: lists the choices.
        again: bool,
    },
}

/// A search through the lines typed before.
struct Search {
    pattern: Vec<u8, PATTERN>,
    /// The age of the line that was found.
    found: Option<usize>,
    /// There is no such line, or no older one.
    failed: bool,
}

/// The state of the keys, and what they work on.
pub struct Keyboard {
    draft: Draft,
    history: History,
    search: Option<Search>,
    keys: Keys,
    collector: Collector,
    /// Only text was added at the end since the line was drawn.
    appended: bool,
    /// The key before was Tab.
    tabbed: bool,
    /// The key before was Ctrl-C, and there was no line.
    asked: bool,
}

/// The key with Ctrl.
const fn ctrl(letter: u8) -> Key {
    Key::Control(letter & 0x1F)
}

const CTRL_A: Key = ctrl(b'A');
const CTRL_B: Key = ctrl(b'B');
const CTRL_C: Key = ctrl(b'C');
const CTRL_D: Key = ctrl(b'D');
const CTRL_E: Key = ctrl(b'E');
const CTRL_F: Key = ctrl(b'F');
const CTRL_G: Key = ctrl(b'G');
const CTRL_K: Key = ctrl(b'K');
const CTRL_L: Key = ctrl(b'L');
const CTRL_N: Key = ctrl(b'N');
const CTRL_P: Key = ctrl(b'P');
const CTRL_R: Key = ctrl(b'R');
const CTRL_U: Key = ctrl(b'U');
const CTRL_W: Key = ctrl(b'W');

impl Keyboard {
    /// With no line and no history.
    pub const fn new() -> Self {
        Self {
            draft: Draft::new(),
            history: History::new(),
            search: None,
            keys: Keys::new(),
            collector: Collector::new(),
            appended: true,
            tabbed: false,
            asked: false,
        }
    }

    /// The line.
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// The line that has run last.
    pub fn last(&self) -> &[u8] {
        self.history.line(1).unwrap_or_default()
    }

    /// Whether text was only added at the end since the last call.
    pub fn take_appended(&mut self) -> bool {
        core::mem::replace(&mut self.appended, true)
    }

    /// Takes one byte of a key.
    pub fn byte(&mut self, byte: u8) -> Action {
        match self.keys.byte(byte) {
            Key::None => Action::None,
            Key::Text(byte) => {
                self.text(Some(byte));
                Action::None
            }
            key => {
                self.text(None);
                self.key(key)
            }
        }
    }

    /// Adds text at the cursor, as if it was typed.
    pub fn insert(&mut self, text: &[u8]) {
        self.appended &= self.draft.cursor() == self.draft.text().len();
        self.draft.insert(text);
    }

    /// Ends the line, which stays in [`Keyboard::draft`] until [`Keyboard::next`]. If a search has found a line, takes
    /// that.
    pub fn end(&mut self) {
        self.keys.reset();
        self.text(None);
        self.take_found();
        self.history.add(self.draft.text());
        (self.tabbed, self.asked) = (false, false);
    }

    /// Starts the next line.
    pub fn next(&mut self) {
        self.draft.set(b"");
        self.search = None;
        self.history.leave();
        self.appended = true;
    }

    /// Inserts characters once they are complete. `None`: no more bytes come for an incomplete one.
    fn text(&mut self, byte: Option<u8>) {
        let mut collector = core::mem::take(&mut self.collector);
        let mut add = |whole: &[u8]| {
            (self.tabbed, self.asked) = (false, false);
            match self.search.is_some() {
                true => self.search_for(whole),
                false => self.insert(whole),
            }
        };
        match byte {
            Some(byte) => collector.byte(byte, &mut add),
            None => collector.end(&mut add),
        }
        self.collector = collector;
    }

    fn key(&mut self, key: Key) -> Action {
        let (again, asked) = (core::mem::take(&mut self.tabbed), core::mem::take(&mut self.asked));
        self.appended = false;
        if self.search.is_some() && self.search_key(key) {
            return Action::None;
        }
        match key {
            CTRL_C => return self.interrupt(asked),
            CTRL_D if self.draft.is_empty() => return Action::Left,
            CTRL_L => return Action::ClearScreen,
            Key::Tab => {
                self.tabbed = true;
                return Action::Complete { again };
            }
            CTRL_R => self.search = Some(Search { pattern: Vec::new(), found: None, failed: false }),
            Key::Up | CTRL_P => {
                let older = self.history.up(self.draft.text());
                older.into_iter().for_each(|line| self.draft.set(line));
            }
            Key::Down | CTRL_N => self.history.down().into_iter().for_each(|line| self.draft.set(line)),
            key => self.edit(key),
        }
        Action::None
    }

    /// The keys that work on the line alone.
    fn edit(&mut self, key: Key) {
        match key {
            Key::Backspace => self.draft.rub_out(),
            Key::Delete | CTRL_D => self.draft.delete(),
            Key::Left | CTRL_B => self.draft.left(),
            Key::Right | CTRL_F => self.draft.right(),
            Key::Home | CTRL_A => self.draft.home(),
            Key::End | CTRL_E => self.draft.end(),
            CTRL_U => self.draft.cut_before(),
            CTRL_K => self.draft.cut_behind(),
            CTRL_W => self.draft.cut_word(),
            _ => {}
        }
    }

    /// Ctrl-C: gives the line up. With no line, a second Ctrl-C in a row means to leave.
    fn interrupt(&mut self, asked: bool) -> Action {
        if !self.draft.is_empty() {
            return Action::Cleared;
        }
        self.asked = true;
        if asked { Action::Left } else { Action::Asked }
    }

    /// A key during a search; false when the search is over and the key must still act on the line.
    fn search_key(&mut self, key: Key) -> bool {
        let Some(search) = &mut self.search else { return false };
        match key {
            CTRL_C | CTRL_G => self.search = None,
            CTRL_R => {
                let from = search.found.map_or(1, |age| age + 1);
                self.find(from);
            }
            Key::Backspace => {
                search.pattern.pop();
                while search.pattern.last().is_some_and(|byte| byte & 0xC0 == 0x80) {
                    search.pattern.pop();
                }
                self.find(1);
            }
            _ => {
                self.take_found();
                return false;
            }
        }
        true
    }

    /// Adds to the text that is searched for.
    fn search_for(&mut self, text: &[u8]) {
        self.appended = false;
        let Some(search) = &mut self.search else { return };
        // A text that is too long is searched for by its beginning.
        let _ = search.pattern.extend_from_slice(text);
        let from = search.found.unwrap_or(1);
        self.find(from);
    }

    /// Continues the search at lines of age `from`; if there is none, the last result stays.
    fn find(&mut self, from: usize) {
        let Some(search) = &mut self.search else { return };
        let found = self.history.find(&search.pattern, from);
        search.failed = found.is_none();
        search.found = found.or(search.found);
    }

    /// Ends a search with the line that it has found, if any.
    fn take_found(&mut self) {
        let Some(age) = self.search.take().and_then(|search| search.found) else { return };
        self.appended = false;
        self.history.go_to(age, self.draft.text());
        self.history.line(age).into_iter().for_each(|line| self.draft.set(line));
    }

    /// Calls `show` with what to show after this prompt.
    pub fn view<R>(&self, prompt: &[u8], show: impl FnOnce(View<'_>) -> R) -> R {
        let Some(search) = &self.search else {
            return show(View { prompt, text: self.draft.text(), cursor: self.draft.cursor() });
        };
        let what = core::str::from_utf8(&search.pattern).unwrap_or("?");
        let mut prompt: String<{ PATTERN + 24 }> = String::new();
        let _ = write!(prompt, "{} \"{what}\": ", if search.failed { "nothing older with" } else { "search" });
        let text = search.found.and_then(|age| self.history.line(age)).unwrap_or_default();
        show(View { prompt: prompt.as_bytes(), text, cursor: text.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Types keys, CR for the end of a line; answers the lines, and what is seen of the next one.
    fn typed(keys: &str) -> (std::vec::Vec<String<64>>, std::string::String) {
        let (mut keyboard, mut lines) = (Keyboard::new(), std::vec::Vec::new());
        for byte in keys.bytes() {
            if byte == b'\r' {
                keyboard.end();
                lines.push(core::str::from_utf8(keyboard.draft().text()).unwrap().try_into().unwrap());
                keyboard.next();
            } else {
                keyboard.byte(byte);
            }
        }
        let seen = keyboard.view(b"> ", |view| {
            let at = view.text.split_at(view.cursor);
            [view.prompt, at.0, b"|", at.1].concat()
        });
        (lines, std::string::String::from_utf8(seen).unwrap())
    }

    #[test]
    fn each_key_of_the_line() {
        for (keys, seen) in [
            ("wlan\x01set \x05.mac", "> set wlan.mac|"),
            ("get wlan.mac\x15ver", "> ver|"),
            ("get wlan.mac\x17wlan.ssid", "> get wlan.ssid|"),
            ("get wlan.mac\x01\x0b", "> |"),
            ("abc\x02\x02\x0b", "> a|"),
            ("abc\x01\x06\x04", "> a|c"),
            ("ä字\x02x", "> äx|字"),
            ("a\x1b[Db\x1b[3~", "> b|"),
        ] {
            assert_eq!(typed(keys).1, seen, "{keys:?}");
        }
    }

    #[test]
    fn the_draft_survives_the_arrow_keys() {
        assert_eq!(typed("one\rtwo\rdra\x1b[A\x1b[A").1, "> one|");
        assert_eq!(typed("one\rtwo\rdra\x1b[A\x1b[A\x1b[B\x1b[Bft").1, "> draft|");
        assert_eq!(typed("one\rtwo\rdra\x10\x10\x0e\r").0, ["one", "two", "two"]);
    }

    #[test]
    fn a_search_goes_back_in_time() {
        let past = "get wlan.ssid\rversion\rget wlan.mac\r";
        let seen = |keys: &str| typed(&format!("{past}{keys}")).1;
        assert_eq!(seen("\x12"), "search \"\": |");
        assert_eq!(seen("\x12get"), "search \"get\": get wlan.mac|");
        assert_eq!(seen("\x12get\x12"), "search \"get\": get wlan.ssid|");
        assert_eq!(seen("\x12get\x12\x12"), "nothing older with \"get\": get wlan.ssid|");
        assert_eq!(seen("\x12gx"), "nothing older with \"gx\": get wlan.mac|");
        assert_eq!(seen("\x12ssix\x7f"), "search \"ssi\": get wlan.ssid|");
        assert_eq!(seen("dra\x12get\x07ft"), "> draft|", "given up");
        assert_eq!(seen("dra\x12get\x03ft"), "> draft|", "given up");
        assert_eq!(seen("\x12ssid\x01"), "> |get wlan.ssid", "any other key works on what was found");
        assert_eq!(seen("dra\x12ssid\x1b[B"), "> version|", "and goes on from there");
        assert_eq!(typed(&format!("{past}\x12vers\r")).0.last().unwrap(), "version");
    }

    #[test]
    fn control_c_gives_the_line_up_and_then_leaves() {
        let mut keyboard = Keyboard::new();
        assert_eq!((keyboard.byte(b'x'), keyboard.byte(3)), (Action::None, Action::Cleared));
        keyboard.next();
        assert_eq!((keyboard.byte(3), keyboard.byte(3)), (Action::Asked, Action::Left));
        assert_eq!(
            (keyboard.byte(3), keyboard.byte(b'x'), keyboard.byte(8)),
            (Action::Left, Action::None, Action::None)
        );
        assert_eq!(keyboard.byte(3), Action::Asked, "not twice in a row");
        assert_eq!((keyboard.byte(1), keyboard.byte(4)), (Action::None, Action::Left));
        keyboard.insert(b"x");
        assert_eq!(keyboard.byte(4), Action::None, "Ctrl-D leaves an empty line only");
    }

    #[test]
    fn a_second_tab_is_known_for_one() {
        let mut keyboard = Keyboard::new();
        let tabs = [9, 9, b'x', 9].map(|byte| keyboard.byte(byte));
        let first = Action::Complete { again: false };
        assert_eq!(tabs, [first, Action::Complete { again: true }, Action::None, first]);
    }
}
