//! Runs transcripts, the dialogues in `tests/transcripts`, against a [`SimDevice`]. Their format is described in
//! `tests/transcripts/README.md`; a runner in Python reads the same files.

use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;
use std::{format, mem};

use embassy_time::Duration;

use super::{SimDevice, framing, text};

mod pattern;
mod script;

use pattern::Variables;
use script::{Action, Script, Step};

/// How long the device may take until it prints a prompt.
const PATIENCE: Duration = Duration::from_secs(60);

/// Plays a transcript against a device that has just booted. `variables` are the values of `{$name}`. The error names
/// the line of the transcript, the expected output and the actual output.
pub fn run(device: &mut SimDevice, transcript: &[u8], variables: &[(&str, &str)]) -> Result<(), String> {
    let script = Script::parse(transcript)?;
    let variables = variables.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    let mut player = Player { device, variables: variables.collect(), framing: script::Framing::default() };
    if !matches!(script.steps.first(), Some(Step { action: Action::Boot, .. })) {
        player.until_prompt()?;
    }
    for step in &script.steps {
        player.play(step).map_err(|message| format!("line {}: {message}", step.line))?;
    }
    Ok(())
}

struct Player<'a> {
    device: &'a mut SimDevice,
    variables: BTreeMap<Vec<u8>, Vec<u8>>,
    framing: script::Framing,
}

impl Player<'_> {
    fn play(&mut self, step: &Step) -> Result<(), String> {
        let output = match &step.action {
            Action::Boot | Action::Prompt => self.until_prompt()?,
            Action::Restart => {
                self.device.take_bytes();
                self.device.power_cycle();
                self.until_prompt()?
            }
            Action::Wait(duration) => {
                self.device.advance(*duration);
                self.device.take_bytes()
            }
            Action::Framing(framing) => {
                self.framing = *framing;
                return Ok(());
            }
            Action::Raw(data) => {
                self.device.port().type_bytes(&pattern::insert(data, &self.variables)?);
                return Ok(());
            }
            Action::Command { line, data } => self.command(line, data)?,
        };
        self.compare(&step.expected, &output)
    }

    /// Waits for a prompt and returns the output before it.
    fn until_prompt(&mut self) -> Result<Vec<u8>, String> {
        let mut output = Vec::new();
        let booted = self.device.run_until(PATIENCE, |device| {
            output.extend(device.take_bytes());
            framing::without_prompt(&output).0
        });
        if !booted {
            return Err(format!("no prompt within {PATIENCE}; there was {:?}", text(&output)));
        }
        Ok(framing::without_prompt(&output).1.to_vec())
    }

    /// Types a command, and removes echo and prompt from its answer; each must be there exactly when expected.
    fn command(&mut self, line: &[u8], data: &[u8]) -> Result<Vec<u8>, String> {
        let line = pattern::insert(line, &self.variables)?;
        let data = pattern::insert(data, &self.variables)?;
        let earlier = self.device.take_bytes();
        if !earlier.is_empty() {
            return Err(format!("printed before the command: {:?}", text(&earlier)));
        }
        let output = self.device.exchange(&text(&line), &data);
        let (echoed, answer) = framing::without_echo(&output, &line);
        if echoed != self.framing.echo {
            return Err(format!("the echo is {}: {:?}", if echoed { "there" } else { "missing" }, text(&output)));
        }
        let (prompted, answer) = framing::without_prompt(answer);
        if prompted != self.framing.prompt {
            return Err(format!("the prompt is {}: {:?}", if prompted { "there" } else { "missing" }, text(&output)));
        }
        Ok(answer.to_vec())
    }

    fn compare(&mut self, expected: &[Vec<u8>], output: &[u8]) -> Result<(), String> {
        let mut actual: Vec<&[u8]> = split_lines(output);
        // Every line ends with CR LF; any bytes after the last one are an unfinished line.
        let unfinished = actual.pop().unwrap_or_default();
        if !unfinished.is_empty() {
            return Err(format!("a line without an end was printed: {:?}", text(unfinished)));
        }
        let variables: Variables = mem::take(&mut self.variables);
        match pattern::match_lines(expected, &actual, &variables)? {
            Some(bound) => self.variables = bound,
            None => return Err(report(expected, &actual)),
        }
        Ok(())
    }
}

/// Splits at each CR LF.
fn split_lines(mut output: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    while let Some(at) = output.windows(2).position(|pair| pair == b"\r\n") {
        lines.push(&output[..at]);
        output = &output[at + 2..];
    }
    lines.push(output);
    lines
}

fn report(expected: &[Vec<u8>], actual: &[&[u8]]) -> String {
    let mut message = String::from("the answer differs\nexpected:\n");
    for line in expected {
        message += &format!("  {}\n", text(line));
    }
    message += "printed:\n";
    for line in actual {
        message += &format!("  {}\n", text(line));
    }
    message
}
