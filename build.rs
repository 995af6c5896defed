//! Turns the Kconfig of a Zephyr build into Rust constants for `src/limits.rs`.
//!
//! Zephyr's build passes the path of its `.config` in `DOTCONFIG`; on any other build the file that this writes is
//! empty and every limit keeps its default.
use std::{env, fs, path::Path};

fn main() {
    println!("cargo:rerun-if-env-changed=DOTCONFIG");
    let config = env::var("DOTCONFIG").ok();
    if let Some(path) = &config {
        println!("cargo:rerun-if-changed={path}");
    }
    let text = config.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    let mut arms = String::new();
    for line in text.lines() {
        let Some((name, value)) = line.strip_prefix("CONFIG_OPENZENTRI_").and_then(|rest| rest.split_once('=')) else {
            continue;
        };
        if value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() {
            arms.push_str(&format!("(\"{name}\", {value}),\n"));
        }
    }
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let table = format!("const KCONFIG: &[(&str, usize)] = &[\n{arms}];\n");
    fs::write(Path::new(&out).join("kconfig.rs"), table).expect("OUT_DIR can be written");
}
