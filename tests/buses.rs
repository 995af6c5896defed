//! Streams of SPI and I2C on simulated buses. What they print is in tests/transcripts/buses.txt; here is what happens when
//! transfers take their time.

use embassy_time::Duration;
use openzentri::port::sim::{SimDevice, SimPort};

fn device() -> SimDevice {
    let settings = &[("http.server.enabled", "0"), ("system.cmd.mode", "machine"), ("system.print_level", "0")];
    let mut device = SimDevice::boot(SimPort::new(), settings);
    device.settle();
    device.take_output();
    device
}

fn write(device: &mut SimDevice, handle: u8, data: &str) {
    device.port().type_bytes(format!("write {handle} {}\r\n{data}", data.len()).as_bytes());
    device.settle();
}

/// The changes of the select pin.
fn select(device: &SimDevice) -> Vec<Option<bool>> {
    device.port().pin_changes().iter().map(|change| change.level).collect()
}

#[test]
fn a_device_is_selected_while_its_transfer_runs() {
    let mut device = device();
    assert_eq!(device.request("spi_master_open 7").payload, b"0\r\n");
    assert_eq!(select(&device), [Some(true)]);
    device.port().hold_buses(true);
    write(&mut device, 0, "hello");
    assert_eq!(select(&device), [Some(false)]);
    assert_eq!(device.take_output(), "");
    device.port().hold_buses(false);
    device.settle();
    assert_eq!(select(&device), [Some(true)]);
    assert_eq!(device.take_output(), "R000009\r\nSuccess\r\n");
    assert_eq!(device.request("read 0 5").payload, b"hello\r\n");
    device.request("close 0");
    assert_eq!(select(&device), [None]);
}

#[test]
fn a_transfer_that_is_given_up_ends_before_the_next_one() {
    let mut device = device();
    device.request("spi_master_open 7");
    device.request("i2c_master_open 0x50");
    device.request("set system.cmd.mode human");
    device.port().hold_buses(true);
    device.type_line("read 1 3");
    device.settle();
    device.port().type_bytes(b"\x03");
    device.advance(Duration::from_millis(1));
    let printed = device.take_output();
    assert!(printed.contains("Command failed\r\n"), "{printed}");
    write(&mut device, 0, "hello");
    assert_eq!(device.port().pin(7), Some(true), "the bus is busy");
    device.port().hold_buses(false);
    device.settle();
    assert!(device.take_output().contains("Success\r\n"));
    // The data of the transfer that was given up go to nobody.
    assert_eq!((device.command("poll 1").as_str(), device.command("poll 0").as_str()), ("0\r\n", "1\r\n"));
}

#[test]
fn a_bus_that_hangs_keeps_nobody_for_ever() {
    let mut device = device();
    device.request("i2c_master_open 0x50");
    device.port().hold_buses(true);
    for _ in 0..2 {
        write(&mut device, 0, "\x00abc");
        device.advance(Duration::from_secs(11));
        assert_eq!(device.take_output(), "R100016\r\nCommand failed\r\n");
    }
    assert_eq!(device.request("ver").code, 0, "others go on");
    device.port().hold_buses(false);
    write(&mut device, 0, "\x00");
    assert_eq!(device.take_output(), "R000009\r\nSuccess\r\n");
    assert_eq!(device.request("read 0 3").payload, b"abc\r\n", "the first of them was written");
}

#[test]
fn somebody_who_does_not_answer_is_asked_again() {
    let mut device = device();
    device.request("i2c_master_open -r 3 0x20");
    let begun = device.millis();
    device.port().type_bytes(b"write 0 1\r\na");
    device.expect("R100016\r\nCommand failed\r\n", Duration::from_secs(1));
    assert_eq!(device.millis() - begun, 15, "three pauses of 5 ms");
}

#[test]
fn a_read_from_i2c_is_bounded() {
    let mut device = device();
    device.request("i2c_master_open -b 16 0x50");
    assert_eq!(device.request("read 0 16").payload.len(), 18);
    assert_eq!(device.request("read 0 17").code, 9);
    assert_eq!(device.request("read 0 0").code, 0);
    let long = "x".repeat(5000);
    assert_eq!(device.request("i2c_master_open 0x50").payload, b"1\r\n");
    write(&mut device, 1, &long);
    assert_eq!(device.take_output(), "R100016\r\nCommand failed\r\n");
}

#[test]
fn a_stream_that_is_closed_meanwhile_gets_nothing() {
    let mut device = device();
    device.request("spi_master_open");
    device.port().hold_buses(true);
    write(&mut device, 0, "hello");
    device.port().console_type("close 0");
    device.settle();
    device.port().console_type("spi_master_open");
    device.settle();
    device.port().hold_buses(false);
    device.settle();
    device.take_output();
    assert_eq!(device.request("poll 0").payload, b"0\r\n");
}
