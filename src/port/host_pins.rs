//! Pins in memory, for ports without a board: the outside can read outputs and drive inputs.

use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::ops::RangeInclusive;
use std::task::Waker;

use super::{Converters, Direction, Driven, Outside, Pins, PortError, Pull, Pulse, Result};

/// The number of pins, the same as on native_sim.
const COUNT: u8 = 32;
/// The pins with a 12-bit ADC, whose reference is the supply; with PWM; with a DAC.
const ADC: RangeInclusive<u8> = 24..=27;
const PWM: RangeInclusive<u8> = 28..=29;
const DAC: RangeInclusive<u8> = 30..=31;
/// The supply, in millivolts.
const SUPPLY: u32 = 3300;

/// Called at each change of an output, with the pin and its level, `None` when it is no longer driven.
type Observer = Box<dyn Fn(u8, Option<bool>)>;

#[derive(Clone, Copy, Default)]
struct Pin {
    direction: Direction,
    watched: bool,
    outside: Outside,
    /// What a converter outputs on this pin.
    pulse: Option<Pulse>,
    part: Option<u16>,
}

impl Pin {
    /// The level that the device drives the pin to.
    fn driven(&self) -> Option<bool> {
        match self.direction {
            Direction::Output(level) => Some(level),
            Direction::OpenDrain { level: false, .. } => Some(false),
            Direction::OpenDrain { .. } | Direction::Input(_) | Direction::Released => None,
        }
    }

    /// Its voltage, in millivolts.
    fn voltage(&self) -> u32 {
        match self.outside {
            Outside::Open | Outside::Level(false) => 0,
            Outside::Level(true) => SUPPLY,
            Outside::Voltage(voltage) => voltage.into(),
        }
    }

    /// The level that the device reads.
    fn level(&self) -> Option<bool> {
        match (self.direction, self.outside) {
            (Direction::Output(level), _) => Some(level),
            (Direction::OpenDrain { level: false, .. }, _) => Some(false),
            (Direction::Input(_) | Direction::OpenDrain { .. }, Outside::Level(level)) => Some(level),
            (Direction::Input(_) | Direction::OpenDrain { .. }, Outside::Voltage(_)) => {
                Some(2 * self.voltage() >= SUPPLY)
            }
            (Direction::Input(pull) | Direction::OpenDrain { pull, .. }, Outside::Open) => Some(pull == Pull::Up),
            (Direction::Released, _) => None,
        }
    }
}

/// The pins of a simulated board.
pub struct HostPins {
    pins: RefCell<[Pin; COUNT as usize]>,
    edges: Cell<u64>,
    /// The waker of the task that waits for edges.
    waits: RefCell<Option<Waker>>,
    /// A pin that fails, and how.
    broken: Cell<Option<(u8, PortError)>>,
    observer: Observer,
}

impl HostPins {
    /// Unused pins.
    pub fn new(observer: impl Fn(u8, Option<bool>) + 'static) -> Self {
        Self {
            pins: RefCell::new([Pin::default(); COUNT as usize]),
            edges: Cell::new(0),
            waits: RefCell::new(None),
            broken: Cell::new(None),
            observer: Box::new(observer),
        }
    }

    /// The level that the device drives a pin to; `None` when it does not drive it.
    pub fn driven(&self, pin: u8) -> Option<bool> {
        self.pins.borrow().get(usize::from(pin))?.driven()
    }

    /// The direction of a pin.
    pub fn direction(&self, pin: u8) -> Direction {
        self.pins.borrow().get(usize::from(pin)).map_or(Direction::Released, |pin| pin.direction)
    }

    /// Makes every change of a pin's direction fail with this error.
    pub fn fail(&self, pin: u8, error: PortError) {
        self.broken.set(Some((pin, error)));
    }

    /// Wakes `waker` when there are edges that the device has not fetched yet.
    pub fn wake_when(&self, waker: &Waker) {
        if self.has_edges() {
            waker.wake_by_ref();
        } else {
            *self.waits.borrow_mut() = Some(waker.clone());
        }
    }

    /// Whether there are edges that the device has not fetched yet.
    pub fn has_edges(&self) -> bool {
        self.edges.get() != 0
    }

    /// The device restarts: it drives no pin any more; levels from outside stay.
    pub fn restart(&self) {
        for pin in 0..COUNT {
            let _ = self.pin_direction(pin, Direction::Released);
            let _ = self.change(pin, |pin| {
                (pin.pulse, pin.part) = (None, None);
                Ok(())
            });
        }
        self.edges.set(0);
        self.waits.take();
    }

    /// Changes a pin, records an edge if its level changes, and calls the observer if its driven level changes.
    fn change(&self, number: u8, action: impl FnOnce(&mut Pin) -> Result<()>) -> Result<()> {
        let mut pins = self.pins.borrow_mut();
        let pin = pins.get_mut(usize::from(number)).ok_or(PortError::NotFound)?;
        let before = *pin;
        action(pin)?;
        let after = *pin;
        drop(pins);
        if before.watched && after.watched && before.level() != after.level() {
            self.edges.set(self.edges.get() | 1 << number);
            if let Some(waker) = self.waits.take() {
                waker.wake();
            }
        }
        if before.driven() != after.driven() {
            (self.observer)(number, after.driven());
        }
        Ok(())
    }
}

impl Pins for HostPins {
    fn has_pin(&self, pin: u8) -> bool {
        pin < COUNT
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
            pin.direction = match pin.direction {
                Direction::Output(_) => Direction::Output(level),
                Direction::OpenDrain { pull, .. } => Direction::OpenDrain { level, pull },
                Direction::Input(_) | Direction::Released => return Err(PortError::NotFound),
            };
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
            _ => Err(PortError::NotFound),
        })
    }

    fn pin_edges(&self) -> u64 {
        self.edges.take()
    }

    fn pin_outside(&self, pin: u8, outside: Outside) -> Result<()> {
        self.change(pin, |pin| {
            pin.outside = outside;
            Ok(())
        })
    }

    fn pin_driven(&self, pin: u8) -> Result<Driven> {
        let pins = self.pins.borrow();
        let pin = pins.get(usize::from(pin)).ok_or(PortError::NotFound)?;
        Ok(match (pin.pulse, pin.part, pin.driven()) {
            (Some(pulse), ..) => Driven::Pulse(pulse),
            (_, Some(part), _) => Driven::Part(part),
            (.., Some(level)) => Driven::Level(level),
            (None, None, None) => Driven::Open,
        })
    }
}

impl Converters for HostPins {
    fn adc_sample(&self, pin: u8, reference: u16) -> Result<u16> {
        if !ADC.contains(&pin) {
            return Err(PortError::NotFound);
        }
        let voltage = self.pins.borrow().get(usize::from(pin)).map_or(0, Pin::voltage);
        let raw = (voltage * 4095 / SUPPLY).min(4095);
        Ok((raw * u32::from(reference) / 4096) as u16)
    }

    fn dac_level(&self, pin: u8, level: u16) -> Result<()> {
        if !DAC.contains(&pin) {
            return Err(PortError::NotFound);
        }
        self.change(pin, |pin| {
            pin.part = Some(level).filter(|level| *level > 0);
            Ok(())
        })
    }

    fn pwm_pulse(&self, pin: u8, pulse: Option<Pulse>) -> Result<()> {
        if !PWM.contains(&pin) {
            return Err(PortError::NotFound);
        }
        self.change(pin, |pin| {
            pin.pulse = pulse;
            Ok(())
        })
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
        assert_eq!(pins.pin_direction(COUNT, Direction::Released), Err(PortError::NotFound));
    }

    #[test]
    fn an_input_follows_its_wire_and_its_resistor() {
        let pins = HostPins::new(|_, _| {});
        assert_eq!(pins.pin_watch(5, true), Err(PortError::NotFound), "it is no input yet");
        pins.pin_direction(5, Direction::Input(Pull::Up)).unwrap();
        assert_eq!(pins.pin_read(5), Ok(true));
        pins.pin_outside(5, Outside::Level(false)).unwrap();
        assert_eq!((pins.pin_read(5), pins.pin_edges()), (Ok(false), 0), "nobody watches it");
        pins.pin_watch(5, true).unwrap();
        pins.pin_outside(5, Outside::Level(false)).unwrap();
        assert_eq!(pins.pin_edges(), 0, "that is no edge");
        pins.pin_outside(5, Outside::Open).unwrap();
        assert_eq!((pins.pin_edges(), pins.pin_edges()), (1 << 5, 0));
        pins.pin_direction(5, Direction::Input(Pull::Down)).unwrap();
        assert_eq!((pins.pin_read(5), pins.pin_edges()), (Ok(false), 0));
    }
    #[test]
    fn an_open_drain_leaves_its_wire_to_others() {
        let pins = HostPins::new(|_, _| {});
        let drain = |level, pull| pins.pin_direction(6, Direction::OpenDrain { level, pull }).unwrap();
        drain(true, Pull::None);
        assert_eq!((pins.pin_read(6), pins.driven(6)), (Ok(false), None), "it floats");
        drain(true, Pull::Up);
        assert_eq!((pins.pin_read(6), pins.driven(6)), (Ok(true), None));
        pins.pin_outside(6, Outside::Level(false)).unwrap();
        assert_eq!(pins.pin_read(6), Ok(false), "somebody else pulls it low");
        pins.pin_outside(6, Outside::Level(true)).unwrap();
        pins.pin_write(6, false).unwrap();
        assert_eq!((pins.pin_read(6), pins.driven(6)), (Ok(false), Some(false)));
        pins.pin_write(6, true).unwrap();
        assert_eq!((pins.pin_read(6), pins.driven(6)), (Ok(true), None));
    }
}
