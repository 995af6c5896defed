//! Pins in memory, for ports without a board: outputs can be looked at, inputs driven from outside.

use std::boxed::Box;
use std::cell::{Cell, RefCell};

use super::{Direction, Pins, PortError, Pull, Result};
use crate::limits;

/// Hears of each change of an output: the pin, and its level, `None` when it is driven no more.
type Observer = Box<dyn Fn(u8, Option<bool>)>;

#[derive(Clone, Copy, Default)]
struct Pin {
    direction: Direction,
    watched: bool,
    /// What drives it from outside.
    outside: Option<bool>,
}

impl Pin {
    /// What the device drives it with.
    fn driven(&self) -> Option<bool> {
        match self.direction {
            Direction::Output(level) => Some(level),
            Direction::Input(_) | Direction::Released => None,
        }
    }

    /// What the device reads.
    fn level(&self) -> Option<bool> {
        match self.direction {
            Direction::Output(level) => Some(level),
            Direction::Input(pull) => Some(self.outside.unwrap_or(pull == Pull::Up)),
            Direction::Released => None,
        }
    }
}

/// As many pins as the command language can name.
pub struct HostPins {
    pins: RefCell<[Pin; limits::GPIOS as usize]>,
    edges: Cell<u64>,
    /// A pin that fails, and how.
    broken: Cell<Option<(u8, PortError)>>,
    observer: Observer,
}

impl HostPins {
    /// Pins that nobody uses.
    pub fn new(observer: impl Fn(u8, Option<bool>) + 'static) -> Self {
        Self {
            pins: RefCell::new([Pin::default(); limits::GPIOS as usize]),
            edges: Cell::new(0),
            broken: Cell::new(None),
            observer: Box::new(observer),
        }
    }

    /// What the device drives a pin with; `None` when it does not.
    pub fn driven(&self, pin: u8) -> Option<bool> {
        self.pins.borrow().get(usize::from(pin))?.driven()
    }

    /// What a pin does.
    pub fn direction(&self, pin: u8) -> Direction {
        self.pins.borrow().get(usize::from(pin)).map_or(Direction::Released, |pin| pin.direction)
    }

    /// Drives a pin from outside, or lets it go with `None`.
    pub fn drive(&self, pin: u8, level: Option<bool>) {
        // A pin that does not exist has no wire to drive.
        let _ = self.change(pin, |pin| {
            pin.outside = level;
            Ok(())
        });
    }

    /// Lets a pin fail whatever the device wants of it.
    pub fn fail(&self, pin: u8, error: PortError) {
        self.broken.set(Some((pin, error)));
    }

    /// Whether there are edges that nobody has asked for.
    pub fn has_edges(&self) -> bool {
        self.edges.get() != 0
    }

    /// The device starts anew: nothing is driven any more; what drives from outside stays.
    pub fn restart(&self) {
        for pin in 0..limits::GPIOS {
            let _ = self.pin_direction(pin, Direction::Released);
        }
        self.edges.set(0);
    }

    /// Changes a pin, and tells of what that makes of its level.
    fn change(&self, number: u8, action: impl FnOnce(&mut Pin) -> Result<()>) -> Result<()> {
        let mut pins = self.pins.borrow_mut();
        let pin = pins.get_mut(usize::from(number)).ok_or(PortError::NotFound)?;
        let before = *pin;
        action(pin)?;
        let after = *pin;
        drop(pins);
        if before.watched && after.watched && before.level() != after.level() {
            self.edges.set(self.edges.get() | 1 << number);
        }
        if before.driven() != after.driven() {
            (self.observer)(number, after.driven());
        }
        Ok(())
    }
}

impl Pins for HostPins {
    fn has_pin(&self, pin: u8) -> bool {
        pin < limits::GPIOS
    }

    fn pin_direction(&self, pin: u8, direction: Direction) -> Result<()> {
        if let Some((_, error)) = self.broken.get().filter(|(broken, _)| *broken == pin) {
            return Err(error);
        }
        self.change(pin, |pin| {
            (pin.direction, pin.watched) = (direction, false);
            Ok(())
        })
    }

    fn pin_write(&self, pin: u8, level: bool) -> Result<()> {
        self.change(pin, |pin| {
            pin.driven().ok_or(PortError::NotFound)?;
            pin.direction = Direction::Output(level);
            Ok(())
        })
    }

    fn pin_read(&self, pin: u8) -> Result<bool> {
        self.pins.borrow().get(usize::from(pin)).and_then(Pin::level).ok_or(PortError::NotFound)
    }

    fn pin_watch(&self, pin: u8, watched: bool) -> Result<()> {
        self.change(pin, |pin| match pin.direction {
            Direction::Input(_) => {
                pin.watched = watched;
                Ok(())
            }
            Direction::Output(_) | Direction::Released => Err(PortError::NotFound),
        })
    }

    fn pin_edges(&self) -> u64 {
        self.edges.take()
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn an_output_is_heard_of_and_read_back() {
        let heard = Rc::new(RefCell::new(Vec::new()));
        let writer = heard.clone();
        let pins = HostPins::new(move |pin: u8, level: Option<bool>| writer.borrow_mut().push((pin, level)));
        assert_eq!(pins.pin_write(3, true), Err(PortError::NotFound), "it is no output yet");
        assert_eq!(pins.pin_read(3), Err(PortError::NotFound));
        pins.pin_direction(3, Direction::Output(true)).unwrap();
        pins.pin_write(3, true).unwrap();
        pins.pin_write(3, false).unwrap();
        assert_eq!(pins.pin_read(3), Ok(false));
        pins.pin_direction(3, Direction::Released).unwrap();
        assert_eq!(*heard.borrow(), [(3, Some(true)), (3, Some(false)), (3, None)]);
        assert_eq!(pins.pin_direction(limits::GPIOS, Direction::Released), Err(PortError::NotFound));
    }

    #[test]
    fn an_input_follows_its_wire_and_its_resistor() {
        let pins = HostPins::new(|_, _| {});
        assert_eq!(pins.pin_watch(5, true), Err(PortError::NotFound), "it is no input yet");
        pins.pin_direction(5, Direction::Input(Pull::Up)).unwrap();
        assert_eq!(pins.pin_read(5), Ok(true));
        pins.drive(5, Some(false));
        assert_eq!((pins.pin_read(5), pins.pin_edges()), (Ok(false), 0), "nobody watches it");
        pins.pin_watch(5, true).unwrap();
        pins.drive(5, Some(false));
        assert_eq!(pins.pin_edges(), 0, "that is no edge");
        pins.drive(5, None);
        assert_eq!((pins.pin_edges(), pins.pin_edges()), (1 << 5, 0));
        pins.pin_direction(5, Direction::Input(Pull::Down)).unwrap();
        assert_eq!((pins.pin_read(5), pins.pin_edges()), (Ok(false), 0));
    }
}
