//! Answers for phones and computers on the soft AP that probe for the Internet (interface, network 3).

use core::fmt::{self, Write};

use heapless::String;

use super::connection::Connection;
use super::exchange::Exchange;
use super::failure::Failure;
use super::respond::Pen;
use crate::port::Interface;
use crate::variable::{Id, id};
use crate::wire::http::status::Status;
use crate::wire::url;

const ENABLED: Id = id("softap.captive_portal_enabled");
const URL: Id = id("softap.dns_server.url");
const SETUP_ENABLED: Id = id("setup.web.captive_portal_enabled");
const SETUP_URL: Id = id("setup.web.url");

/// Bytes of a host name here.
const HOST: usize = 128;

/// Redirects to the device when the portal is on; otherwise answers like the Internet, so that the phone stays.
pub(super) async fn answer(exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    let connection = &mut *exchange.connection;
    let base = connection.server.base();
    let (enabled, url) = match base.status.web_setup.get() {
        true => (SETUP_ENABLED, SETUP_URL),
        false => (ENABLED, URL),
    };
    let host = base.variables.flag(enabled).then(|| host(connection, url));
    let status = if host.is_some() { Status::FOUND } else { Status::NO_CONTENT };
    connection.server.counters().answered(status);
    let mut pen = Pen::new(connection.buffer);
    head(&mut pen, host.as_deref()).map_err(|_| Failure::Gone)?;
    let length = pen.length();
    connection.send(length).await
}

/// Both answers have their own reason phrases, not those of RFC 9110 (interface, network 3).
fn head(pen: &mut Pen<'_>, host: Option<&str>) -> fmt::Result {
    match host {
        Some(host) => {
            pen.write_str("HTTP/1.1 302 Redirect\r\n")?;
            pen.field_of("Location", format_args!("http://{host}/"))?;
            pen.field("Content-Length", "0")?;
        }
        None => pen.write_str("HTTP/1.1 204 Ok\r\n")?,
    }
    pen.field("Cache-Control", "no-store")?;
    pen.field("Connection", "close")?;
    pen.end()
}

/// The first name of the device, without a scheme and a path; the device's address when there is no name.
fn host(connection: &Connection<'_>, url: Id) -> String<HOST> {
    let base = connection.server.base();
    let mut host = base.variables.with(url, |urls| {
        let first = urls.split(|byte| *byte == b',').next().unwrap_or_default();
        let authority = url::authority(core::str::from_utf8(first).unwrap_or_default().trim());
        // A name only: no wildcard, and no character that could end the line.
        let is_clean = authority.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'*');
        String::<HOST>::try_from(if is_clean { authority } else { "" }).unwrap_or_default()
    });
    if let Some(config) = base.status.ipv4(Interface::SoftAp).get().filter(|_| host.is_empty()) {
        // An address always fits.
        let _ = write!(host, "{}", config.address);
    }
    host
}
