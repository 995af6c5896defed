//! What phones and computers on the soft AP hear when they look for the Internet (networking reference 3, "Captive
//! portal").

use core::fmt::Write;

use heapless::String;

use super::connection::Connection;
use super::failure::Failure;
use crate::port::Interface;
use crate::variable::{Id, id};

const ENABLED: Id = id("softap.captive_portal_enabled");
const URL: Id = id("softap.dns_server.url");
const SETUP_ENABLED: Id = id("setup.web.captive_portal_enabled");
const SETUP_URL: Id = id("setup.web.url");

/// The paths that they ask for: those of the reference, and those that came since.
const PROBES: &[&[u8]] = &[
    b"generate_204",
    b"gen_204",
    b"hotspot-detect.html",
    b"library/test/success.html",
    b"ncsi.txt",
    b"connecttest.txt",
    b"redirect",
    b"success.txt",
    b"canonical.html",
    b"check_network_status.txt",
];

/// Bytes of a host name here.
const HOST: usize = 128;

/// Whether a request is such a look: one of these paths, over the soft AP. `path` has no slash at its beginning.
pub(super) fn is_probe(connection: &Connection<'_>, path: &[u8]) -> bool {
    connection.interface == Interface::SoftAp && PROBES.contains(&path)
}

/// Leads to the device when the portal is on; otherwise says that there is the Internet, so that the phone stays.
pub(super) async fn answer(connection: &mut Connection<'_>) -> Result<(), Failure> {
    let base = connection.server.base();
    let (enabled, url) = match base.status.web_setup.get() {
        true => (SETUP_ENABLED, SETUP_URL),
        false => (ENABLED, URL),
    };
    let mut head = String::<256>::new();
    let written = match base.variables.flag(enabled) {
        true => write!(
            head,
            "HTTP/1.1 302 Redirect\r\nLocation: http://{}/\r\nContent-Length: 0\r\n",
            host(connection, url)
        ),
        false => write!(head, "HTTP/1.1 204 Ok\r\n"),
    };
    let rest = "Cache-Control: no-store\r\nConnection: close\r\n\r\n";
    written.and_then(|()| head.write_str(rest)).map_err(|_| Failure::Gone)?;
    let place = connection.buffer.get_mut(..head.len()).ok_or(Failure::Gone)?;
    place.copy_from_slice(head.as_bytes());
    connection.send(head.len()).await
}

/// The first name that leads to the device, without a scheme and a path; its address when there is none.
fn host(connection: &Connection<'_>, url: Id) -> String<HOST> {
    let base = connection.server.base();
    let mut host = base.variables.with(url, |urls| {
        let first = urls.split(|byte| *byte == b',').next().unwrap_or_default();
        let text = core::str::from_utf8(first).unwrap_or_default().trim();
        let text = text.split_once("://").map_or(text, |(_, rest)| rest);
        let end = text.find(['/', '?']).unwrap_or(text.len());
        let clean = text[..end].bytes().all(|byte| byte.is_ascii_graphic());
        String::<HOST>::try_from(if clean { &text[..end] } else { "" }).unwrap_or_default()
    });
    if let Some(config) = base.status.ipv4(Interface::SoftAp).get().filter(|_| host.is_empty()) {
        // An address always fits.
        let _ = write!(host, "{}", config.address);
    }
    host
}
