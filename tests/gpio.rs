//! Pins of the host (`gpio_dir` and similar commands, `gpio.init`, `gpio.sleep`), simulated. What they print is in
//! tests/transcripts/pins.txt; here is what the pins do.

use embassy_time::Duration;
use openzentri::port::sim::{SimDevice, SimPort};
use openzentri::port::{Direction, PortError, Pull};

fn device(settings: &'static [(&'static str, &'static str)]) -> SimDevice {
    let mut device = SimDevice::boot(SimPort::new(), settings);
    device.settle();
    device.take_output();
    device
}

fn ok(device: &mut SimDevice, line: &str) {
    assert_eq!(device.command(line), "Set OK\r\n", "{line}");
}

#[test]
fn each_word_and_each_digit_is_a_direction() {
    let mut device = device(&[]);
    let drain = |level, pull| Direction::OpenDrain { level, pull };
    for (words, digit, direction) in [
        ("in input input_highz IN", "2", Direction::Input(Pull::None)),
        ("input_pull_up", "0", Direction::Input(Pull::Up)),
        ("input_pull_down", "1", Direction::Input(Pull::Down)),
        ("out output output_push_pull pp", "3", Direction::Output(false)),
        ("ood od output_open_drain", "4", drain(false, Pull::None)),
        ("output_open_drain_pull_up", "5", drain(false, Pull::Up)),
        ("none -1", "6", Direction::Released),
    ] {
        for word in words.split(' ') {
            ok(&mut device, &format!("gpio_dir 9 {word}"));
            assert_eq!(device.port().pin_direction(9), direction, "{word}");
        }
        ok(&mut device, &format!("gpios_dir {digit}"));
        assert_eq!(device.port().pin_direction(0), direction, "{digit}");
    }
    ok(&mut device, "gpio_dir 9 ood 1");
    assert_eq!(device.port().pin_direction(9), drain(true, Pull::None));
}

#[test]
fn an_output_does_not_fall_when_its_direction_is_not_changed() {
    let mut device = device(&[]);
    ok(&mut device, "gpio_dir 9 out 1");
    ok(&mut device, "gpios_dir 3");
    ok(&mut device, "gpios_set 1xxxxxxxx1");
    assert_eq!((device.port().pin(0), device.port().pin(9)), (Some(true), Some(true)));
    let levels: Vec<_> = device.port().pin_changes().iter().map(|change| (change.pin, change.level)).collect();
    assert_eq!(levels, [(9, Some(true)), (0, Some(false)), (0, Some(true))]);
}

#[test]
fn a_pin_that_fails_is_said_and_stays_free() {
    let port = SimPort::new();
    port.fail_pin(9, PortError::Unsupported);
    let mut device = SimDevice::boot(port, &[("gpio.init 9", "input_pull_up")]);
    let printed = device.take_output();
    assert!(printed.contains("GPIO 9 not available: no gpio.init (not supported)\r\n"), "{printed}");
    for line in ["gpio_dir 9 out", "gpio_get 9", "gpio_set 9 1", "gpios_dir xxxxxxxxx3"] {
        assert_eq!(device.command(line), "GPIO 9 not available (not supported)\r\nCommand failed\r\n", "{line}");
    }
    assert_eq!(device.command("get gpio.usage"), "!  # Description\r\n");
}

#[test]
fn a_function_has_its_pin_until_the_restart() {
    let mut device = device(&[]);
    ok(&mut device, "set system.cmd.gpio 16");
    assert!(device.command("save").ends_with("Success\r\n"));
    device.power_cycle();
    device.settle();
    device.take_output();
    ok(&mut device, "set system.cmd.gpio -1");
    assert_eq!(
        device.command("gpio_dir 16 in"),
        "GPIO 16 is in use: a function, until the restart\r\nCommand failed\r\n"
    );
    assert!(device.command("save").ends_with("Success\r\n"));
    device.power_cycle();
    device.settle();
    device.take_output();
    ok(&mut device, "gpio_dir 16 in");
}

#[test]
fn a_button_gives_its_pin_back_when_it_is_known_not_to_be_held() {
    let mut device = device(&[("setup.gpio.control_gpio", "11")]);
    device.advance(Duration::from_secs(1));
    let refused = "GPIO 11 is in use: setup.gpio.control_gpio\r\nCommand failed\r\n";
    assert_eq!(device.command("gpio_get 11"), refused, "its variable still has it");
    ok(&mut device, "set setup.gpio.control_gpio -1");
    ok(&mut device, "gpio_dir 11 in");
}

#[test]
fn sleep_gives_each_pin_its_state() {
    let mut device = device(&[
        ("system.wakeup.timeout", "100"),
        ("system.indicator.gpio wlan", "1"),
        ("system.indicator.state wlan", "static_on|static_on|static_on|static_on"),
        ("gpio.sleep 1", "output_low"),
        ("gpio.sleep 2", "output_high"),
        ("gpio.sleep 3", "input_pull_down"),
        ("gpio.sleep 4", "input_highz"),
        ("gpio.sleep 5", "input_pull_up"),
        ("gpio.init 6", "out"),
    ]);
    assert_eq!(device.port().pin(1), Some(true));
    device.type_line("sleep");
    device.advance(Duration::from_secs(2));
    let directions: Vec<_> = (1..=7).map(|pin| device.port().pin_direction(pin)).collect();
    assert_eq!(
        directions,
        [
            Direction::Output(false),
            Direction::Output(true),
            Direction::Input(Pull::Down),
            Direction::Input(Pull::None),
            Direction::Input(Pull::Up),
            Direction::Output(false),
            Direction::Released,
        ]
    );
    // Waking is a start.
    device.advance(Duration::from_secs(100));
    assert_eq!((device.restarts(), device.port().pin(1), device.port().pin(6)), (1, Some(true), Some(false)));
    assert_eq!(device.port().pin_direction(5), Direction::Released);
}
