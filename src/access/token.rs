//! API tokens: created, listed and revoked by command. The device knows only their SHA-256.
//!
//! A token is stored as one element of the hidden variable `http.server.token`, so that `save`, `load` and
//! `factory_reset` treat it like any other setting. The value is `<name> <scope,...> <hash>`, the hash in base64url.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core::cell::Cell;
use core::fmt::Write;
use core::future::poll_fn;
use core::task::Poll;
use heapless::String;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::access::scope::Scopes;
use crate::base::Base;
use crate::features;
use crate::limits;
use crate::variable::{Id, Value, ValueError, id};

const TOKENS: Id = id("http.server.token");

const USERNAME: Id = id("http.server.username");
const PASSWORD: Id = id("http.server.password");

/// Random bytes of a token: 192 bits.
const RANDOM: usize = 24;
/// Characters of a token, in base64url.
pub const TEXT: usize = RANDOM * 4 / 3;
/// Characters of a name.
pub const NAME: usize = 32;

/// Bytes of a SHA-256.
const HASH: usize = 32;
/// Characters of a SHA-256 in base64url without padding.
const HASH_TEXT: usize = 43;

/// Why a token could not be created or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// A name is 1 to [`NAME`] of `a-z A-Z 0-9 . _ -`.
    Name,
    /// A token of this name exists already.
    Exists,
    /// No token has this name.
    Unknown,
    /// There are [`limits::API_TOKENS`] tokens already, or the settings are full.
    Full,
}

/// One token as it is stored.
struct Kept {
    value: Value,
}

impl Kept {
    /// Name, scopes, hash; `None` for an element without a token.
    fn parts(&self) -> Option<(&str, Scopes, [u8; HASH])> {
        let mut words = core::str::from_utf8(&self.value).ok()?.split(' ');
        let (name, scopes, text) = (words.next()?, Scopes::parse(words.next()?.as_bytes())?, words.next()?);
        let mut hash = [0; HASH];
        let whole = URL_SAFE_NO_PAD.decode_slice(text, &mut hash) == Ok(HASH);
        whole.then_some((name, scopes, hash))
    }
}

fn kept(base: &Base) -> impl Iterator<Item = (u8, Kept)> {
    (0..limits::API_TOKENS as u8).map(|place| (place, Kept { value: base.variables.at(TOKENS, place) }))
}

fn find(base: &Base, name: &[u8]) -> Option<u8> {
    let named = |kept: &Kept| kept.parts().is_some_and(|(other, ..)| other.as_bytes() == name);
    kept(base).find(|(_, kept)| named(kept)).map(|(place, _)| place)
}

/// Makes a token and answers its text, which is not stored anywhere. The token is valid at once, and stays valid after
/// a restart if the settings are saved.
pub fn create(base: &Base, name: &[u8], scopes: Scopes) -> Result<String<TEXT>, TokenError> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let name = core::str::from_utf8(name).map_err(|_| TokenError::Name)?;
    if name.is_empty() || name.len() > NAME || !name.as_bytes().iter().all(plain) {
        return Err(TokenError::Name);
    }
    if find(base, name.as_bytes()).is_some() {
        return Err(TokenError::Exists);
    }
    let (place, _) = kept(base).find(|(_, kept)| kept.parts().is_none()).ok_or(TokenError::Full)?;
    let mut random = [0; RANDOM];
    base.port.board().random(&mut random);
    let token: String<TEXT> = text(&random);
    let mut value = Value::new();
    let hash: String<HASH_TEXT> = text(&Sha256::digest(token.as_bytes()));
    write!(value, "{name} {scopes} {hash}").map_err(|_| TokenError::Full)?;
    base.variables.set_at(TOKENS, place, &value).map_err(|error| match error {
        ValueError::Full => TokenError::Full,
        _ => TokenError::Name,
    })?;
    Ok(token)
}

/// Base64url of `bytes`; `N` is its length.
fn text<const N: usize>(bytes: &[u8]) -> String<N> {
    let mut buffer = [0; N];
    let length = URL_SAFE_NO_PAD.encode_slice(bytes, &mut buffer).unwrap_or(0);
    let text = core::str::from_utf8(buffer.get(..length).unwrap_or_default()).unwrap_or_default();
    String::try_from(text).unwrap_or_default()
}

/// Revokes a token: from now on it is invalid.
pub fn delete(base: &Base, name: &[u8]) -> Result<(), TokenError> {
    let place = find(base, name).ok_or(TokenError::Unknown)?;
    base.variables.set_at(TOKENS, place, b"").map_err(|_| TokenError::Full)?;
    base.revocations.tell();
    Ok(())
}

/// Calls `each` with name and scopes of every token.
pub fn each(base: &Base, mut each: impl FnMut(&str, Scopes)) {
    for (_, kept) in kept(base) {
        if let Some((name, scopes, _)) = kept.parts() {
            each(name, scopes);
        }
    }
}

/// Whether credentials are needed at all (a token, or name and password): only if name and password are both set
/// (interface, http 4).
pub fn are_needed(base: &Base) -> bool {
    !base.variables.is_empty(USERNAME) && !base.variables.is_empty(PASSWORD)
}

/// The scopes of a token that a client presents; `None` for an unknown token.
pub fn scopes(base: &Base, presented: &[u8]) -> Option<Scopes> {
    if !features::TOKENS {
        return None;
    }
    Ticket::new(base, presented).scopes(base)
}

/// A token that a client has presented. It lasts as long as the connection that the client has opened with it.
pub struct Ticket {
    hash: [u8; HASH],
    /// The number of revocations that it has seen.
    seen: Cell<u32>,
}

impl Ticket {
    /// The ticket of a token, which may be unknown.
    pub fn new(base: &Base, presented: &[u8]) -> Self {
        Self { hash: Sha256::digest(presented).into(), seen: Cell::new(base.revocations.count()) }
    }

    /// The scopes of the token now; `None` when it is unknown. Takes the same time for every token, however much of it
    /// is right.
    fn scopes(&self, base: &Base) -> Option<Scopes> {
        let mut found = None;
        for (_, kept) in kept(base) {
            let Some((_, scopes, hash)) = kept.parts() else { continue };
            let same: Choice = hash.ct_eq(&self.hash);
            if same.into() {
                found = Some(scopes);
            }
        }
        found
    }

    /// Waits until the token is revoked.
    pub async fn revoked(&self, base: &Base) {
        poll_fn(|context| {
            if self.seen.replace(base.revocations.count()) != base.revocations.count() && self.scopes(base).is_none() {
                return Poll::Ready(());
            }
            base.revocations.watch(context.waker());
            Poll::Pending
        })
        .await
    }
}
