//! Tab completion out of the tables.

use heapless::Vec;

use crate::command::COMMANDS;
use crate::limits;
use crate::variable;

/// What can be added to a line with certainty: the rest of the common prefix of all names that fit, and a blank after a
/// complete name.
pub fn tail(line: &[u8]) -> Vec<u8, { limits::COMMAND_LINE }> {
    let (before, word) = split(line);
    let first = before.split(|byte| *byte == b' ').find(|word| !word.is_empty());
    let words_before = before.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).count();
    match (words_before, first) {
        (0, _) => common(word, COMMANDS.iter().map(|command| command.name)),
        (1, Some(b"get" | b"set")) => common(word, variable::rows().iter().map(|row| row.name)),
        (1, Some(b"help")) => {
            let commands = COMMANDS.iter().map(|command| command.name);
            common(word, commands.chain(variable::rows().iter().map(|row| row.name)))
        }
        _ => Vec::new(),
    }
}

/// The last word of a line, and what stands before it.
pub fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let start = line.iter().rposition(|byte| *byte == b' ').map_or(0, |blank| blank + 1);
    line.split_at(start)
}

fn common(word: &[u8], names: impl Iterator<Item = &'static str>) -> Vec<u8, { limits::COMMAND_LINE }> {
    let mut common = Common::default();
    names.filter_map(|name| name.as_bytes().strip_prefix(word)).for_each(|rest| common.add(rest));
    common.tail()
}

/// What all names that fit have in common beyond the typed part.
#[derive(Default)]
pub struct Common {
    shared: Vec<u8, { limits::COMMAND_LINE }>,
    names: usize,
}

impl Common {
    /// Adds the rest of a name.
    pub fn add(&mut self, rest: &[u8]) {
        if self.names == 0 {
            // Names are far shorter than a line.
            let _ = self.shared.extend_from_slice(rest);
        }
        let same = self.shared.iter().zip(rest).take_while(|(left, right)| left == right).count();
        self.shared.truncate(same);
        self.names += 1;
    }

    /// The common part, with a blank after the only name.
    pub fn tail(mut self) -> Vec<u8, { limits::COMMAND_LINE }> {
        if self.names == 1 {
            let _ = self.shared.push(b' ');
        }
        self.shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(line: &str) -> String {
        format!("{line}{}", String::from_utf8_lossy(&tail(line.as_bytes())))
    }

    #[test]
    fn names_complete_fully_or_to_the_common_part() {
        assert_eq!(completed("vers"), "version ");
        assert_eq!(completed("netw"), "network_");
        assert_eq!(completed("stream_p"), "stream_poll ");
        assert_eq!(completed("get wlan.ss"), "get wlan.ssid ");
        assert_eq!(completed("set tcp.keepalive.re"), "set tcp.keepalive.retry_");
        assert_eq!(completed("zzz"), "zzz");
        assert_eq!(completed("get wlan.ssid x"), "get wlan.ssid x");
    }
}
