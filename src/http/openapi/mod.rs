//! `/openapi.json`: the REST API as an OpenAPI 3.1 description, with every command and variable from their tables. An
//! extension (`docs/extensions.md`).
//!
//! The fixed parts are the JSON files beside this one, each a complete value; `build.rs` removes their line breaks.

use core::fmt::{self, Write};

use super::exchange::Exchange;
use super::failure::Failure;
use super::pieces::{Pieces, Text};
use super::respond;
use super::route::Route;
use crate::access::scope::of_variable;
use crate::access::token;
use crate::command::{COMMANDS, Command};
use crate::conformance::Conformance;
use crate::variable::{self, Access, Secret, Variable};

/// Sends the description.
pub(super) async fn send(exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    let routes = exchange.routes;
    let connection = &mut *exchange.connection;
    let protected = token::are_needed(connection.server.base());
    let mut text = Text::new(Description { routes, protected });
    let head = respond::fresh(connection, "application/json", text.length())?;
    respond::send(connection, head, &mut text).await
}

struct Description {
    routes: &'static [Route],
    /// The API needs credentials at present.
    protected: bool,
}

/// The parts of the document, in this order.
enum Part {
    Text(&'static str),
    Security,
    Paths,
    Commands,
    Variables,
}

use Part::{Commands, Paths, Security, Variables};

const PARTS: &[Part] = &[
    Part::Text(concat!(
        "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"OpenZentri\",\"version\":\"",
        env!("CARGO_PKG_VERSION"),
        "\",\"summary\":\"The REST API of a device that speaks ZentriOS\",\"license\":{\"name\":\"Apache-2.0\",\
         \"identifier\":\"Apache-2.0\"}},\"servers\":[{\"url\":\"/\"}],\"tags\":[{\"name\":\"commands\"},\
         {\"name\":\"observation\"}],\"security\":"
    )),
    Security,
    Part::Text(",\"paths\":{"),
    Paths,
    Part::Text(concat!("},\"components\":", include_str!(concat!(env!("OUT_DIR"), "/openapi/components.json")))),
    Part::Text(",\"x-commands\":["),
    Commands,
    Part::Text("],\"x-variables\":["),
    Variables,
    Part::Text("]}"),
];

impl Pieces for Description {
    fn write(&self, number: usize, out: &mut dyn Write) -> Option<fmt::Result> {
        let mut row = number;
        for part in PARTS {
            let rows = match part {
                Part::Text(_) | Security => 1,
                Paths => self.paths().count(),
                Commands => COMMANDS.len(),
                Variables => variable::rows().len(),
            };
            if row < rows {
                return Some(self.row(part, row, out));
            }
            row -= rows;
        }
        None
    }
}

impl Description {
    /// The described paths and their descriptions.
    fn paths(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let described = self.routes.iter().filter(|route| !route.description.is_empty() && route.when.is_built());
        described.map(|route| (route.path, route.description))
    }

    fn row(&self, part: &Part, row: usize, out: &mut dyn Write) -> fmt::Result {
        if row > 0 {
            out.write_str(",\n")?;
        }
        match part {
            Part::Text(text) => out.write_str(text),
            Security if self.protected => out.write_str("[{\"basic\":[]},{\"bearer\":[]}]"),
            Security => out.write_str("[{},{\"basic\":[]},{\"bearer\":[]}]"),
            Paths => self.paths().nth(row).map_or(Ok(()), |(path, text)| write!(out, "\"{path}\":{text}")),
            Commands => COMMANDS.get(row).map_or(Ok(()), |command| write_command(command, out)),
            Variables => variable::rows().get(row).map_or(Ok(()), |row| write_variable(row, out)),
        }
    }
}

fn write_command(command: &Command, out: &mut dyn Write) -> fmt::Result {
    write!(out, "{{\"name\":\"{}\",\"short\":\"{}\"", command.name, command.abbr)?;
    member(out, "usage", command.synopsis.trim_ascii_end())?;
    member(out, "summary", command.summary)?;
    member(out, "scope", command.scope.name())?;
    write_state(command.status, out)?;
    out.write_str("}")
}

fn write_variable(row: &Variable, out: &mut dyn Write) -> fmt::Result {
    write!(out, "{{\"name\":\"{}\"", row.name)?;
    if !row.abbr.is_empty() {
        member(out, "short", row.abbr)?;
    }
    member(out, "summary", row.summary)?;
    let (get, set) = (row.access != Access::Write, row.access != Access::Read);
    write!(out, ",\"get\":{get},\"set\":{set},\"secret\":{}", row.secret != Secret::No)?;
    if set {
        out.write_str(",\"values\":\"")?;
        variable::describe(&row.kind, &mut Escaped(&mut *out))?;
        out.write_str("\"")?;
        member(out, "default", row.default)?;
        member(out, "scope", of_variable(row).name())?;
    }
    write_state(row.status, out)?;
    out.write_str("}")
}

fn write_state(status: Conformance, out: &mut dyn Write) -> fmt::Result {
    let (state, note) = match status {
        Conformance::Done => ("done", ""),
        Conformance::Differs(how) => ("differs", how),
        Conformance::NotYet(what) => ("not yet", what),
        Conformance::Extension(what) => ("extension", what),
    };
    member(out, "state", state)?;
    if note.is_empty() { Ok(()) } else { member(out, "note", note) }
}

/// Writes `,"name":"value"`.
fn member(out: &mut dyn Write, name: &str, value: &str) -> fmt::Result {
    write!(out, ",\"{name}\":\"")?;
    Escaped(&mut *out).write_str(value)?;
    out.write_str("\"")
}

/// Escapes what goes into a JSON string.
struct Escaped<'a>(&'a mut dyn Write);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for plain in text.split_inclusive(|character: char| character < ' ' || matches!(character, '"' | '\\')) {
            let last = plain.chars().next_back().unwrap_or_default();
            let escape = match last {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                character if character < ' ' => "\\ufffd",
                _ => {
                    self.0.write_str(plain)?;
                    continue;
                }
            };
            self.0.write_str(plain.get(..plain.len() - 1).unwrap_or_default())?;
            self.0.write_str(escape)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(protected: bool) -> std::string::String {
        let mut text = std::string::String::new();
        let mut number = 0;
        while let Some(written) = (Description { routes: &[], protected }).write(number, &mut text) {
            written.unwrap();
            number += 1;
        }
        text
    }

    #[test]
    fn every_command_and_variable_is_in_it() {
        let text = document(false);
        for command in COMMANDS {
            assert!(text.contains(&std::format!("{{\"name\":\"{}\",\"short\":\"{}\"", command.name, command.abbr)));
        }
        for row in variable::rows() {
            assert!(text.contains(&std::format!("{{\"name\":\"{}\"", row.name)));
        }
        assert!(text.is_ascii());
    }

    #[test]
    fn text_is_escaped() {
        let mut out = std::string::String::new();
        Escaped(&mut out).write_str("a\"b\\c\nd\u{1}ä\"").unwrap();
        assert_eq!(out, "a\\\"b\\\\c\\nd\\ufffdä\\\"");
    }

    #[test]
    fn credentials_are_said_to_be_needed_when_they_are() {
        assert!(document(true).contains("\"security\":[{\"basic\":[]},{\"bearer\":[]}]"));
        assert!(document(false).contains("\"security\":[{},"));
    }
}
