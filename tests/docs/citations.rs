//! Comments cite the chapters of `docs/interface` by name and number, `(interface, serial 4.2)`: each must exist.

use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const ENDS: [&str; 7] = ["rs", "c", "h", "py", "mjs", "js", "txt"];

/// The files of the tree that may cite.
fn sources() -> Vec<(String, String)> {
    let mut folders: Vec<_> =
        ["src", "zephyr", "tests", "web", "benches", "clients"].iter().map(|name| Path::new(ROOT).join(name)).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && !["target", "node_modules"].contains(&name.as_str()) {
                folders.push(path);
            } else if path.extension().is_some_and(|end| ENDS.iter().any(|known| end == *known))
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                files.push((path.display().to_string(), text));
            }
        }
    }
    files
}

/// The comments of a file in one line, without their marks; for files other than Rust and C, the whole text.
fn joined(path: &str, text: &str) -> String {
    let marks = ['/', '!', '#', '*', ' ', '\t'];
    let slashes = [".rs", ".c", ".h"].iter().any(|end| path.ends_with(end));
    let comment = |line: &str| !slashes || line.contains("//") || line.trim_start().starts_with(['*', '/']);
    let of = |line: &str| {
        if slashes { line.split_once("//").map_or(line, |(_, rest)| rest).to_owned() } else { line.to_owned() }
    };
    let lines = text.lines().filter(|line| comment(line)).map(of);
    lines.map(|line| line.trim_start_matches(marks).trim_end().to_owned()).collect::<Vec<_>>().join(" ")
}

/// `serial 4.2, network 3` after `interface, `, as chapter and number.
fn cited(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    // Without the blank it is the call of a function.
    for part in text.split(" (interface, ").skip(1) {
        let inside = part.split([')', ';']).next().unwrap_or_default();
        let mut chapter = String::new();
        for word in inside.split([',', ' ']).filter(|word| !word.is_empty()) {
            if word.starts_with(|first: char| first.is_ascii_digit()) {
                found.push((chapter.clone(), word.into()));
            } else {
                chapter = word.trim_matches('`').into();
                found.push((chapter.clone(), String::new()));
            }
        }
    }
    found
}

fn is_there(chapter: &str, number: &str) -> bool {
    let page = Path::new(ROOT).join(format!("docs/interface/{chapter}.md"));
    let Ok(text) = std::fs::read_to_string(page) else { return false };
    let heading = |line: &str| {
        let title = line.trim_start_matches('#');
        line.starts_with("##")
            && title.trim_start().split(' ').next().unwrap_or_default().trim_end_matches('.') == number
    };
    number.is_empty() || text.lines().any(heading)
}

#[test]
fn no_citation_dangles() {
    let mut count = 0;
    for (path, text) in sources() {
        for (chapter, number) in cited(&joined(&path, &text)) {
            // The words of this test itself.
            if path.ends_with("tests/docs/citations.rs") {
                continue;
            }
            count += 1;
            assert!(is_there(&chapter, &number), "{path}: (interface, {chapter} {number}) is not in docs/interface");
        }
    }
    assert!(count > 100, "only {count} citations were found");
}

#[test]
fn nothing_cites_what_is_not_in_the_repository() {
    let old = ["serial", "networking", "commands", "variables", "HTTP", "files"];
    for (path, text) in sources().iter().filter(|(path, _)| !path.ends_with("tests/docs/citations.rs")) {
        let text = joined(path, text);
        for name in old {
            let cited = text.contains(&format!("{name} reference"));
            assert!(!cited, "{path} cites the {name} reference");
        }
        assert!(!text.contains("reference README,"), "{path}");
    }
}
