//! Certificates and keys from files.

use super::refusal::Cause;
use crate::access::guard::{HTTPS_CERT, HTTPS_KEY};
use crate::base::Base;
use crate::file::{FileError, Files, Reader};
use crate::variable::{Id, id};

const CA_CERT: Id = id("network.tls.ca_cert");
const CLIENT_CERT: Id = id("network.tls.client_cert");
const CLIENT_KEY: Id = id("network.tls.client_key");
const SERVER_CERT: Id = id("network.tls.server_cert");
const SERVER_KEY: Id = id("network.tls.server_key");
const SERVER_CA: Id = id("network.tls.server_ca_cert");
const HTTP_CERT: Id = id("http.server.tls_cert");
const HTTP_KEY: Id = id("http.server.tls_key");
const HTTP_CA: Id = id("http.server.tls_ca_cert");

/// The files that a command names for a client. For a file that it does not name, the variable counts
/// (`network.tls.ca_cert`, `.client_cert`, `.client_key`).
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientFiles<'a> {
    /// Certificates of the authorities.
    pub authorities: Option<&'a [u8]>,
    /// The device's certificate.
    pub certificate: Option<&'a [u8]>,
    /// Its key.
    pub key: Option<&'a [u8]>,
}

/// The sets of files of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerFiles {
    /// For the servers whose clients are streams (`network.tls.server_…`).
    Streams,
    /// For the HTTP server (`http.server.tls_…`).
    Http,
}

/// The source of a file name.
#[derive(Clone, Copy)]
pub(super) enum Named<'a> {
    /// In a command.
    Here(&'a [u8]),
    /// In a variable.
    There(Id),
    /// In a variable; while that is empty, this file, which the device makes.
    Own(Id, &'static [u8]),
}

impl<'a> Named<'a> {
    /// Runs `action` with the name, which is empty when there is none.
    fn with<R>(self, base: &Base, action: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Self::Here(name) => action(name),
            Self::There(id) => base.variables.with(id, action),
            Self::Own(id, own) => base.variables.with(id, |name| action(if name.is_empty() { own } else { name })),
        }
    }

    /// The file may be missing: the owner has not chosen the default name in the variable.
    fn is_optional(self) -> bool {
        matches!(self, Self::There(id) if id == CA_CERT)
    }

    fn or(here: Option<&'a [u8]>, there: Id) -> Self {
        here.map_or(Self::There(there), Self::Here)
    }
}

/// The names of all files of a session.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub authorities: Named<'a>,
    pub certificate: Named<'a>,
    pub key: Named<'a>,
}

impl<'a> Names<'a> {
    pub fn of_client(files: &ClientFiles<'a>) -> Self {
        Self {
            authorities: Named::or(files.authorities, CA_CERT),
            certificate: Named::or(files.certificate, CLIENT_CERT),
            key: Named::or(files.key, CLIENT_KEY),
        }
    }

    pub fn of_server(files: ServerFiles) -> Self {
        match files {
            ServerFiles::Streams => Self {
                authorities: Named::There(SERVER_CA),
                certificate: Named::There(SERVER_CERT),
                key: Named::There(SERVER_KEY),
            },
            ServerFiles::Http => Self {
                authorities: Named::There(HTTP_CA),
                certificate: Named::Own(HTTP_CERT, HTTPS_CERT),
                key: Named::Own(HTTP_KEY, HTTPS_KEY),
            },
        }
    }
}

/// Which files a session has.
#[derive(Clone, Copy)]
pub(super) enum FileSet<'a> {
    Client(&'a ClientFiles<'a>),
    Server(ServerFiles),
}

/// An open file, closed when this is dropped.
struct Source {
    files: &'static Files,
    reader: Option<Reader>,
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            self.files.close(reader);
        }
    }
}

impl Source {
    /// Opens the file of a name; `None` when it is missing, or the name is empty.
    fn open(base: &Base, files: &'static Files, name: Named<'_>) -> Result<Option<Self>, Cause> {
        match name.with(base, |name| files.open(name)) {
            Ok(reader) => Ok(Some(Self { files, reader: Some(reader) })),
            Err(FileError::NotFound | FileError::InvalidName) => Ok(None),
            Err(_) => Err(Cause::Unreadable),
        }
    }

    /// Reads the whole file into the front of `room`; answers the content, and the remaining room.
    fn read<'b>(&self, room: &'b mut [u8]) -> Result<(&'b [u8], &'b mut [u8]), Cause> {
        let reader = self.reader.as_ref().ok_or(Cause::Unreadable)?;
        let (content, rest) = room.split_at_mut_checked(reader.size() as usize).ok_or(Cause::TooLarge)?;
        match self.files.read_at(reader, 0, content) {
            Ok(count) if count == content.len() => Ok((content, rest)),
            _ => Err(Cause::Unreadable),
        }
    }
}

/// The contents of the files of a session; `None` for a file that it does not have.
pub(super) struct Contents<'b> {
    pub authorities: Option<&'b [u8]>,
    pub certificate: Option<&'b [u8]>,
    pub key: Option<&'b [u8]>,
}

impl<'a> FileSet<'a> {
    fn names(self) -> Names<'a> {
        match self {
            Self::Client(files) => Names::of_client(files),
            Self::Server(files) => Names::of_server(files),
        }
    }

    /// Verifies one after another that the files are as they were stored: a future that waits for a handshake is a part
    /// of many others, and has no room for three open files.
    pub async fn verify(self, base: &Base, files: &'static Files) -> Result<(), Cause> {
        for number in 0..3 {
            let source = self.open(base, files, number)?;
            if let Some(reader) = source.as_ref().and_then(|source| source.reader.as_ref()) {
                files.verify(reader).await.map_err(|_| Cause::Unreadable)?;
            }
        }
        Ok(())
    }

    fn open(self, base: &Base, files: &'static Files, number: u8) -> Result<Option<Source>, Cause> {
        let Names { authorities, certificate, key } = self.names();
        let name = [authorities, certificate, key].into_iter().nth(number.into());
        name.map_or(Ok(None), |name| Source::open(base, files, name))
    }

    /// Reads the files into a buffer.
    ///
    /// A file that is not named is left out. A named file must exist, except for the authorities that a client has by
    /// default.
    pub fn read<'b>(self, base: &Base, files: &'static Files, buffer: &'b mut [u8]) -> Result<Contents<'b>, Cause> {
        let names = self.names();
        let (authorities, buffer) = read(base, files, names.authorities, Cause::NoAuthorities, buffer)?;
        let (certificate, buffer) = read(base, files, names.certificate, Cause::NoCertificate, buffer)?;
        let (key, _) = match certificate {
            Some(_) => read(base, files, names.key, Cause::NoKey, buffer)?,
            None => (None, buffer),
        };
        if certificate.is_some() && key.is_none() {
            return Err(Cause::NoKey);
        }
        Ok(Contents { authorities, certificate, key })
    }
}

/// Reads the key of the HTTP server.
pub(super) fn read_key<'b>(base: &Base, files: &'static Files, buffer: &'b mut [u8]) -> Result<&'b [u8], Cause> {
    let (key, _) = read(base, files, Names::of_server(ServerFiles::Http).key, Cause::NoKey, buffer)?;
    key.ok_or(Cause::NoKey)
}

/// Reads one file, which must exist if it is named.
fn read<'b>(
    base: &Base,
    files: &'static Files,
    name: Named<'_>,
    missing: Cause,
    buffer: &'b mut [u8],
) -> Result<(Option<&'b [u8]>, &'b mut [u8]), Cause> {
    match Source::open(base, files, name)? {
        Some(source) => source.read(buffer).map(|(content, rest)| (Some(content), rest)),
        None if name.is_optional() || name.with(base, |name| name.is_empty()) => Ok((None, buffer)),
        None => Err(missing),
    }
}

/// Whether the certificate and the key of a server exist.
pub(super) fn has_identity(base: &Base, files: &Files, server: ServerFiles) -> bool {
    let names = Names::of_server(server);
    [names.certificate, names.key].iter().all(|name| name.with(base, |name| files.stat(name).is_some()))
}

/// Whether the key of the HTTP server exists.
pub(super) fn has_key(base: &Base, files: &Files) -> bool {
    Names::of_server(ServerFiles::Http).key.with(base, |name| files.stat(name).is_some())
}

/// Whether the device makes the certificate of the HTTP server, because its owner has named none.
pub(super) fn is_own(base: &Base) -> bool {
    base.variables.is_empty(HTTP_CERT) && base.variables.is_empty(HTTP_KEY)
}
