//! What a page has, and what several of them say.

/// A parameter or option, and what it means.
pub type Part = (&'static str, &'static str);

/// The page of one command.
pub struct Page {
    /// Its full name.
    pub name: &'static str,
    /// What stands between `<` and `>` in its usage, in that order, and its fixed words.
    pub parameters: &'static [Part],
    /// Its option letters.
    pub options: &'static [Part],
    /// What it answers when it succeeds.
    pub answer: &'static str,
    /// A line that a host could send.
    pub example: &'static str,
}

pub(super) const SUCCESS: &str = "`Success`";
pub(super) const SET_OK: &str = "`Set OK`";
pub(super) const HANDLE: &str = "The handle of the stream.";

pub(super) const fn part(name: &'static str, meaning: &'static str) -> Part {
    (name, meaning)
}

pub(super) const INTERFACE: Part =
    part("-i", "`<interface>`: `wlan` or `softap`; without it `network.default_interface`.");
pub(super) const CA: &str = "File of the CA certificate; without it `network.tls.ca_cert`.";
pub(super) const CERT: &str = "File of the client certificate; without it `network.tls.client_cert`.";
pub(super) const KEY: &str = "File of its key; without it `network.tls.client_key`.";
pub(super) const ON_STREAM: Part = part("handle", "The number of the stream, 0 to 7.");
