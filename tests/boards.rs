//! The commands of README.md and docs/boards/: every board, folder and module that they name exists. A test has no
//! network and cannot run them, but wrong names are what goes wrong in them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The pages with commands.
fn pages() -> Vec<PathBuf> {
    let folder = root().join("docs/boards");
    let mut pages = vec![root().join("README.md")];
    pages.extend(folder.read_dir().unwrap().map(|entry| entry.unwrap().path()));
    pages
}

/// The simple commands in the blocks of a page that are marked as commands, with `&&` between them or on lines of their own.
fn commands(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for block in page.split("```sh\n").skip(1) {
        let block = block.split("```").next().unwrap().replace("\\\n", " ");
        found.extend(block.lines().flat_map(|line| line.split("&&")).map(|command| command.trim().to_owned()));
    }
    found
}

/// The word after an option.
fn after<'a>(command: &'a str, option: &str) -> Option<&'a str> {
    command.split_whitespace().skip_while(|word| *word != option).nth(1)
}

/// Whether the tree has the files of a board.
fn has_board(board: &str) -> bool {
    let name = board.replace('/', "_");
    let samples = read(&root().join("sample.yaml"));
    let is_built = samples.lines().any(|line| line.trim() == format!("platform_allow: {board}"));
    is_built && ["conf", "overlay"].iter().all(|kind| root().join(format!("boards/{name}.{kind}")).exists())
}

/// What is wrong with a command; `built` are the build folders of the commands before it.
fn fault(command: &str, built: &mut BTreeSet<String>) -> Option<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let manifest = read(&root().join("west.yml"));
    let known = |folder: Option<&str>| folder.is_some_and(|folder| built.contains(folder));
    match words.as_slice() {
        ["west", "build", ..] if after(command, "-b").is_some() => {
            let folder = after(command, "-d").unwrap_or_default();
            if !words.contains(&"-p") || !folder.starts_with("build/") {
                return Some("each board has a build folder of its own: -p -d build/<board>".to_owned());
            }
            built.insert(folder.to_owned());
            let board = after(command, "-b")?;
            (!has_board(board)).then(|| format!("no files of the board {board}, or no entry in sample.yaml"))
        }
        [.., "west", "build", "-d", folder, "-t", _] | ["west", "flash", "-d", folder] => {
            (!known(Some(folder))).then(|| format!("{folder} was not built before"))
        }
        ["west", "build" | "flash", ..] => Some("no build folder".to_owned()),
        ["west", "blobs", "fetch", module] => {
            (!manifest.contains(&format!("- {module}\n"))).then(|| format!("{module} is not in west.yml"))
        }
        ["west", "twister", ..] => {
            let board = after(command, "-p").unwrap_or_default();
            let is_here = after(command, "-T") == Some(".");
            (!is_here || !has_board(board)).then(|| format!("no files of the board {board}, or not -T ."))
        }
        [program, ..] if program.contains("build/") => {
            // An environment variable may contain the path, too.
            let path = program.rsplit('=').next().unwrap_or_default();
            let folder = path.trim_start_matches("./").split("/zephyr/").next();
            (!known(folder)).then(|| format!("{program} was not built before"))
        }
        _ => None,
    }
}

#[test]
fn the_commands_of_the_pages_name_what_is_there() {
    let mut faults = String::new();
    let mut seen = 0;
    for path in pages() {
        let mut built = BTreeSet::new();
        for command in commands(&read(&path)) {
            seen += 1;
            if let Some(fault) = fault(&command, &mut built) {
                faults += &format!("{}: `{command}`: {fault}\n", path.file_name().unwrap().display());
            }
        }
    }
    assert!(seen > 30, "only {seen} commands found");
    assert!(faults.is_empty(), "\n{faults}");
}

/// Each board that Twister builds has a page, and each page is in the list.
#[test]
fn every_board_has_a_page() {
    let samples = read(&root().join("sample.yaml"));
    let list = read(&root().join("docs/boards/README.md"));
    for board in samples.lines().filter_map(|line| line.trim().strip_prefix("platform_allow: ")) {
        assert!(list.contains(&format!("| `{board}` |")), "{board} is not in docs/boards/README.md");
    }
    for link in
        list.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()).filter(|link| link.ends_with(".md"))
    {
        assert!(root().join("docs/boards").join(link).exists(), "{link} is not there");
    }
}

#[test]
fn faults_are_found() {
    for command in [
        "west build -b nosuchboard -p -d build/x",
        "west build -b esp32c3_devkitm openzentri",
        "west flash",
        "west twister -T . -p nosuchboard",
        "west flash -d build/y",
        "west blobs fetch nosuchmodule",
        "./build/z/zephyr/zephyr.exe",
    ] {
        assert!(fault(command, &mut BTreeSet::new()).is_some(), "{command}");
    }
}
