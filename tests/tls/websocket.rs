//! `websocket_client` with `wss`.

use embassy_time::Duration;

use crate::peers::*;
use crate::streams::{CA, device, run, store, with_server};
use crate::transcripts::opened;

/// Messages through TLS, up to a close frame from each side, with the device's own certificate.
#[test]
fn messages_through_tls() {
    let world = World::new();
    let mut device = device(&[(CA, &world.authority.pem())]);
    device.port().set_name(NAME, Duration::from_millis(1), Ok(*SERVER.ip()));
    store(&mut device, "cert.pem", &world.client.chain, "");
    store(&mut device, "key.pem", &world.client.key, " 1.0.0 4B");
    device.command("set time.rtc 1780272000");
    device.command("set system.cmd.timestamp none");

    let listener = device.port().listen(SERVER);
    let (mut other, mut is_open): (Option<Other>, bool) = (None, false);
    let shown = run(&mut device, "websocket_client wss://server.example/a \"\" cert.pem key.pem", |_| {
        other = other.take().or_else(|| listener.accept().map(|peer| Other::server(&world, peer, true, &[])));
        let Some(other) = &mut other else { return };
        other.pump();
        if !is_open && other.received.ends_with(b"\r\n\r\n") {
            is_open = true;
            let request = String::from_utf8(std::mem::take(&mut other.received)).unwrap();
            other.send(&[opened(&request).as_bytes(), b"\x81\x02hi"].concat());
        }
    });
    assert_eq!(
        shown,
        "[Opening: server.example]\r\nRequest GET /a\r\nConnecting (wss): server.example:443\r\nStarting TLS\r\n\
         HTTP response: 101\r\n[Opened: 0]\r\n0\r\n"
    );
    let mut other = other.unwrap();
    assert!(device.command("list").contains("# 0 WEBC  server.example:443 ("));
    assert!(device.command("read 0 10").ends_with("hi\r\n"));
    assert!(device.command_with_data("write 0 5", b"hello").ends_with("Success\r\n"));
    other.until(&mut device, |other, _| other.received.len() >= 11);
    assert_eq!(other.received[..2], [0x82, 0x85]);
    other.received.clear();
    assert!(device.command("close 0").ends_with("Success\r\n"));
    other.until(&mut device, |other, _| other.received.len() >= 8);
    assert_eq!(other.received[..2], [0x88, 0x82]);
    other.send(b"\x88\x02\x03\xe8");
    other.close();
    other.until(&mut device, |other, _| other.closed);
    assert_eq!((device.port().open_sessions(), device.port().open_sockets()), (0, 0));
}

#[test]
fn a_server_must_prove_its_name() {
    let world = World::new();
    let mut device = device(&[(CA, &world.authority.pem())]);
    device.command("set time.rtc 1780272000");
    device.command("set system.cmd.timestamp none");
    for (name, rest, error) in [("other.example", "", "5037 (state: 3, code: 0)"), (NAME, " absent.pem", "5016")] {
        device.port().set_name(name, Duration::from_millis(1), Ok(*SERVER.ip()));
        let (shown, _) = with_server(&mut device, &world, false, &format!("webc wss://{name}/{rest}"));
        let end = format!("Starting TLS\r\nError with TLS handshake: {error}\r\n[Open failed]\r\nCommand failed\r\n");
        assert!(shown.ends_with(&end), "{name}: {shown}");
        device.settle();
        assert_eq!((device.port().open_sessions(), device.port().open_sockets()), (0, 0), "{name}");
    }
}
