//! Reads what a device prints in answer to a command (interface, serial 4).

use std::vec::Vec;

/// The prompts, the longer one first.
const PROMPTS: [&[u8]; 2] = [b"SAFEMODE> ", b"> "];
/// Bytes of a header with its CR LF.
const HEADER: usize = 9;

/// One response or log line with a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// `R` for a response, `S` for one in safe mode, `L` for a log line.
    pub kind: u8,
    /// The response code, 0 to 9.
    pub code: u8,
    /// The bytes that the header counts, including CR LF at the end.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The payload as text without its final CR LF.
    pub fn text(&self) -> std::string::String {
        super::text(self.payload.strip_suffix(b"\r\n").unwrap_or(&self.payload))
    }
}

/// The first frame and its length with the header; `None` when it is incomplete, or not a frame.
fn frame(bytes: &[u8]) -> Option<(Frame, usize)> {
    let [kind @ (b'R' | b'S' | b'L'), digits @ .., b'\r', b'\n'] = bytes.get(..HEADER)? else { return None };
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length = digits[1..].iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
    let payload = bytes.get(HEADER..HEADER + length)?.to_vec();
    Some((Frame { kind: *kind, code: digits[0] - b'0', payload }, HEADER + length))
}

/// The complete frames at the start of `bytes`, and what follows them.
pub fn frames(mut bytes: &[u8]) -> (Vec<Frame>, &[u8]) {
    let mut found = Vec::new();
    while let Some((next, length)) = frame(bytes) {
        found.push(next);
        bytes = &bytes[length..];
    }
    (found, bytes)
}

/// Takes the echo of a typed line off the start of `output`, if it is there.
pub fn without_echo<'a>(output: &'a [u8], line: &[u8]) -> (bool, &'a [u8]) {
    match output.strip_prefix(line).and_then(|rest| rest.strip_prefix(b"\r\n")) {
        Some(rest) => (true, rest),
        None => (false, output),
    }
}

/// Takes the prompt off the end of `output`, if it is there on a line of its own.
pub fn without_prompt(output: &[u8]) -> (bool, &[u8]) {
    for prompt in PROMPTS {
        if let Some(rest) = output.strip_suffix(prompt)
            && (rest.is_empty() || rest.ends_with(b"\n"))
        {
            return (true, rest);
        }
    }
    (false, output)
}

/// Whether `output` holds the whole answer to the typed `line`: it ends with a prompt, or has a response frame.
pub fn is_answered(output: &[u8], line: &[u8]) -> bool {
    let (_, answer) = without_echo(output, line);
    without_prompt(answer).0 || frames(answer).0.iter().any(|frame| frame.kind != b'L')
}
