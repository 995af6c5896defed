//! A certificate request (PKCS#10) with the key of the HTTP server. An authority signs it, so that clients need not
//! trust the device's own certificate. The key stays in the device.

use core::cell::Cell;
use core::fmt;

use base64::engine::{Engine, general_purpose::STANDARD};
use embassy_time::{Duration, Timer};

use super::files::{FileSet, ServerFiles, has_key, is_own, read_key};
use super::refusal::Cause;
use super::session::Tls;
use crate::log::Level;
use crate::port::{self, SigningRequest};

/// How often to check whether the port has finished another request.
const LOOK: Duration = Duration::from_millis(50);
/// Bytes that make a line of PEM (RFC 7468: 64 characters).
const LINE: usize = 48;

/// The request was not made; the reason was logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotMade;

/// The right to let the port make something; it ends when this is dropped.
pub(super) struct Turn<'a>(&'a Cell<bool>);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// A request that the port has made.
pub struct Made<'a> {
    tls: &'a Tls,
    _turn: Turn<'a>,
}

impl Tls {
    /// Waits until no other task lets the port make something: the port keeps one result at a time.
    pub(super) async fn turn(&self) -> Turn<'_> {
        while self.making.replace(true) {
            Timer::after(LOOK).await;
        }
        Turn(&self.making)
    }

    /// Makes a certificate request for this name or for `<mdns.name>.local`. A device without a key of its own first
    /// makes one, with its own certificate. Failures are logged.
    pub async fn request(&self, name: Option<&str>) -> Result<Made<'_>, NotMade> {
        self.make_own_key().await?;
        let turn = self.turn().await;
        if FileSet::Server(ServerFiles::Http).verify(self.base, self.files).await.is_err() {
            return Err(self.not_made(format_args!("a file cannot be read")));
        }
        self.begin_request(name)?.outcome().await.map_err(|error| self.not_made(format_args!("{error}")))?;
        Ok(Made { tls: self, _turn: turn })
    }

    /// Lets the port begin. When this returns, the port does not need the key any more.
    fn begin_request(&self, name: Option<&str>) -> Result<port::Making<'static>, NotMade> {
        let own = self.own_name();
        let mut buffer = self.buffer.borrow_mut();
        let begun = match read_key(self.base, self.files, &mut *buffer) {
            Ok(key) => {
                let request = SigningRequest { name: name.unwrap_or(&own), key };
                port::request_begin(self.base.port, request).map_err(|error| self.not_made(format_args!("{error}")))
            }
            Err(Cause::NoKey) => Err(self.not_made(format_args!("there is no key (see http.server.tls_key)"))),
            Err(_) => Err(self.not_made(format_args!("the key cannot be read"))),
        };
        // A key must not stay in memory longer than needed.
        buffer.fill(0);
        begun
    }

    fn not_made(&self, why: fmt::Arguments<'_>) -> NotMade {
        self.base.log.line(Level::Failure, format_args!("No certificate request: {why}"));
        NotMade
    }

    async fn make_own_key(&self) -> Result<(), NotMade> {
        if !is_own(self.base) || has_key(self.base, self.files) {
            return Ok(());
        }
        self.make().await.map_err(|failure| {
            self.base.log.line(Level::Failure, format_args!("{failure}"));
            NotMade
        })
    }
}

impl Made<'_> {
    /// Passes the request to `line` as PEM, line by line, without the last line end.
    pub fn pem(self, mut line: impl FnMut(&[u8])) -> Result<(), NotMade> {
        let mut buffer = self.tls.buffer.borrow_mut();
        let made = self.tls.base.port.jobs().request(&mut *buffer).ok().and_then(|size| buffer.get(..size));
        let made = made.ok_or_else(|| self.tls.not_made(format_args!("it is too large")))?;
        line(b"-----BEGIN CERTIFICATE REQUEST-----\r\n");
        for part in made.chunks(LINE) {
            let mut text = [0; LINE / 3 * 4];
            let size = STANDARD.encode_slice(part, &mut text).unwrap_or_default();
            line(text.get(..size).unwrap_or_default());
            line(b"\r\n");
        }
        line(b"-----END CERTIFICATE REQUEST-----");
        Ok(())
    }
}
