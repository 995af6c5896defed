//! A page for each command and each variable, and their lists.

use std::fmt::Write;

use openzentri::command::manual::{self, Page};
use openzentri::command::{COMMANDS, Command};
use openzentri::variable::{self, Access, Effect, Saved, Secret, Variable};

use super::examples::Examples;
use super::{NOTE, cell, code, state};

/// The list and one page per command, as name without `.md` and text.
pub fn commands() -> Vec<(String, String)> {
    let examples = Examples::read();
    let pages = COMMANDS.iter().map(|command| (command.name.into(), command_page(command, &examples)));
    std::iter::once(("README".into(), command_list())).chain(pages).collect()
}

/// The list and one page per variable.
pub fn variables() -> Vec<(String, String)> {
    let pages = variable::rows().iter().map(|row| (row.name.into(), variable_page(row)));
    std::iter::once(("README".into(), variable_list())).chain(pages).collect()
}

fn command_list() -> String {
    let mut out = format!("# Commands\n\n{NOTE}\n\n");
    out.push_str("| command | short | usage | what it does |\n| --- | --- | --- | --- |\n");
    for command in COMMANDS {
        let usage = code(command.synopsis.trim_end());
        let (name, abbr) = (command.name, command.abbr);
        writeln!(out, "| [`{name}`]({name}.md) | `{abbr}` | {usage} | {} |", cell(command.summary)).unwrap();
    }
    out
}

fn command_page(command: &Command, examples: &Examples) -> String {
    let page = manual::page(command.name).expect("every command has a page");
    let mut out = format!("# {}\n\n{NOTE}\n\n{}.\n\n", command.name, cell(command.summary));
    write!(out, "```text\n{}\n```\n\nShort name: `{}`.", command.synopsis.trim_end(), command.abbr).unwrap();
    write!(out, " An API token needs the scope `{}`.", command.scope.name()).unwrap();
    out.push_str(if command.safe { " It can be given in safe mode.\n\n" } else { "\n\n" });
    let (state, why) = state(command.status);
    if !why.is_empty() {
        write!(out, "State: {state}: {}.\n\n", cell(why)).unwrap();
    }
    parts(&mut out, page);
    write!(out, "## Answer\n\n{}\n\n", page.answer).unwrap();
    out.push_str("Codes when it fails: see [serial, 4.2](../serial.md).\n\n## Example\n\n```text\n");
    match examples.of(command) {
        Some(lines) => lines.iter().for_each(|line| writeln!(out, "{line}").unwrap()),
        None => writeln!(out, "> {}", page.example).unwrap(),
    }
    out.push_str("```\n");
    out
}

fn parts(out: &mut String, page: &Page) {
    for (title, parts) in [("Parameters", page.parameters), ("Options", page.options)] {
        if parts.is_empty() {
            continue;
        }
        write!(out, "## {title}\n\n| | |\n| --- | --- |\n").unwrap();
        for (name, meaning) in parts {
            writeln!(out, "| {} | {} |", code(name), meaning.replace('|', "\\|")).unwrap();
        }
        out.push('\n');
    }
}

fn access(row: &Variable) -> &'static str {
    match row.access {
        Access::Read => "get",
        Access::Write => "set",
        Access::ReadWrite => "get, set",
    }
}

fn acts(row: &Variable) -> &'static str {
    match row.effect {
        Effect::Now => "at once",
        Effect::Network => "by `network_restart`",
        Effect::Boot | Effect::Uart => "by `save`, `reboot`",
        Effect::Setup => "at the next web setup",
        Effect::None => "",
    }
}

fn stored(row: &Variable) -> &'static str {
    match (row.saved, row.secret) {
        (Saved::No, _) => "no",
        (_, Secret::No) => "yes",
        (_, Secret::Passkey) => "yes; hidden unless `wlan.hide_passkey` is 0",
        (_, Secret::Always) => "yes; always hidden",
    }
}

fn values(row: &Variable) -> String {
    let mut values = String::new();
    if row.access != Access::Read {
        variable::describe(&row.kind, &mut values).unwrap();
    }
    values
}

fn variable_list() -> String {
    let mut out = format!("# Variables\n\n{NOTE}\n\n");
    out.push_str("| variable | short | access | values | default | acts | meaning |\n");
    out.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
    for row in variable::rows() {
        let (name, abbr, default) = (row.name, code(row.abbr), default(row));
        let (values, summary) = (cell(&values(row)), cell(row.summary));
        let (access, acts) = (access(row), acts(row));
        writeln!(out, "| [`{name}`]({name}.md) | {abbr} | {access} | {values} | {default} | {acts} | {summary} |")
            .unwrap();
    }
    out
}

/// The default in one line; an indexed variable may have a line for each element.
fn default(row: &Variable) -> String {
    code(&row.default.replace('\n', ", "))
}

fn variable_page(row: &Variable) -> String {
    let mut out = format!("# {}\n\n{NOTE}\n\n{}\n\n| | |\n| --- | --- |\n", row.name, cell(row.summary));
    let (state, why) = state(row.status);
    let state = if why.is_empty() { state.into() } else { format!("{state}: {}", cell(why)) };
    for (name, value) in [
        ("short name", code(row.abbr)),
        ("access", access(row).into()),
        ("values", cell(&values(row))),
        ("default", default(row)),
        ("acts", acts(row).into()),
        ("stored by `save`", stored(row).into()),
        ("state", state),
    ] {
        if !value.is_empty() {
            writeln!(out, "| {name} | {value} |").unwrap();
        }
    }
    out.push_str("\nHow values are spelled: [variables](../variables.md).\n");
    out
}
