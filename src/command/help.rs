//! `help` in all its forms (commands reference 4).

use core::fmt::Write;

use super::response::{CommandError, Ending, Reply};
use super::shell::{Call, Step};
use super::table::{COMMANDS, Command, find};
use crate::conformance::Conformance;
use crate::variable::{self, Access, Kind, Variable};

pub(super) fn help(call: &mut Call<'_>) -> Result<Step, CommandError> {
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
                one_command(call.reply, command);
            }
            None => one_variable(call)?,
        },
    }
    Ok(Step::Done(Ending::Text))
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
    let _ = write!(reply, "Usage: {}\r\n", command.synopsis);
    state(reply, command.status);
}

fn one_variable(call: &mut Call<'_>) -> Result<(), CommandError> {
    let words: heapless::Vec<&[u8], 8> = call.line.words().skip(1).take(8).collect();
    let (id, taken) = variable::find_bytes(&words).ok_or(CommandError::UnknownCommand)?;
    call.at_most(taken)?;
    let row = id.row();
    let _ = write!(call.reply, "{} ({}): {}\r\n", row.name, row.abbr, row.summary);
    values(call.reply, row);
    state(call.reply, row.status);
    Ok(())
}

fn values(reply: &mut Reply, row: &Variable) {
    let (kind, index) = match row.kind {
        Kind::Indexed(index, inner) => (*inner, Some(index)),
        kind => (kind, None),
    };
    if index.is_some() {
        reply.put(b"Values: <index> ");
    } else if row.access != Access::Read {
        reply.put(b"Values: ");
    } else {
        return;
    }
    describe(kind, reply);
    let _ = write!(reply, "\r\nDefault: {}\r\n", row.default);
}

/// What a variable accepts, in words.
fn describe(kind: Kind, reply: &mut Reply) {
    let _ = match kind {
        Kind::Bool => write!(reply, "0|1"),
        Kind::Number { min, max } => write!(reply, "{min}..{max}"),
        Kind::Choice(words) => list(words, '|', reply),
        Kind::Text { min, max, .. } => write!(reply, "text of {min} to {max} bytes"),
        Kind::Ipv4 => write!(reply, "a.b.c.d"),
        Kind::Mac => write!(reply, "XX:XX:XX:XX:XX:XX"),
        Kind::Zone => write!(reply, "[+|-]<hours>[:30]"),
        Kind::Fields(words) => list(words, ',', reply),
        _ => write!(reply, "<value>"),
    };
}

fn list(words: &[&str], separator: char, reply: &mut Reply) -> core::fmt::Result {
    for (place, word) in words.iter().enumerate() {
        if place > 0 {
            reply.write_char(separator)?;
        }
        reply.write_str(word)?;
    }
    Ok(())
}

fn state(reply: &mut Reply, status: Conformance) {
    let _ = match status {
        Conformance::Done => Ok(()),
        Conformance::Differs(how) => write!(reply, "Differs: {how}\r\n"),
        Conformance::NotYet(what) => write!(reply, "Not in this build: {what}\r\n"),
        Conformance::Extension(what) => write!(reply, "Extension: {what}\r\n"),
    };
}
