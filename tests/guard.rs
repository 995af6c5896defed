//! What an API token may do to files that guard the device by their name (`docs/extensions.md`).

use openzentri::access::guard;
use openzentri::port::sim::{SimDevice, SimPort};

fn device() -> SimDevice {
    let mut device = SimDevice::boot(SimPort::new(), &[("http.server.enabled", "0"), ("system.cmd.mode", "machine")]);
    device.settle();
    device.take_output();
    device
}

fn names(device: &SimDevice, word: &str) -> bool {
    guard::names(device.device().unwrap().base, word.as_bytes())
}

#[test]
fn a_file_that_a_guarded_variable_points_to_is_guarded_by_its_name() {
    let mut device = device();
    assert!(!names(&device, "401.html"));
    assert_eq!(device.request("set ht s d 401.html").code, 0);
    for word in ["401.html", "http://10.0.0.1/401.html", "http://h/a/401.html?b=/c", "h/401.html#x", "//401.html"] {
        assert!(names(&device, word), "{word}");
    }
    for word in ["402.html", "a401.html", "401.html.gz", "http://h/401.html/x", ""] {
        assert!(!names(&device, word), "{word}");
    }
    // A variable that guards nothing, and one that holds no file name.
    device.request("set ht s r index.html");
    device.request("set ht s u owner");
    device.request("set ht s w secret");
    assert!(!names(&device, "index.html") && !names(&device, "owner") && !names(&device, "secret"));
    device.request("set ht s d \"\"");
    assert!(!names(&device, "401.html") && !names(&device, "http://h/"));
}

#[test]
fn files_that_act_by_themselves_are_guarded() {
    let device = device();
    for word in ["http_whitelist.csv", "http://h/http_whitelist.csv", "default_config.csv"] {
        assert!(names(&device, word), "{word}");
    }
}
