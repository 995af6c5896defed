//! `system.compatibility`: the forms of the successor (docs/extensions.md).

use embassy_time::Duration;
use openzentri::port::sim::{SimDevice, SimPort};

fn device() -> SimDevice {
    let mut device = SimDevice::boot(SimPort::new(), &[("http.server.enabled", "0"), ("system.cmd.mode", "machine")]);
    device.settle();
    device.take_output();
    device
}

fn text(device: &mut SimDevice, line: &str) -> String {
    String::from_utf8(device.request(line).payload).unwrap()
}

#[test]
fn ls_has_the_columns_of_the_firmware_that_the_client_expects() {
    let mut device = device();
    device.command_with_data("fcr a.html 4 1.5.0", b"page");
    let row = |device: &mut SimDevice| {
        let list = text(device, "ls -v");
        list.lines().nth(1).unwrap().split_whitespace().map(String::from).collect::<Vec<_>>()
    };
    let fields = row(&mut device);
    assert_eq!((&fields[2][..], &fields[5][..], &fields[6][..], &fields[7][..]), ("e-FE", "4", "1.5.0", "a.html"));
    assert_eq!(text(&mut device, "set system.compatibility gecko_os"), "Set OK\r\n");
    let fields = row(&mut device);
    assert_eq!((&fields[4][..], &fields[5][..], &fields[8][..]), ("FE", "0001", "4"));
    assert_eq!((&fields[10][..], &fields[11][..]), ("1.5.0", "a.html"));
    // The plain list is the same in both.
    assert!(text(&mut device, "ls").contains("1.5.0  a.html"));
}

#[test]
fn u_means_encrypt_wherever_it_stands() {
    let mut device = device();
    assert_eq!(device.request("fcr -o -u a.txt 4").code, 0);
    device.request("close all");
    device.request("set system.compatibility gecko_os");
    for line in ["fcr -o -u b.txt 4", "fcr b.txt 4 -o -u", "fcr -uo b.txt 4"] {
        assert_eq!(device.request(line).code, 1, "{line}");
    }
    assert_eq!(device.request("fcr b.txt 4 -o -v 1.0.0 -t 0xFE").code, 0);
}

#[test]
fn version_has_the_fields_that_the_client_expects() {
    let mut device = device();
    assert_eq!(text(&mut device, "ver").split(", ").count(), 4);
    device.request("set system.compatibility gecko_os");
    let version = text(&mut device, "ver");
    let [product, system, _board] = version.trim_end().split(", ").collect::<Vec<_>>()[..] else { panic!("{version}") };
    for three in [product.rsplit('-').next(), system.rsplit('-').nth(1)] {
        assert_eq!(three.map(|version| version.split('.').count()), Some(3), "{version}");
    }
    assert_eq!(version, text(&mut device, "get system.version"));
}

/// The text of an answer and the milliseconds that it took.
fn timed(device: &mut SimDevice, line: &str) -> (String, u64) {
    let before = device.millis();
    let answer = device.success(line);
    (answer, device.millis() - before)
}

#[test]
fn a_read_waits_for_missing_bytes() {
    let settings = &[("wlan.ssid", "MyNet"), ("wlan.passkey", "mypassword"), ("http.server.enabled", "0")];
    let mut device = SimDevice::boot_machine(SimPort::new(), settings);
    device.success("nup");
    let listener = device.port().listen("10.5.6.1:7".parse().unwrap());
    device.success("tcpc 10.5.6.1 7");
    let peer = listener.accept().unwrap();
    peer.send("one");
    device.settle();
    assert_eq!(timed(&mut device, "read 0 9"), ("one".into(), 0), "ZentriOS answers what is there");
    device.success("set system.compatibility gecko_os");
    peer.send("two");
    device.settle();
    assert_eq!(timed(&mut device, "read 0 2"), ("tw".into(), 0), "all is there");
    assert_eq!(timed(&mut device, "read 0 9"), ("o".into(), 100), "not all, for bus.command.read_timeout");
    assert_eq!(timed(&mut device, "read 0 9"), (String::new(), 100), "nothing at all");
    // What comes meanwhile counts; others go on.
    device.type_line("read 0 8");
    device.advance(Duration::from_millis(60));
    peer.send("thre");
    device.advance(Duration::from_millis(30));
    assert_eq!(device.take_output(), "");
    peer.send("e more");
    device.settle();
    assert_eq!(device.take_output(), "R000010\r\nthree mo\r\n");
    device.success("set bus.command.read_timeout 0");
    assert_eq!(timed(&mut device, "read 0 9"), ("re".into(), 0));
    device.success("set bus.command.read_timeout 65535");
    peer.send("end");
    peer.close();
    device.settle();
    assert_eq!(timed(&mut device, "read 0 9"), ("end".into(), 0), "no more will come");
    assert_eq!(device.request("read 0 9").code, 1);
}

#[test]
fn a_read_waits_for_one_datagram_and_not_for_files() {
    let settings = &[("wlan.ssid", "MyNet"), ("wlan.passkey", "mypassword"), ("http.server.enabled", "0")];
    let mut device = SimDevice::boot_machine(SimPort::new(), settings);
    device.success("nup");
    device.success("set system.compatibility gecko_os");
    device.success("set bus.command.read_timeout 5000");
    device.success("udps start 4000");
    let peer = device.port().udp_peer("10.5.6.21:1001".parse().unwrap());
    peer.send(4000, "one");
    peer.send(4000, "two");
    device.settle();
    assert_eq!(timed(&mut device, "read 0 9"), ("one".into(), 0));
    assert_eq!(timed(&mut device, "read 0 9"), ("two".into(), 0));
    assert_eq!(timed(&mut device, "read 0 9"), (String::new(), 5000));
    device.command_with_data("fcr a.txt 4", b"page");
    assert_eq!(device.success("fop a.txt"), "1");
    assert_eq!(timed(&mut device, "read 1 9"), ("page".into(), 0));
}
