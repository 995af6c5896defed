//! The HTTP client never sends the device itself a request: a server could make it command itself.

use core::net::Ipv4Addr;

use embassy_time::Duration;

use crate::{SERVER, World};

const REFUSED: &str = "Not connected: the device does not send itself requests\r\n";
const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn world() -> World {
    let mut world = World::new();
    world.command("set http.server.enabled 1");
    world.command("network_restart");
    let port = world.device.port();
    port.set_name("myself.example", Duration::from_millis(3), Ok(LOOPBACK));
    port.set_name("me.example", Duration::from_millis(3), Ok([10, 5, 6, 108].into()));
    port.set_name("0x7f.1", Duration::from_millis(3), Ok(LOOPBACK));
    world
}

#[test]
fn a_redirection_to_the_device_itself_is_not_followed() {
    let mut world = world();
    for host in [
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",
        "0.1.2.3",
        "10.5.6.108",
        "myself.example",
        "me.example",
        "0x7f.1",
        "127.0.0.1:80",
    ] {
        let peer = world.ask("http_download example.com/f f");
        peer.send(format!("HTTP/1.1 302 Found\r\nLocation: http://{host}/command/set%20system.cmd.echo%201\r\n\r\n"));
        let before = world.device.millis();
        let answer = world.answer();
        assert!(answer.ends_with(&format!("{REFUSED}[Open failed]\r\nCommand failed\r\n")), "{host}: {answer}");
        assert!(world.device.millis() - before < 100, "{host}");
        assert_eq!(world.command("get system.cmd.echo"), "0\r\n", "{host}");
    }
    world.check_rest(1);
}

#[test]
fn no_command_sends_the_device_itself_a_request() {
    let mut world = world();
    world.device.command_with_data("file_create f 1", b"x");
    world.device.take_output();
    world.command("tcp_server start 3000");
    for url in ["127.0.0.1/command/version", "10.5.6.108", "me.example", "127.0.0.1:3000", "10.5.6.108:3000"] {
        for line in [
            format!("http_get {url}"),
            format!("http_get -o {url}"),
            format!("http_head {url}"),
            format!("http_post -o -l 3 {url} a/b"),
            format!("http_download {url} g"),
            format!("http_upload {url} f"),
        ] {
            let answer = world.command(&line);
            assert!(answer.ends_with(&format!("{REFUSED}[Open failed]\r\nCommand failed\r\n")), "{line}: {answer}");
        }
    }
    // IPv6 forms of these addresses are no URLs here at all.
    for url in ["[::1]/", "[::ffff:127.0.0.1]/", "[::ffff:7f00:1]/"] {
        assert_eq!(world.command(&format!("http_get {url}")), "Invalid argument\r\n", "{url}");
    }
    // Where nothing of the device listens, another program may.
    assert!(world.command("http_get 127.0.0.1:81").ends_with("127.0.0.1:81\r\n[Open failed]\r\nCommand failed\r\n"));
    world.check_rest(2);
}

#[test]
fn a_name_with_the_device_among_its_addresses_leads_to_the_other() {
    let mut world = world();
    let addresses = [LOOPBACK, *SERVER.ip()];
    world.device.port().set_names("both.example", Duration::from_millis(3), &addresses);
    let peer = world.ask("http_get both.example");
    assert_eq!(peer.address(), SERVER);
}

#[test]
fn redirections_lead_to_http_only() {
    let mut world = world();
    for location in ["ftp://example.com/f", "file:///settings.cfg", "gopher://example.com:80/_x", "javascript:x"] {
        let answer = world
            .download("hdo example.com/f f", format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n").as_bytes());
        assert!(answer.ends_with("HTTP response not understood\r\nCommand failed\r\n"), "{location}: {answer}");
    }
}
