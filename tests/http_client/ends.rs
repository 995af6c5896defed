//! The end of a request's stream with `stream.auto_close` 1, as it is by default (interface, network 4.1).

use crate::{OK, World};

fn world() -> World {
    let mut world = World::new();
    world.command("set stream.auto_close 1");
    world
}

impl World {
    fn raw(&mut self, line: &str) -> String {
        self.device.type_line(line);
        self.raw_answer()
    }
}

#[test]
fn a_request_is_closed_when_its_answer_is_read() {
    let mut world = world();
    let peer = world.ask("hge -o example.com");
    world.answer();
    world.device.type_line("hre 0");
    world.device.settle();
    peer.send(format!("{OK}Content-Length: 4\r\n\r\nbody"));
    assert_eq!(world.raw_answer(), "HTTP response: 200\r\n200\r\n");
    assert_eq!(world.raw("poll 0"), "1\r\n");
    assert_eq!(world.raw("read 0 2"), "bo\r\n");
    assert_eq!(world.raw("poll 0"), "1\r\n");
    assert_eq!(world.raw("read 0 2"), "[Closed: 0]\r\ndy\r\n");
    assert_eq!(world.raw("read 0 2"), "Command failed\r\n");
    assert_eq!(world.raw("poll 0"), "Command failed\r\n");
    world.check_rest(0);
}

/// The status is part of what a host wants to know: an answer without a body is not over before the host has asked for
/// the status.
#[test]
fn an_answer_without_a_body_is_closed_when_its_status_is_told() {
    let mut world = world();
    let peer = world.ask("http_head example.com");
    peer.send(format!("{OK}Content-Length: 500\r\n\r\n"));
    assert!(world.raw_answer().ends_with("[Opened: 0]\r\n0\r\n"));
    assert_eq!(world.raw("poll 0"), "2\r\n");
    assert_eq!(world.raw("http_read_status 0"), "[Closed: 0]\r\n200\r\n");
    assert_eq!(world.raw("list"), "! # Type  Info\r\n");
    // Read instead of asking for the status.
    let peer = world.ask("hge example.com");
    peer.send(format!("{OK}Content-Length: 0\r\n\r\n"));
    world.raw_answer();
    assert_eq!(world.raw("read 0 9"), "[Closed: 0]\r\nCommand failed\r\n");
    world.check_rest(0);
}

#[test]
fn a_request_that_failed_is_closed_when_that_is_told() {
    let mut world = world();
    let peer = world.ask("hge -o example.com");
    world.raw_answer();
    peer.reset();
    assert_eq!(world.raw("poll 0"), "0\r\n", "nothing was sent yet");
    assert_eq!(world.raw("hre 0"), "HTTP connection closed\r\n[Closed: 0]\r\nCommand failed\r\n");
    assert_eq!(world.raw("hre 0"), "Command failed\r\n");
    world.check_rest(0);
}
