//! `help` in all its forms (commands reference 4).

use core::fmt::Write;

use super::call::Call;
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

/// One `<full name> : <short name>` a line; vendor tools need a colon on every line and no heading.
fn commands(call: &mut Call<'_>) -> Result<(), CommandError> {
    call.at_most(1)?;
    call.long = true;
    for command in COMMANDS {
        let _ = write!(call.reply, "{} : {}\r\n", command.name, command.abbr);
    }
    Ok(())
}

/// One variable a line; its name is the second word (variables reference 1.2).
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
    state(reply, command.status);
}

fn one_variable(call: &mut Call<'_>) -> Result<(), CommandError> {
    let words: heapless::Vec<&[u8], 8> = call.line.words().skip(1).take(8).collect();
    let (id, taken) = variable::find_bytes(&words).ok_or(CommandError::UnknownCommand)?;
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
