//! Pins, converters, buses.

use super::page::{HANDLE, Page, Part, SET_OK, part};

const GPIO: Part = part("gpio", "The number of the pin, or its alias.");

/// The meaning of the option -b.
const BYTES: &str =
    "`<bytes>`: the most received bytes to keep; 0 keeps none. Without it as many as a stream can hold.";

pub(super) const PAGES: &[Page] = &[
    Page {
        name: "adc_take_sample",
        parameters: &[GPIO],
        options: &[],
        answer: "Millivolts.",
        example: "adc_take_sample 7",
    },
    Page {
        name: "dac_set_level",
        parameters: &[
            GPIO,
            part("level", "Millivolts, at most `system.adc.vref`."),
            part("stop", "In place of the level: the output ends, and the pin is free."),
        ],
        options: &[],
        answer: SET_OK,
        example: "dac_set_level 8 1650",
    },
    Page {
        name: "gpio_dir",
        parameters: &[
            GPIO,
            part("direction", "`in`, `out`, a long name such as `input_pull_up`, or `none` to release the pin."),
            part("level", "For an output: its level at first, 0 without it."),
        ],
        options: &[],
        answer: SET_OK,
        example: "gpio_dir 10 out",
    },
    Page { name: "gpio_get", parameters: &[GPIO], options: &[], answer: "0 or 1.", example: "gpio_get 10" },
    Page {
        name: "gpio_set",
        parameters: &[GPIO, part("0|1", "The level.")],
        options: &[],
        answer: SET_OK,
        example: "gpio_set 10 1",
    },
    Page {
        name: "gpios_dir",
        parameters: &[part(
            "directions",
            "One character per pin, from pin 0 on: 0 pull-up, 1 pull-down, 2 high impedance, 3 push-pull, 4 open drain, 5 open drain \
             with pull-up, 6 none, x as it is.",
        )],
        options: &[],
        answer: SET_OK,
        example: "gpios_dir xx33",
    },
    Page {
        name: "gpios_get",
        parameters: &[],
        options: &[],
        answer: "One character per pin, from pin 0 on: its level; 0 for a pin that is neither input nor output.",
        example: "gpios_get",
    },
    Page {
        name: "gpios_set",
        parameters: &[part("levels", "One character per pin, from pin 0 on: 0, 1, or x for one that stays as it is.")],
        options: &[],
        answer: SET_OK,
        example: "gpios_set xx10",
    },
    Page {
        name: "i2c_master_open",
        parameters: &[
            part("address", "The address on the bus, 0x08 to 0x77."),
            part("clock", "100000, 400000 or 1000000 Hz; 100000 without it."),
        ],
        options: &[
            part("-p", "`<bus>`: its number; 0 without it."),
            part(
                "-r",
                "`<retries>`: how often a transfer that no device answers is tried again, 5 ms later; 0 without it.",
            ),
            part("-b", BYTES),
        ],
        answer: HANDLE,
        example: "i2c_master_open 0x50",
    },
    Page {
        name: "pwm_update",
        parameters: &[
            GPIO,
            part("duty", "0 to 10000: hundredths of a percent."),
            part("frequency", "In Hz."),
            part("stop", "In place of both: the output ends, and the pin is free."),
        ],
        options: &[],
        answer: SET_OK,
        example: "pwm_update 9 5000 1000",
    },
    Page {
        name: "simulate",
        parameters: &[
            GPIO,
            part("low|high|open", "Drives the pin low or high, or releases it."),
            part("level", "In place of these: the pin's voltage in millivolts."),
        ],
        options: &[],
        answer: "`Success`; without a level what the device does with the pin.",
        example: "simulate 12 high",
    },
    Page {
        name: "spi_master_open",
        parameters: &[
            part("gpio", "The pin that selects the device; -1 or nothing for that of `spi.master.active_gpio`."),
            part("clock", "Hertz, at most; 1000000 without it."),
        ],
        options: &[
            part("-p", "`<bus>`: its number; 0 without it."),
            part("-m", "`<mode>`: the mode of SPI, 0 to 3; 0 without it."),
            part("-l", "Sends the lowest bit of a byte first."),
            part("-b", BYTES),
        ],
        answer: HANDLE,
        example: "spi_master_open 7 4000000",
    },
];
