//! Tests of the variables as a whole. `port` is the smallest place a device can run in.

use std::boxed::Box;
use std::string::String;
use std::vec::Vec;

use super::*;

mod port;
mod set_get;
mod table;

/// A fresh device.
fn device() -> &'static Base {
    Box::leak(Box::new(Base::new(Box::leak(Box::default()) as &'static port::Bench)))
}

/// `get <words>`, the words separated by blanks.
fn get(base: &Base, words: &str) -> Result<String, ValueError> {
    let words: Vec<&str> = words.split(' ').collect();
    let mut out = Vec::new();
    base.variables.get(base, &words, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

/// `set <words>`, the words separated by blanks; `_` stands for an empty value.
fn set(base: &Base, words: &str) -> Result<(), ValueError> {
    let words: Vec<&[u8]> = words.split(' ').map(|word| if word == "_" { b"" } else { word.as_bytes() }).collect();
    base.variables.set_words(base, &words)
}
