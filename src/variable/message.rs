//! The texts of event messages (`system.msg`; interface, serial 5.4).

use core::fmt::{self, Display, Write};

use super::base::Base;
use super::table::{Id, id};
use super::value::Value;
use crate::log::{Level, Line, line_of};
use crate::wire::date::Date;

const MSG: Id = id("system.msg");
const TIMESTAMP: Id = id("system.cmd.timestamp");

/// The text that says that the UART is in command mode again.
const COMMAND_MODE: &str = "Command Mode Start";

/// An event for which the owner can set a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The device is ready.
    Initialized,
    /// A stream was opened.
    StreamOpened(u8),
    /// A stream has ended.
    StreamClosed(u8),
    /// A stream was not opened.
    StreamFailed,
    /// The WLAN has an address.
    WlanJoined,
    /// The WLAN is left or lost.
    WlanLeave,
    /// A station is in the network of the soft AP.
    SoftapJoined([u8; 6]),
    /// A station has left it.
    SoftapLeave([u8; 6]),
    /// The device goes to sleep.
    Sleep,
    /// It has woken up.
    Wake,
    /// It has started in safe mode.
    SafeMode,
    /// The UART is in stream mode.
    StreamMode,
    /// It is back in command mode.
    CommandMode,
}

impl Message {
    /// The place of its word in the list of words.
    fn place(self) -> u8 {
        match self {
            Self::Initialized => 0,
            Self::StreamOpened(_) => 1,
            Self::StreamClosed(_) => 2,
            Self::StreamFailed => 3,
            Self::WlanJoined => 4,
            Self::WlanLeave => 5,
            Self::SoftapJoined(_) => 6,
            Self::SoftapLeave(_) => 7,
            Self::Sleep => 8,
            Self::Wake => 9,
            Self::SafeMode => 10,
            Self::StreamMode => 11,
            Self::CommandMode => 12,
        }
    }

    /// Logs the built-in text; some events have none.
    fn built_in(self, base: &Base) {
        match self {
            Self::Initialized => base.log_state(format_args!("Ready")),
            Self::StreamOpened(handle) => base.log_state(format_args!("Opened: {handle}")),
            Self::StreamClosed(handle) => base.log_state(format_args!("Closed: {handle}")),
            Self::StreamFailed => base.log_state(format_args!("Open failed")),
            Self::WlanJoined => base.log_state(format_args!("Associated")),
            Self::WlanLeave => base.log_state(format_args!("Disassociated")),
            Self::SafeMode => {
                base.log.line(Level::State, format_args!("*** Max faults exceeded. Entering Safe Mode."));
            }
            Self::CommandMode => base.log.line(Level::State, format_args!("{COMMAND_MODE}")),
            Self::SoftapJoined(_) | Self::SoftapLeave(_) | Self::Sleep | Self::Wake | Self::StreamMode => {}
        }
    }
}

impl Base {
    /// Logs an event, in the owner's words if there are any.
    pub fn tell(&self, message: Message) {
        match self.expanded(message) {
            // A log line has a bound of its own: longer text is cut off.
            Some(text) => self.log.line(Level::State, format_args!("{text}")),
            None => message.built_in(self),
        }
    }

    /// The text that tells a host of command mode. It bypasses the log.
    pub fn command_mode_text(&self) -> Line {
        match self.expanded(Message::CommandMode) {
            Some(text) => line_of(format_args!("{text}")),
            None => line_of(format_args!("{COMMAND_MODE}")),
        }
    }

    /// The owner's words for an event.
    fn expanded(&self, message: Message) -> Option<Expanded> {
        let template = self.variables.at(MSG, message.place());
        if template.is_empty() {
            return None;
        }
        let timed = self.variables.with(TIMESTAMP, |value| value != b"none");
        Some(Expanded { template, message, date: self.clock.local().filter(|_| timed) })
    }
}

/// A template and what its tags stand for.
struct Expanded {
    template: Value,
    message: Message,
    /// The time, once it is known.
    date: Option<Date>,
}

impl Expanded {
    fn tag(&self, tag: u8, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (tag, self.message) {
            (b't', _) => self.date.as_ref().map_or(Ok(()), |date| write!(out, "{date}: ")),
            (b'h', Message::StreamOpened(handle) | Message::StreamClosed(handle)) => write!(out, "{handle}"),
            (b'm', Message::SoftapJoined([a, b, c, d, e, f]) | Message::SoftapLeave([a, b, c, d, e, f])) => {
                write!(out, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{f:02X}")
            }
            (b'@', _) => out.write_char('@'),
            // A tag without a meaning for this event prints nothing.
            _ => Ok(()),
        }
    }
}

impl Display for Expanded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.template.utf8_chunks() {
            let mut characters = chunk.valid().chars();
            while let Some(character) = characters.next() {
                match (character, characters.as_str().as_bytes().first()) {
                    ('@', Some(tag)) => {
                        self.tag(*tag, out)?;
                        characters.next();
                    }
                    _ => out.write_char(character)?,
                }
            }
            if !chunk.invalid().is_empty() {
                out.write_char('?')?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;
    use crate::variable::{Index, ValueKind};
    use proptest::prelude::*;
    use std::string::ToString;

    fn expanded(template: &[u8], message: Message, date: Option<Date>) -> std::string::String {
        Expanded { template: Value::from_slice(template).unwrap(), message, date }.to_string()
    }

    #[test]
    fn tags_stand_for_what_the_event_has() {
        let date = Date::from_millis(1_398_281_963_000);
        assert_eq!(expanded(b"@topened @h", Message::StreamOpened(3), Some(date)), "2014-04-23 | 19:39:23: opened 3");
        assert_eq!(expanded(b"<@t@h@m>", Message::WlanJoined, None), "<>");
        assert_eq!(expanded(b"@m!@@h", Message::SoftapLeave([1, 2, 3, 4, 5, 0xAB]), None), "01:02:03:04:05:AB!@h");
        assert_eq!(expanded(b"caf\xc3\xa9\xff", Message::Sleep, None), "caf\u{e9}?");
    }

    #[test]
    fn the_words_stand_in_their_order() {
        let ValueKind::Indexed(Index::Word(names), _) = MSG.row().kind else { panic!("words") };
        assert_eq!(names.len(), 13);
        for (message, name) in [
            (Message::Initialized, "initialized"),
            (Message::StreamClosed(0), "stream_closed"),
            (Message::SoftapJoined([0; 6]), "softap_joined"),
            (Message::CommandMode, "command_mode"),
        ] {
            assert_eq!(names[usize::from(message.place())], name);
        }
    }

    proptest! {
        #[test]
        fn no_template_is_longer_than_a_line_of_the_log(template in proptest::collection::vec(any::<u8>(), 0..=31)) {
            let date = Some(Date::from_millis(1_398_281_963_000));
            let text = expanded(&template, Message::SoftapJoined([0xFF; 6]), date);
            prop_assert!(text.len() <= 31 * 23);
            let log = crate::log::Log::new();
            log.line(Level::State, format_args!("{text}"));
            prop_assert!(log.get(0).unwrap().2.len() <= limits::LOG_LINE);
        }
    }
}
