//! `help` in all its forms.

use core::fmt::Write;

use super::call::Call;
use super::manual::{self, Page};
use super::response::{CommandError, Ending, Reply};
use super::table::{COMMANDS, Command, find};
use crate::conformance::Conformance;
use crate::variable::{self, Access, Effect, Secret, ValueKind, Variable};

pub(super) fn help(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    match call.argument(0) {
        Err(_) => {
            call.reply.put(b"help commands    all commands and their short names\r\n");
            call.reply.put(b"help variables   all variables and their short names\r\n");
            call.reply.put(b"help all         both\r\n");
            call.reply.put(b"help <name>      one command or variable\r\n");
            call.reply.put(b"help <group>     what begins with a word, such as wlan or stream\r\n");
        }
        Ok(b"commands") => commands(call)?,
        Ok(b"variables") => variables(call)?,
        Ok(b"all") => {
            commands(call)?;
            variables(call)?;
        }
        Ok(name) => match find(name) {
            Some(command) => {
                call.at_most(1)?;
                one_command(&mut call.reply, command);
            }
            None => one_variable(call)?,
        },
    }
    Ok(Ending::Text)
}

/// One `<full name> : <short name>` per line; vendor tools need a colon on every line and no heading.
fn commands(call: &mut Call<'_>) -> Result<(), CommandError> {
    call.at_most(1)?;
    call.long = true;
    for command in COMMANDS {
        let _ = write!(call.reply, "{} : {}\r\n", command.name, command.abbr);
    }
    Ok(())
}

/// One variable per line; its name is the second word (interface, variables 1.2).
fn variables(call: &mut Call<'_>) -> Result<(), CommandError> {
    call.at_most(1)?;
    call.long = true;
    for row in variable::rows() {
        let _ = write!(call.reply, "{:<3} {}", access(row.access), row.name);
        if !row.abbr.is_empty() {
            let _ = write!(call.reply, "  ({})", row.abbr);
        }
        call.reply.put(b"\r\n");
    }
    Ok(())
}

fn access(access: Access) -> &'static str {
    match access {
        Access::Read => "g",
        Access::Write => "s",
        Access::ReadWrite => "g/s",
    }
}

fn one_command(reply: &mut Reply, command: &Command) {
    let _ = write!(reply, "{} ({}): {}\r\n", command.name, command.abbr, command.summary);
    let _ = write!(reply, "Usage: {}\r\n", command.synopsis.trim_ascii_end());
    if let Some(page) = manual::page(command.name) {
        explain(reply, page);
    }
    state(reply, command.status);
}

/// Parameters, options, the answer and an example, in a build that has them.
fn explain(reply: &mut Reply, page: &Page) {
    for (name, meaning) in page.parameters.iter().chain(page.options) {
        let _ = write!(reply, "  {name:<14} ");
        plain(reply, meaning);
    }
    reply.put(b"Answer: ");
    plain(reply, page.answer);
    let _ = write!(reply, "Example: {}\r\n", page.example);
}

/// A line without the code marks (backticks) that the pages have for documents.
fn plain(reply: &mut Reply, text: &str) {
    for piece in text.split('`') {
        reply.put(piece.as_bytes());
    }
    reply.put(b"\r\n");
}

/// The commands and variables whose names begin with a word: one line each, with its purpose.
fn group(call: &mut Call<'_>) -> Result<(), CommandError> {
    let word = call.text(0).map_err(|_| CommandError::UnknownCommand)?;
    let ours = |name: &str| name.strip_prefix(word).is_some_and(|rest| rest.starts_with(['_', '.']));
    let commands = COMMANDS.iter().filter(|command| ours(command.name));
    let variables = variable::rows().iter().filter(|row| ours(row.name));
    if commands.clone().next().is_none() && variables.clone().next().is_none() {
        return Err(CommandError::UnknownCommand);
    }
    call.at_most(1)?;
    call.long = true;
    for command in commands {
        let _ = write!(call.reply, "{} ({}): {}\r\n", command.name, command.abbr, command.summary);
    }
    for row in variables {
        let _ = write!(call.reply, "{} ({}): {}", row.name, row.abbr, row.summary);
        // The web console looks for this text.
        let missing = matches!(row.status, Conformance::NotYet(_));
        call.reply.put(if missing { b" Not in this build.\r\n" } else { b"\r\n" });
    }
    Ok(())
}

fn one_variable(call: &mut Call<'_>) -> Result<(), CommandError> {
    let words: heapless::Vec<&[u8], 8> = call.line.words().skip(1).take(8).collect();
    let Some((id, taken)) = variable::find_bytes(&words) else { return group(call) };
    call.at_most(taken)?;
    let row = id.row();
    let _ = write!(call.reply, "{} ({}): {}\r\n", row.name, row.abbr, row.summary);
    values(&mut call.reply, row);
    state(&mut call.reply, row.status);
    Ok(())
}

fn values(reply: &mut Reply, row: &Variable) {
    if row.access == Access::Read {
        return;
    }
    let kind = match row.kind {
        ValueKind::Indexed(index, kind) => {
            reply.put(b"Index: ");
            let _ = variable::describe_index(index, reply);
            reply.put(b"\r\n");
            kind
        }
        ref kind => kind,
    };
    reply.put(b"Values: ");
    let _ = variable::describe(kind, reply);
    reply.put(b"\r\nDefault: ");
    // The default of an indexed variable may have a line for each element.
    for (place, line) in row.default.split('\n').enumerate() {
        let _ = write!(reply, "{}{line}", if place > 0 { "\r\n" } else { "" });
    }
    let _ = write!(reply, "\r\nEffect: {}\r\n", effect(row.effect));
    match row.secret {
        Secret::No => {}
        Secret::Passkey => reply.put(b"Hidden: while wlan.hide_passkey is 1\r\n"),
        Secret::Always => reply.put(b"Hidden: always\r\n"),
    }
}

/// When a change acts. The web console looks for the names of the two commands in it.
fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Now | Effect::None => "at once",
        Effect::Network => "after network_restart",
        Effect::Boot | Effect::Uart => "after save and reboot",
        Effect::Setup => "at the next web setup",
    }
}

fn state(reply: &mut Reply, status: Conformance) {
    let _ = match status {
        Conformance::Done => Ok(()),
        Conformance::Differs(how) => write!(reply, "Differs: {how}\r\n"),
        Conformance::NotYet(what) => write!(reply, "Not in this build: {what}\r\n"),
        Conformance::Extension(what) => write!(reply, "Extension: {what}\r\n"),
    };
}
