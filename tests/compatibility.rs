//! `system.compatibility`: the forms of the successor (docs/extensions.md).

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
