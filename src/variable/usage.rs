//! What each GPIO is used for: `gpio.usage`, `gpio.level`, and that no GPIO gets a second function.

use core::fmt::{self, Write};

use super::base::Base;
use super::direction::direction_word;
use super::element::Element;
use super::error::ValueError;
use super::output::Output;
use super::row::{Index, ValueKind};
use super::table::{Id, id};
use super::value::{self, Value};
use crate::ground::PinUse;
use crate::limits;
use crate::log::Level;

type Result = core::result::Result<(), ValueError>;

const GPIO_ALIAS: Id = id("gpio.alias");
const ACTIVITY: Id = id("system.activity.gpio");

/// `gpio.usage`: a title and the GPIOs that are in use.
pub(super) fn gpio_usage(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    if !option.is_empty() {
        return Err(ValueError::TooMany);
    }
    out.put(b"!  # Description")?;
    for gpio in 0..limits::GPIOS {
        let mut line = Usage { base, gpio, begun: false, out: &mut *out };
        line.present()?;
        line.functions()?;
        line.alias()?;
    }
    Ok(())
}

/// `gpio.level`: the GPIOs that are inputs or outputs now, and their levels.
pub(super) fn gpio_level(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    if !option.is_empty() {
        return Err(ValueError::TooMany);
    }
    let read = |gpio| base.port.pins().pin_read(gpio).ok().map(|level| (gpio, level));
    for (place, (gpio, level)) in (0..limits::GPIOS).filter_map(read).enumerate() {
        let comma = if place == 0 { "" } else { "," };
        write!(out, "{comma}{gpio}={}", u8::from(level))?;
    }
    Ok(())
}

/// The owner of a GPIO, for the log; `None` if only the host has it.
pub fn pin_owner(base: &Base, gpio: u8) -> Option<impl fmt::Display> {
    owner_by_variable(base, gpio, None).or_else(|| match base.pin_uses.of(gpio) {
        PinUse::Free | PinUse::Gpio(_) => None,
        usage => Some(Owner::Use(usage)),
    })
}

/// The owner to which the variables give a GPIO, apart from the function `wanted`.
fn owner_by_variable(base: &Base, gpio: u8, wanted: Option<Function>) -> Option<Owner> {
    let function = Function::all().find(|function| Some(*function) != wanted && function.has(base, gpio));
    let shows_traffic = || base.variables.at(ACTIVITY, gpio) != *b"none";
    function.map(Owner::Function).or_else(|| shows_traffic().then_some(Owner::Activity))
}

/// The owner of a GPIO.
enum Owner {
    Function(Function),
    /// It shows traffic.
    Activity,
    Use(PinUse),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function(function) => function.fmt(f),
            Self::Activity => f.write_str(ACTIVITY.row().name),
            Self::Use(PinUse::Free) => Ok(()),
            // Its variable already names another GPIO.
            Self::Use(PinUse::Function) => f.write_str("a function, until the restart"),
            Self::Use(PinUse::Pwm) => f.write_str("PWM"),
            Self::Use(PinUse::Dac) => f.write_str("DAC"),
            Self::Use(PinUse::Select) => f.write_str("SPI select"),
            Self::Use(PinUse::Gpio(direction)) => write!(f, "GPIO {}", direction_word(*direction)),
        }
    }
}

/// Refuses a value that gives a function a GPIO that the board does not have or that is already in use; the log says
/// so.
pub(super) fn claim(base: &Base, id: Id, element: Element, value: &[u8]) -> Result {
    let wanted = Function(id, element);
    let gpio = match wanted.count() {
        0 if id == ACTIVITY && value != b"none" => Some(element.0),
        0 => None,
        _ => value::integer(value).and_then(|number| u8::try_from(number).ok()),
    };
    let Some(gpio) = gpio else { return Ok(()) };
    if !base.port.pins().has_pin(gpio) {
        base.log.line(Level::Failure, format_args!("GPIO {gpio} does not exist on this board"));
        return Err(ValueError::Invalid);
    }
    let owner = match id {
        // It may show other traffic from now on.
        ACTIVITY => Function::all().find(|function| function.has(base, gpio)).map(Owner::Function),
        _ => owner_by_variable(base, gpio, Some(wanted)),
    };
    let owner = owner.or_else(|| match base.pin_uses.of(gpio) {
        // A GPIO that a function keeps only until the restart is free for the variables.
        PinUse::Free | PinUse::Function => None,
        usage => Some(Owner::Use(usage)),
    });
    owner.map_or(Ok(()), |owner| {
        base.log.line(Level::Failure, format_args!("GPIO {gpio} is in use: {owner}"));
        Err(ValueError::InUse)
    })
}

/// A function that a variable gives to a GPIO.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Function(Id, Element);

impl Function {
    /// Every function, in the order of the table.
    fn all() -> impl Iterator<Item = Self> {
        let elements = |id| (0..Self(id, Element(0)).count()).map(move |element| Self(id, Element(element)));
        Id::all().flat_map(elements)
    }

    /// How many functions the row has: one, one per element, or none.
    fn count(self) -> u8 {
        match self.0.row().kind {
            ValueKind::Gpio => 1,
            ValueKind::Indexed(Index::Word(words), ValueKind::Gpio) => words.len() as u8,
            _ => 0,
        }
    }

    /// Whether it has this GPIO.
    fn has(self, base: &Base, gpio: u8) -> bool {
        value::integer(&base.variables.value(self.0, self.1)) == Some(i64::from(gpio))
    }
}

/// Its name in `gpio.usage`: `system.cmd.gpio`, `system.indicator.wlan`.
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = self.0.row();
        match row.kind {
            ValueKind::Indexed(Index::Word(words), _) => {
                let word = words.get(usize::from(self.1.0)).unwrap_or(&"");
                write!(f, "{}.{word}", row.name.strip_suffix(".gpio").unwrap_or(row.name))
            }
            _ => f.write_str(row.name),
        }
    }
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

    /// What commands have made of it, and whose traffic it shows.
    fn present(&mut self) -> Result {
        let usage = self.base.pin_uses.of(self.gpio);
        if !matches!(usage, PinUse::Free | PinUse::Function) {
            self.add(format_args!("{}", Owner::Use(usage)))?;
        }
        let activity = self.text(ACTIVITY);
        if activity != *b"none" {
            self.add(format_args!("{}", core::str::from_utf8(&activity).unwrap_or("")))?;
        }
        Ok(())
    }

    /// The variables that name this GPIO.
    fn functions(&mut self) -> Result {
        let (base, gpio) = (self.base, self.gpio);
        Function::all()
            .filter(|function| function.has(base, gpio))
            .try_for_each(|function| self.add(format_args!("{function}")))
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
