//! Turns the Kconfig of a Zephyr build into Rust constants for `src/limits.rs`, and the files of the web console into
//! the table that `src/http/console.rs` includes. What takes flash on a board is made small here: the console and the
//! description of the API.
//!
//! Zephyr's build passes the path of its `.config` in `DOTCONFIG`; on any other build the table of numbers is empty, so
//! that every limit keeps its default, and there is no list of options, so that Cargo's features decide alone.
use std::{env, fs, path::Path};

fn main() {
    constants();
    descriptions();
    #[cfg(feature = "console")]
    console::write(options().is_none_or(|options| options.contains("\"CONSOLE\"")));
}

/// Zephyr's configuration, where there is one.
fn config() -> Option<String> {
    println!("cargo:rerun-if-env-changed=DOTCONFIG");
    let path = env::var("DOTCONFIG").ok()?;
    println!("cargo:rerun-if-changed={path}");
    fs::read_to_string(path).ok()
}

/// The options of the device that are set, as the elements of a Rust array.
fn options() -> Option<String> {
    let options = |line: &str| Some(format!("{:?},", line.strip_prefix("CONFIG_OPENZENTRI_")?.strip_suffix("=y")?));
    config().map(|text| text.lines().filter_map(options).collect())
}

fn constants() {
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let list = options().map_or("None".to_owned(), |options| format!("Some(&[{options}])"));
    let features = format!("const OPTIONS: Option<&[&str]> = {list};\n");
    fs::write(Path::new(&out).join("features.rs"), features).expect("OUT_DIR can be written");

    let text = config().unwrap_or_default();
    let mut arms = String::new();
    for line in text.lines() {
        let Some((name, value)) = line.strip_prefix("CONFIG_OPENZENTRI_").and_then(|rest| rest.split_once('=')) else {
            continue;
        };
        if value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() {
            arms.push_str(&format!("(\"{name}\", {value}),\n"));
        }
    }
    let table = format!("const KCONFIG: &[(&str, usize)] = &[\n{arms}];\n");
    fs::write(Path::new(&out).join("kconfig.rs"), table).expect("OUT_DIR can be written");
}

/// The descriptions of `src/http/openapi/` without line breaks and indentation.
fn descriptions() {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("src/http/openapi");
    println!("cargo:rerun-if-changed={}", folder.display());
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("openapi");
    fs::create_dir_all(&out).expect("OUT_DIR can be written");
    for entry in fs::read_dir(folder).expect("the folder src/http/openapi/") {
        let path = entry.expect("an entry of src/http/openapi/").path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let text = fs::read_to_string(&path).expect("a file of src/http/openapi/");
            // A string of JSON has no line break in it.
            let text: String = text.lines().map(str::trim_start).collect();
            fs::write(out.join(path.file_name().expect("a name")), text).expect("OUT_DIR can be written");
        }
    }
}

#[cfg(feature = "console")]
mod console {
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::{env, fs};

    /// The page; everything else is reached from it.
    const PAGE: &str = "index.html";
    /// The path of all parts.
    const ROOT: &str = "/.console/";

    /// Packs the files of `web/` and writes the table of them. Each path except the page's holds a hash of all files,
    /// so that browsers can keep the files for ever and yet never mix two releases.
    pub fn write(offered: bool) {
        let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("web");
        println!("cargo:rerun-if-changed={}", folder.display());
        let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
        if !offered {
            fs::write(out.join("console.rs"), "static ASSETS: &[Asset] = &[];\n").expect("OUT_DIR can be written");
            return;
        }
        let mut files = read(&folder);
        let place = format!("{ROOT}{:016x}/", hash(&files));
        let page = files.get_mut(PAGE).expect("web/index.html");
        *page = String::from_utf8_lossy(page).replace(ROOT, &place).into_bytes();

        let mut rows = String::new();
        for (name, bytes) in &files {
            let packed = out.join(format!("{name}.gz"));
            fs::write(&packed, pack(name, bytes)).expect("OUT_DIR can be written");
            let path = if name == PAGE { ROOT.to_owned() } else { format!("{place}{name}") };
            let kind = kind(name);
            rows.push_str(&format!(
                "Asset {{ path: {path:?}, kind: {kind:?}, content: include_bytes!({packed:?}) }},\n"
            ));
        }
        let table = format!("static ASSETS: &[Asset] = &[\n{rows}];\n");
        fs::write(out.join("console.rs"), table).expect("OUT_DIR can be written");
    }

    fn read(folder: &PathBuf) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(folder).expect("the folder web/");
        let files = entries.map(|entry| entry.expect("an entry of web/").path()).map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read(&path).expect("a file of web/"))
        });
        files.filter(|(name, _)| !name.starts_with('.')).collect()
    }

    fn kind(name: &str) -> &'static str {
        match name.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => panic!("web/{name}: no content type is known for it"),
        }
    }

    /// Packs a text without its comments; a style sheet also without blanks around its signs.
    fn pack(name: &str, bytes: &[u8]) -> Vec<u8> {
        let mut text = uncommented(&String::from_utf8_lossy(bytes));
        if name.ends_with(".css") {
            // In `a :hover` and `1px + 2px` blanks mean something, around these signs they do not.
            for (loose, tight) in [(" {", "{"), ("{ ", "{"), (" }", "}"), ("; ", ";"), (": ", ":"), (", ", ",")] {
                text = text.replace(loose, tight);
            }
        }
        let mut packed = Vec::new();
        let options = zopfli::Options::default();
        zopfli::compress(options, zopfli::Format::Gzip, text.as_bytes(), &mut packed).expect("memory takes every byte");
        packed
    }

    /// Leaves out indentation, empty lines, and comments that fill whole lines: from `//`, or from `/*` to `*/`. A text
    /// in a script must end in its line.
    fn uncommented(text: &str) -> String {
        let (mut kept, mut inside) = (String::new(), false);
        for line in text.lines() {
            let start = line.trim_start();
            assert!(line.matches('`').count() % 2 == 0, "a text ends in its line: {line}");
            inside |= start.starts_with("/*");
            let comment = inside || start.is_empty() || start.starts_with("//");
            if inside && line.contains("*/") {
                assert!(line.trim_end().ends_with("*/"), "a comment has its lines for itself: {line}");
                inside = false;
            }
            if !comment {
                kept.push_str(start);
                kept.push('\n');
            }
        }
        kept
    }

    /// FNV-1a over names and contents.
    fn hash(files: &BTreeMap<String, Vec<u8>>) -> u64 {
        let bytes = files.iter().flat_map(|(name, content)| name.bytes().chain([0]).chain(content.iter().copied()));
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
}
