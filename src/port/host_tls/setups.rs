//! The latest configurations of rustls. It keeps resumable sessions (RFC 8446, 2.2; RFC 5246, 7.3) in a configuration
//! and resumes none under another one: a resumed peer already proved what this configuration requires.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::vec::Vec;

use rustls::pki_types::UnixTime;
use rustls::{ClientConfig, ServerConfig};
use sha2::{Digest, Sha256};

use super::failure::Outcome;
use crate::port::{TlsCredentials, TlsVersion};

/// Kept configurations of each kind.
const KEPT: usize = 4;
/// Sessions that a configuration keeps.
pub(super) const SESSIONS: usize = 16;
/// How long a certificate counts as checked, in seconds: a resumed session does not show it again.
const DAY: u64 = 86_400;

/// The configurations of a device.
#[derive(Default)]
pub(in crate::port) struct Setups {
    clients: Kept<ClientConfig>,
    servers: Kept<ServerConfig>,
}

impl Setups {
    pub(super) fn client(
        &mut self,
        credentials: &TlsCredentials<'_>,
        make: impl FnOnce(Arc<Clock>) -> Outcome<ClientConfig>,
    ) -> Outcome<Arc<ClientConfig>> {
        self.clients.get(credentials, make)
    }

    pub(super) fn server(
        &mut self,
        credentials: &TlsCredentials<'_>,
        make: impl FnOnce(Arc<Clock>) -> Outcome<ServerConfig>,
    ) -> Outcome<Arc<ServerConfig>> {
        self.servers.get(credentials, make)
    }
}

/// Configurations of one kind, the most recently used last.
struct Kept<C>(Vec<Setup<C>>);

struct Setup<C> {
    /// Digest of the credentials, so that the credentials themselves need not be kept.
    digest: [u8; 32],
    clock: Arc<Clock>,
    config: Arc<C>,
}

impl<C> Default for Kept<C> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<C> Kept<C> {
    fn get(
        &mut self,
        credentials: &TlsCredentials<'_>,
        make: impl FnOnce(Arc<Clock>) -> Outcome<C>,
    ) -> Outcome<Arc<C>> {
        let digest = digest(credentials);
        let setup = match self.0.iter().position(|setup| setup.digest == digest) {
            Some(place) => self.0.remove(place),
            None => {
                let clock = Arc::new(Clock::default());
                clock.set(credentials.now);
                Setup { digest, config: Arc::new(make(clock.clone())?), clock }
            }
        };
        setup.clock.set(credentials.now);
        let config = setup.config.clone();
        if self.0.len() == KEPT {
            self.0.remove(0);
        }
        self.0.push(setup);
        Ok(config)
    }
}

/// Digest of everything that decides about a session, and of the day.
fn digest(credentials: &TlsCredentials<'_>) -> [u8; 32] {
    let TlsCredentials { verify, authorities, certificate, key, versions, alpn, now, clock_is_set } = *credentials;
    let (oldest, newest): (TlsVersion, TlsVersion) = versions;
    let mut hash = Sha256::new();
    hash.update([u8::from(verify), u8::from(clock_is_set)]);
    hash.update((oldest as u16).to_be_bytes());
    hash.update((newest as u16).to_be_bytes());
    hash.update((now / DAY).to_be_bytes());
    for part in [authorities, certificate, key].iter().chain(alpn) {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The device's time at its last session with this configuration, for the check of certificates.
#[derive(Debug, Default)]
pub(super) struct Clock(AtomicU64);

impl Clock {
    fn set(&self, now: u64) {
        self.0.store(now, Ordering::Relaxed);
    }
}

impl rustls::time_provider::TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(core::time::Duration::from_secs(self.0.load(Ordering::Relaxed))))
    }
}
