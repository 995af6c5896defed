//! Examples for the pages of commands: the first dialogue in a transcript in which a command succeeds.

use std::path::{Path, PathBuf};

use openzentri::command::Command;

/// The texts of the result codes other than success (interface, serial 4.2).
const REFUSALS: [&str; 12] = [
    "Command failed",
    "Parse error",
    "Unknown command",
    "Too few arguments",
    "Too many arguments",
    "Unknown variable",
    "Unknown option",
    "Invalid argument",
    "Command too long",
    "Bounds error",
    "Join failed",
    "Ping failed",
];

/// A command line, what a host sends after it, and what the device prints.
#[derive(Clone)]
struct Step {
    line: String,
    rest: Vec<String>,
    answer: Vec<String>,
}

/// The steps of all transcripts in human mode.
pub struct Examples(Vec<Step>);

impl Examples {
    /// Reads `tests/transcripts`.
    pub fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
        let mut steps = Vec::new();
        for file in files(&folder).into_iter().chain(files(&folder.join("peers"))) {
            steps.extend(parse(&std::fs::read_to_string(file).unwrap()));
        }
        Self(steps)
    }

    /// The dialogue that shows the most of a command, in lines.
    pub fn of(&self, command: &Command) -> Option<Vec<String>> {
        let ours = |step: &&Step| {
            let word = step.line.split(' ').next().unwrap_or_default();
            (word == command.name || word == command.abbr) && succeeds(step)
        };
        let step = self.0.iter().filter(ours).max_by_key(|step| (step.line.starts_with(command.name), score(step)))?;
        let mut lines = vec![format!("> {}", step.line)];
        lines.extend(step.rest.iter().cloned());
        lines.extend(step.answer.iter().cloned());
        Some(lines)
    }
}

/// Short answers that are not empty are the best examples.
fn score(step: &Step) -> usize {
    let lines = step.answer.len();
    if (1..=8).contains(&lines) { 10 + step.line.len().min(60) } else { 0 }
}

fn succeeds(step: &Step) -> bool {
    let refused = |line: &String| REFUSALS.contains(&line.as_str());
    !step.answer.is_empty() && !step.answer.iter().any(refused) && !step.answer[0].starts_with("R0")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    files.sort();
    files
}

/// Steps of one transcript, up to where headers are on.
fn parse(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut head = true;
    for line in text.lines() {
        if head && (line.is_empty() || line.starts_with('#')) {
            continue;
        }
        head = false;
        if let Some(command) = line.strip_prefix("> ") {
            steps.push(Step { line: plain(command), rest: Vec::new(), answer: Vec::new() });
        } else if line.starts_with(">!") && line.contains("header") {
            break;
        } else if line.starts_with(">!") {
            // What is printed from here on belongs to no command.
            steps.push(Step { line: String::new(), rest: Vec::new(), answer: Vec::new() });
        } else if let (Some(data), Some(step)) = (line.strip_prefix(">> "), steps.last_mut()) {
            step.rest.push(data.into());
        } else if let (false, Some(step)) = (line.starts_with('>'), steps.last_mut()) {
            step.answer.push(plain(line));
        }
    }
    steps
}

/// A line without the placeholders of transcripts (`tests/transcripts/README.md`).
fn plain(line: &str) -> String {
    let line = line.strip_prefix('\\').unwrap_or(line);
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else { break };
        out.push_str(before);
        match name.strip_prefix('$') {
            Some(name) => out.push_str(&format!("<{name}>")),
            None => out.push('…'),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}
