//! `gpio.usage`: what each GPIO is used for.

use core::fmt::Write;

use super::base::Base;
use super::element::Element;
use super::error::ValueError;
use super::output::Output;
use super::row::{Index, ValueKind};
use super::table::{Id, id};
use super::value::{self, Value};
use crate::limits;

type Result = core::result::Result<(), ValueError>;

const GPIO_INIT: Id = id("gpio.init");
const GPIO_ALIAS: Id = id("gpio.alias");
const ACTIVITY: Id = id("system.activity.gpio");

/// `gpio.usage`: a title and the GPIOs that have a function.
pub(super) fn gpio_usage(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    if !option.is_empty() {
        return Err(ValueError::TooMany);
    }
    out.put(b"!  # Description")?;
    for gpio in 0..limits::GPIOS {
        let mut line = Usage { base, gpio, begun: false, out: &mut *out };
        line.directions()?;
        line.functions()?;
        line.alias()?;
    }
    Ok(())
}

/// The line of one GPIO, begun when its first function is found.
struct Usage<'a, 'b> {
    base: &'a Base,
    gpio: u8,
    begun: bool,
    out: &'a mut Output<'b>,
}

impl Usage<'_, '_> {
    fn add(&mut self, text: core::fmt::Arguments<'_>) -> Result {
        match self.begun {
            false => write!(self.out, "\r\n# {:>2} {text}", self.gpio)?,
            true => write!(self.out, " {text}")?,
        }
        self.begun = true;
        Ok(())
    }

    fn text(&self, id: Id) -> Value {
        self.base.variables.value(id, Element(self.gpio))
    }

    fn directions(&mut self) -> Result {
        let init = self.text(GPIO_INIT);
        if init != *b"none" {
            self.add(format_args!("GPIO {}", core::str::from_utf8(&init).unwrap_or("")))?;
        }
        let activity = self.text(ACTIVITY);
        if activity != *b"none" {
            self.add(format_args!("{}", core::str::from_utf8(&activity).unwrap_or("")))?;
        }
        Ok(())
    }

    /// The variables that name this GPIO.
    fn functions(&mut self) -> Result {
        for id in Id::all() {
            let row = id.row();
            match row.kind {
                ValueKind::Gpio if self.names(id, Element(0)) => self.add(format_args!("{}", row.name))?,
                ValueKind::Indexed(Index::Word(words), ValueKind::Gpio) => {
                    let group = row.name.strip_suffix(".gpio").unwrap_or(row.name);
                    for (element, word) in (0..).map(Element).zip(words.iter()) {
                        if self.names(id, element) {
                            self.add(format_args!("{group}.{word}"))?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn names(&self, id: Id, element: Element) -> bool {
        value::integer(&self.base.variables.value(id, element)) == Some(i64::from(self.gpio))
    }

    fn alias(&mut self) -> Result {
        let alias = self.text(GPIO_ALIAS);
        if self.begun && !alias.is_empty() {
            self.out.put(b" (")?;
            self.out.put(&alias)?;
            self.out.put(b")")?;
        }
        Ok(())
    }
}
