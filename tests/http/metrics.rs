//! Metrics (docs/extensions.md). Their form is judged in `tests/blackbox/test_metrics.py`.

use embassy_time::Duration;
use openzentri::port::sim::SimDevice;

use super::{create, device, device_with, get, post};

const ON: (&str, &str) = ("http.server.metrics_enabled", "1");

/// The value of a sample, as it is printed.
fn sample(device: &mut SimDevice, name: &str) -> String {
    let answer = get(device, "/metrics");
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!((answer.status, answer.field("Content-Type")), (200, Some(kind)));
    let mut lines = answer.text().lines();
    let found = lines.find_map(|line| line.strip_prefix("openzentri_")?.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {name} in {}", answer.text())).to_owned()
}

#[test]
fn off_by_default_and_then_a_file_like_any_other() {
    let mut device = device();
    assert_eq!(get(&mut device, "/metrics").status, 404);
    create(&mut device, "metrics", b"mine");
    assert_eq!(get(&mut device, "/metrics").text(), "mine");
    device.command("set http.server.metrics_enabled 1");
    assert!(get(&mut device, "/metrics").text().ends_with("# EOF\n"));
    assert_eq!(post(&mut device, "/metrics", "").status, 405);
}

#[test]
fn they_need_credentials_like_the_api() {
    let mut device = device_with(&[ON, ("http.server.username", "admin"), ("http.server.password", "s3cret")]);
    assert_eq!(get(&mut device, "/metrics").status, 401);
    let mut device = device_with(&[ON, ("http.server.api_enabled", "0")]);
    assert_eq!(get(&mut device, "/metrics").status, 404);
}

#[test]
fn commands_are_counted_whoever_gives_them() {
    let mut device = device_with(&[ON]);
    assert_eq!(sample(&mut device, "commands_total{code=\"0\"}"), "0");
    device.command("ver");
    get(&mut device, "/command/ver");
    device.command("nonsense");
    assert_eq!(sample(&mut device, "commands_total{code=\"0\"}"), "2");
    assert_eq!(sample(&mut device, "commands_total{code=\"3\"}"), "1");
}

#[test]
fn answers_are_counted_by_class() {
    let mut device = device_with(&[ON]);
    get(&mut device, "/nothing");
    get(&mut device, "/command/");
    post(&mut device, "/log", "");
    assert_eq!(sample(&mut device, "http_requests_total{class=\"4xx\"}"), "3");
    assert_eq!(sample(&mut device, "http_requests_total{class=\"2xx\"}"), "1", "the answer before this one");
    assert_eq!(sample(&mut device, "http_connections_total"), "6");
    assert_eq!(sample(&mut device, "http_connections_open"), "1");
}

#[test]
fn time_streams_and_buffers() {
    let mut device = device_with(&[ON]);
    let before: f64 = sample(&mut device, "uptime_seconds").parse().unwrap();
    device.advance(Duration::from_millis(12_345));
    let after: f64 = sample(&mut device, "uptime_seconds").parse().unwrap();
    assert!((after - before - 12.345).abs() < 0.5, "{before} {after}");
    assert_eq!(sample(&mut device, "streams_open{kind=\"UDPS\"}"), "0");
    device.command("udps start 4000");
    device.command("fcr -o a.txt 5");
    assert_eq!(sample(&mut device, "streams_open{kind=\"FILE\"}"), "1");
    assert_eq!(sample(&mut device, "stream_buffer_bytes{direction=\"receive\"}"), "0");
    assert_eq!(sample(&mut device, "network_up"), "1");
}
