//! What a build without a feature answers, and one with it (`src/features.rs`). CI runs this with all of them and with
//! none: `cargo test --test features --no-default-features --features linux`.

use std::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::features;
use openzentri::port::sim::{SimDevice, SimPort};

/// Longer than any time limit of the server.
const LONG: Duration = Duration::from_secs(300);

/// A device in an open network with its HTTP server at port 80.
fn device() -> SimDevice {
    let settings = &[
        ("wlan.ssid", "Open House"),
        ("wlan.auto_join.enabled", "1"),
        ("http.server.enabled", "1"),
        ("http.server.metrics_enabled", "1"),
    ];
    let mut device = SimDevice::boot(SimPort::new(), settings);
    device.advance(Duration::from_secs(1));
    device.take_output();
    device
}

/// The answer to a request.
fn answer(device: &mut SimDevice, target: &str) -> String {
    let peer = device.port().connect(80).unwrap();
    peer.send(format!("GET {target} HTTP/1.1\r\nHost: device\r\n\r\n"));
    let mut bytes = Vec::new();
    device.run_until(LONG, |_| {
        bytes.extend(peer.received());
        peer.end().is_some()
    });
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The status of the answer to a request.
fn status(target: &str) -> u16 {
    let answer = answer(&mut device(), target);
    answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{target}: {answer:?}"))
}

#[test]
fn a_path_of_a_feature_that_is_off_names_a_file_that_is_not_there() {
    for (target, built) in
        [("/.console/", features::CONSOLE), ("/openapi.json", features::OPENAPI), ("/metrics", features::METRICS)]
    {
        assert_eq!(status(target), if built { 200 } else { 404 }, "{target}");
    }
}

/// What `zephyr/put_console.py` stores.
#[test]
fn a_console_in_files_takes_the_place_of_one_in_the_image() {
    let mut device = device();
    let packed = b"\x1f\x8b rest of it";
    let stored = device.command_with_data(&format!("fcr .console/index.html.gz {}", packed.len()), packed);
    assert!(stored.contains("File created"), "{stored}");
    let root = answer(&mut device, "/");
    if features::CONSOLE {
        return assert!(root.starts_with("HTTP/1.1 200 "), "{root}");
    }
    assert!(root.starts_with("HTTP/1.1 302 ") && root.contains("\r\nLocation: /.console/index.html\r\n"), "{root}");
    let page = answer(&mut device, "/.console/index.html");
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("\r\nContent-Encoding: gzip\r\n"), "{page}");
    assert!(page.contains("\r\nContent-Type: text/html") && page.ends_with(" rest of it"), "{page}");
}

#[test]
fn without_websockets_a_stream_takes_only_bodies() {
    assert_eq!(status("/stream"), if features::WEBSOCKET { 426 } else { 405 });
}

#[test]
fn a_command_of_a_feature_that_is_off_says_so() {
    for (line, built) in [
        ("exit", features::STREAM_MODE),
        ("http_get http://192.0.2.1/", features::HTTP_CLIENT),
        ("http_add_header 7 a b", features::HTTP_CLIENT),
        ("adc_take_sample 24", features::CONVERTERS),
        ("dac_set_level 30 0", features::CONVERTERS),
        ("pwm_update 28 stop", features::CONVERTERS),
        ("spi_master_open", features::BUS_MASTERS),
        ("i2c_master_open 0x50", features::BUS_MASTERS),
        ("mdns_discover http", features::DISCOVERY),
        ("smtp_send a@b subject 0", features::SMTP),
        ("tls_client 192.0.2.1 443", features::TLS),
        ("token_list", features::TOKENS),
        ("websocket_client ws://192.0.2.1", features::WEBSOCKET_CLIENT),
    ] {
        let answer = device().command(line);
        let name = line.split(' ').next().unwrap();
        let refused = answer.contains(&format!("{name} is not available in this build"));
        assert_eq!(refused, !built, "{line}: {answer}");
        assert!(built || answer.contains("Command failed"), "{line}: {answer}");
    }
}

#[test]
fn help_explains_parameters_where_there_is_a_manual() {
    let answer = device().command("help stream_read");
    assert!(answer.contains("Usage: stream_read <handle> <size>"), "{answer}");
    assert_eq!(answer.contains("Example: stream_read"), features::MANUAL, "{answer}");
}

#[test]
fn the_structured_protocol_begins_only_where_it_is_built() {
    let mut device = device();
    device.type_line("structured_start");
    let output = device.take_output();
    assert_eq!(output.contains("structured_start is not available in this build"), !features::STRUCTURED, "{output}");
}

#[test]
fn the_core_is_always_there() {
    assert_eq!(status("/command/version"), 200);
    assert_eq!(status("/healthz"), 200);
    assert!(device().command("stream_list").contains("# Type"));
}

#[test]
fn without_a_remote_terminal_nobody_listens() {
    let settings = &[("wlan.ssid", "Open House"), ("remote_terminal.enabled", "1")];
    let mut device = SimDevice::boot(SimPort::new(), settings);
    device.command("network_up");
    assert_eq!(device.port().connect(2000).is_ok(), features::REMOTE_TERMINAL);
}

#[test]
fn without_announcements_nobody_hears_of_the_device() {
    let port = SimPort::new();
    let listener = port.udp_peer(SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 9), 55_555));
    let mut device = SimDevice::boot(port, &[("wlan.ssid", "Open House")]);
    device.command("network_up");
    device.advance(LONG);
    assert_eq!(!listener.received().is_empty(), features::BROADCAST);
}
