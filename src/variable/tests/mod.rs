//! Tests of the variables as a whole. `port` is the smallest place a device can run in.

use std::boxed::Box;
use std::string::String;
use std::vec::Vec;

use super::table::ROWS;
use super::*;
use crate::limits;

mod hosts;
mod port;
mod record;
mod set_get;
mod table;
mod values;

/// A fresh device.
fn device() -> &'static Base {
    device_on(Box::leak(Box::<port::Bench>::default()))
}

/// The device after a restart.
fn device_on(port: &'static dyn crate::port::Port) -> &'static Base {
    Box::leak(Box::new(Base::new(port)))
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
