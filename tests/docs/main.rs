//! Keeps the generated documents true: `docs/conformance.md` and the pages of commands and variables in `docs/interface/`
//! are written from the tables. After a change to a table run `OPENZENTRI_WRITE_DOCS=1 cargo test --test docs` and commit
//! what it wrote.

mod citations;
mod examples;
mod pages;

use std::fmt::Write;
use std::path::Path;

use openzentri::command::COMMANDS;
use openzentri::conformance::Conformance;
use openzentri::variable;

const NOTE: &str = "<!-- Written by `OPENZENTRI_WRITE_DOCS=1 cargo test --test docs` from the tables in `src/`. -->";

fn state(status: Conformance) -> (&'static str, &'static str) {
    match status {
        Conformance::Done => ("done", ""),
        Conformance::Differs(how) => ("differs", how),
        Conformance::NotYet(what) => ("not yet", what),
        Conformance::Extension(what) => ("extension", what),
    }
}

/// Text in a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// Code in a cell of a Markdown table.
fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{}`", text.replace('|', "\\|")) }
}

fn counts() -> String {
    let states = COMMANDS.iter().map(|command| command.status).chain(variable::rows().iter().map(|row| row.status));
    let (mut done, mut differs, mut later, mut ours) = (0, 0, 0, 0);
    for status in states {
        match status {
            Conformance::Done => done += 1,
            Conformance::Differs(_) => differs += 1,
            Conformance::NotYet(_) => later += 1,
            Conformance::Extension(_) => ours += 1,
        }
    }
    let (commands, variables) = (COMMANDS.len(), variable::rows().len());
    format!(
        "{commands} commands and {variables} variables: {done} done, {differs} differ, {later} not yet, {ours} extensions."
    )
}

fn conformance() -> String {
    let mut out = format!("# Conformance\n\n{NOTE}\n\n{}\n\n", counts());
    out.push_str(
        "A command that is \"not yet\" answers `Command failed` with a log line. A variable that is \"not yet\" can be \
         set, saved and read, but nothing acts on it.\n",
    );
    let heading = "| short | state | what differs or is missing |\n| --- | --- | --- | --- |\n";
    write!(out, "\n## Commands\n\n| command {heading}").unwrap();
    for command in COMMANDS {
        let (state, why) = state(command.status);
        writeln!(out, "| `{}` | `{}` | {state} | {} |", command.name, command.abbr, cell(why)).unwrap();
    }
    write!(out, "\n## Variables\n\n| variable {heading}").unwrap();
    for row in variable::rows() {
        let (state, why) = state(row.status);
        writeln!(out, "| `{}` | {} | {state} | {} |", row.name, code(row.abbr), cell(why)).unwrap();
    }
    out
}

fn check(path: &str, text: String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("OPENZENTRI_WRITE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let how = "is not up to date: OPENZENTRI_WRITE_DOCS=1 cargo test --test docs";
    assert!(committed == text, "{} {how}", path.display());
}

#[test]
fn the_conformance_list_is_up_to_date() {
    check("docs/conformance.md", conformance());
}

/// Compares the generated files of a folder, or writes them; a file that nothing generates is a mistake.
fn check_folder(folder: &str, files: Vec<(String, String)>) {
    let names: Vec<String> = files.iter().map(|(name, _)| format!("{name}.md")).collect();
    for (name, text) in files {
        check(&format!("{folder}/{name}.md"), text);
    }
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
        let entry = entry.unwrap();
        let known = names.iter().any(|name| entry.file_name() == name.as_str());
        if !known && std::env::var_os("OPENZENTRI_WRITE_DOCS").is_some() {
            std::fs::remove_file(entry.path()).unwrap();
            continue;
        }
        assert!(known, "{}: no row has this page", entry.path().display());
    }
}

#[test]
fn every_command_has_its_page() {
    let pages = pages::commands();
    assert_eq!(pages.len(), COMMANDS.len() + 1);
    check_folder("docs/interface/commands", pages);
}

#[test]
fn every_variable_has_its_page() {
    let pages = pages::variables();
    assert_eq!(pages.len(), variable::rows().len() + 1);
    check_folder("docs/interface/variables", pages);
}

#[test]
fn every_row_explains_itself() {
    let commands = COMMANDS.iter().map(|command| (command.name, command.summary));
    for (name, summary) in commands.chain(variable::rows().iter().map(|row| (row.name, row.summary))) {
        assert!(!summary.is_empty(), "{name}");
    }
}
