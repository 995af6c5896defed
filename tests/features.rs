//! What a build without a feature answers, and one with it (`src/features.rs`). CI runs this with all of them and with
//! none: `cargo test --test features --no-default-features --features linux`.

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

/// The status of the answer to a request.
fn status(target: &str) -> u16 {
    let mut device = device();
    let peer = device.port().connect(80).unwrap();
    peer.send(format!("GET {target} HTTP/1.1\r\nHost: device\r\n\r\n"));
    let mut bytes = Vec::new();
    device.run_until(LONG, |_| {
        bytes.extend(peer.received());
        peer.end().is_some()
    });
    let answer = String::from_utf8_lossy(&bytes).into_owned();
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

#[test]
fn without_websockets_a_stream_takes_only_bodies() {
    assert_eq!(status("/stream"), if features::WEBSOCKET { 426 } else { 405 });
}

#[test]
fn a_command_of_a_feature_that_is_off_says_so() {
    for (line, built) in [
        ("http_get http://192.0.2.1/", features::HTTP_CLIENT),
        ("http_add_header 7 a b", features::HTTP_CLIENT),
        ("token_list", features::TOKENS),
    ] {
        let answer = device().command(line);
        let name = line.split(' ').next().unwrap();
        let refused = answer.contains(&format!("{name} is not available in this build"));
        assert_eq!(refused, !built, "{line}: {answer}");
        assert!(built || answer.contains("Command failed"), "{line}: {answer}");
    }
}

#[test]
fn the_core_is_always_there() {
    assert_eq!(status("/command/version"), 200);
    assert_eq!(status("/healthz"), 200);
    assert!(device().command("stream_list").contains("# Type"));
}
