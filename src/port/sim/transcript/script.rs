//! Reads a transcript into its steps.

use std::format;
use std::string::String;
use std::vec::Vec;

use embassy_time::Duration;

use super::super::text;

/// A transcript.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) steps: Vec<Step>,
}

/// An action, and the output expected after it.
#[derive(Debug)]
pub(super) struct Step {
    /// Line number in the file, from 1.
    pub(super) line: usize,
    pub(super) action: Action,
    pub(super) expected: Vec<Vec<u8>>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// `>! boot`
    Boot,
    /// `>! restart`
    Restart,
    /// `>! prompt`
    Prompt,
    /// `>! wait <ms>`
    Wait(Duration),
    /// `>! framing <words>`
    Framing(Framing),
    /// `> line`, with the raw data of the following lines.
    Command { line: Vec<u8>, data: Vec<u8> },
    /// `>> text` or `>x hex` without a command before it.
    Raw(Vec<u8>),
}

/// What surrounds an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Framing {
    pub(super) echo: bool,
    pub(super) prompt: bool,
}

impl Default for Framing {
    fn default() -> Self {
        Self { echo: true, prompt: true }
    }
}

/// One line of the file.
enum Line {
    Action(Action),
    Raw(Vec<u8>),
    Comment,
    Expected(Vec<u8>),
}

impl Script {
    pub(super) fn parse(file: &[u8]) -> Result<Self, String> {
        let mut steps: Vec<Step> = Vec::new();
        let mut in_head = true;
        let file = file.strip_suffix(b"\n").unwrap_or(file);
        for (number, line) in file.split(|byte| *byte == b'\n').enumerate() {
            let number = number + 1;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if in_head && (line.is_empty() || line.starts_with(b"#")) {
                continue;
            }
            in_head = false;
            let line = Line::parse(line).map_err(|message| format!("line {number}: {message}"))?;
            add(&mut steps, number, line).map_err(|message| format!("line {number}: {message}"))?;
        }
        Ok(Self { steps })
    }
}

fn add(steps: &mut Vec<Step>, line: usize, read: Line) -> Result<(), String> {
    let new = |action| Step { line, action, expected: Vec::new() };
    match read {
        Line::Comment => {}
        Line::Action(Action::Boot) if !steps.is_empty() => return Err("`>! boot` can only come first".into()),
        Line::Action(action) => steps.push(new(action)),
        Line::Raw(more) => match steps.last_mut() {
            Some(Step { action: Action::Command { data, .. }, expected, .. }) if expected.is_empty() => {
                data.extend(more);
            }
            _ => steps.push(new(Action::Raw(more))),
        },
        Line::Expected(text) => match steps.last_mut() {
            None => return Err("output is expected before anything was done".into()),
            Some(Step { action: Action::Framing(_) | Action::Raw(_), .. }) => {
                return Err("nothing is expected here; begin with `>`, or `>! wait`".into());
            }
            Some(step) => step.expected.push(text),
        },
    }
    Ok(())
}

impl Line {
    fn parse(line: &[u8]) -> Result<Self, String> {
        Ok(match line {
            b">" => Self::Action(Action::Command { line: Vec::new(), data: Vec::new() }),
            [b'>', b' ', rest @ ..] => Self::Action(Action::Command { line: rest.to_vec(), data: Vec::new() }),
            [b'>', b'>', b' ', rest @ ..] => Self::Raw(rest.to_vec()),
            [b'>', b'x', b' ', rest @ ..] => Self::Raw(hex(rest)?),
            [b'>', b'!', b' ', rest @ ..] => Self::Action(directive(&text(rest))?),
            [b'>', b'#', ..] => Self::Comment,
            [b'>', ..] => return Err(format!("unknown kind of line: {:?}", text(line))),
            [b'\\', rest @ ..] => Self::Expected(rest.to_vec()),
            other => Self::Expected(other.to_vec()),
        })
    }
}

fn hex(digits: &[u8]) -> Result<Vec<u8>, String> {
    let digits: String = text(digits).split_ascii_whitespace().collect();
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return Err("hexadecimal digits come in pairs".into());
    }
    let pairs = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16));
    pairs.collect::<Result<_, _>>().map_err(|_| format!("not hexadecimal: {digits}"))
}

fn directive(words: &str) -> Result<Action, String> {
    let mut words = words.split_ascii_whitespace();
    let name = words.next().unwrap_or_default();
    let arguments: Vec<&str> = words.collect();
    match (name, arguments.as_slice()) {
        ("boot", []) => Ok(Action::Boot),
        ("restart", []) => Ok(Action::Restart),
        ("prompt", []) => Ok(Action::Prompt),
        ("wait", [millis]) => {
            let millis = millis.parse().map_err(|_| format!("not a number of milliseconds: {millis}"))?;
            Ok(Action::Wait(Duration::from_millis(millis)))
        }
        ("framing", parts) => framing(parts).map(Action::Framing),
        _ => Err(format!("unknown directive: {name}")),
    }
}

fn framing(parts: &[&str]) -> Result<Framing, String> {
    let mut framing = Framing { echo: false, prompt: false };
    let mut ends = false;
    for part in parts {
        match *part {
            "echo" => framing.echo = true,
            "prompt" => framing.prompt = true,
            "header" => {}
            other => return Err(format!("unknown part of the framing: {other}")),
        }
        ends |= *part != "echo";
    }
    if ends { Ok(framing) } else { Err("without header and prompt nobody knows where an answer ends".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Steps = Vec<(Action, Vec<Vec<u8>>)>;

    fn parse(file: &str) -> Result<Steps, String> {
        let script = Script::parse(file.as_bytes())?;
        Ok(script.steps.into_iter().map(|step| (step.action, step.expected)).collect())
    }

    fn command(line: &str, data: &[u8]) -> Action {
        Action::Command { line: line.into(), data: data.into() }
    }

    #[test]
    fn every_kind_of_line_is_read() {
        let file = "# about\n\n>! boot\nhello\n> write 0 5\n>> he\n>x 6c 6C6f\n\\> text\n#  0\n\n># note\n>\n>> raw\n\
                    >! wait 20\n>! framing header echo\n>! restart\n>! prompt\n";
        let expected = [
            (Action::Boot, vec![b"hello".to_vec()]),
            (command("write 0 5", b"hello"), vec![b"> text".to_vec(), b"#  0".to_vec(), b"".to_vec()]),
            (command("", b"raw"), vec![]),
            (Action::Wait(Duration::from_millis(20)), vec![]),
            (Action::Framing(Framing { echo: true, prompt: false }), vec![]),
            (Action::Restart, vec![]),
            (Action::Prompt, vec![]),
        ];
        assert_eq!(parse(file).unwrap(), expected);
    }

    #[test]
    fn raw_data_after_an_answer_stands_alone() {
        let steps = parse("> a\nb\n>> c\n").unwrap();
        assert_eq!(steps[1].0, Action::Raw(b"c".to_vec()));
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (file, line) in [
            ("hello\n", 1),
            ("> a\n>! boot\n", 2),
            (">! nonsense\n", 1),
            ("> a\n>x 1\n", 2),
            ("> a\n>x zz\n", 2),
            (">! framing echo\n", 1),
            (">! framing header\nhello\n", 2),
            (">! wait long\n", 1),
            (">? a\n", 1),
        ] {
            let message = parse(file).unwrap_err();
            assert!(message.starts_with(&format!("line {line}: ")), "{file:?}: {message}");
        }
    }
}
