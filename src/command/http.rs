//! `http_get`, `http_post`, `http_put`, `http_head`, `http_add_header`, `http_read_status`, `http_download`,
//! `http_upload`, `websocket_client` (interface, commands/README, http 7).

use core::fmt::Write;
use core::pin::pin;

use super::call::{Call, number};
use super::files::Sums;
use super::network::needed;
use super::response::{CommandError, Ending};
use super::streams::Untold;
use crate::file::{FileError, check_name};
use crate::http_client::{Claim, Failure, FieldError, FileNames, HeaderError, Length, Method, Target, Url, UrlError};
use crate::tls::ClientFiles;

impl From<Failure> for CommandError {
    fn from(_: Failure) -> Self {
        Self::Failed
    }
}

impl From<UrlError> for CommandError {
    fn from(error: UrlError) -> Self {
        match error {
            UrlError::Invalid => Self::Invalid,
            UrlError::TooLong => Self::Bounds,
        }
    }
}

impl From<FieldError> for CommandError {
    fn from(error: FieldError) -> Self {
        match error {
            FieldError::Invalid => Self::Invalid,
            FieldError::TooLong => Self::Bounds,
        }
    }
}

fn parse_url(word: &[u8]) -> Result<Url, CommandError> {
    let text = core::str::from_utf8(word).map_err(|_| CommandError::Invalid)?;
    Ok(Url::parse(text)?)
}

impl Call<'_> {
    fn claim(&self, method: Method, url: Url, files: FileNames) -> Result<Claim, CommandError> {
        let (client, interface) = (self.machine.http, self.interface()?);
        let claim = client.claim(method, url, interface).map_err(|failure| self.not_claimed(failure))?;
        claim.request().files = files;
        Ok(claim)
    }

    /// Logs why no request could begin.
    fn not_claimed(&self, failure: Failure) -> CommandError {
        self.machine.http.log_failure(failure);
        failure.into()
    }

    /// The files of a TLS session: `authorities`, and the values of `-x` and `-k`.
    fn tls_files(&self, authorities: Option<&[u8]>) -> Result<FileNames, CommandError> {
        let (certificate, key) = (self.option(b'x'), self.option(b'k'));
        Ok(FileNames::new(&ClientFiles { authorities, certificate, key })?)
    }

    /// The value of `-l`, the length of a body.
    fn length(&self) -> Result<Length, CommandError> {
        match self.option(b'l') {
            None => Ok(Length::Queued),
            // The original's programming interface takes a length of -1 for a body in chunks.
            Some(b"-1") => Ok(Length::Chunked),
            Some(word) => Ok(Length::Exactly(number(word, u32::MAX)?)),
        }
    }
}

fn describe(call: &Call<'_>, method: Method) -> Result<Claim, CommandError> {
    let claim = call.claim(method, parse_url(call.argument(0)?)?, call.tls_files(call.option(b'c'))?)?;
    let mut request = claim.request();
    request.length = call.length()?;
    if let Ok(content_type) = call.argument(1) {
        request.add(b"Content-Type", content_type)?;
    }
    drop(request);
    Ok(claim)
}

/// `[-o] [-i <interface>] [-c <ca cert>] [-x <cert>] [-k <key>] [-l <length>] <url> [<content type>]`. The files mean
/// nothing without TLS.
async fn open(call: &mut Call<'_>, method: Method) -> Result<Ending, CommandError> {
    let claim = describe(call, method)?;
    open_claimed(call, claim).await
}

/// Opens the stream of a request and answers with its handle.
async fn open_claimed(call: &mut Call<'_>, claim: Claim) -> Result<Ending, CommandError> {
    let machine = call.machine;
    let hold = call.flag(b'o');
    let opening = async {
        needed(machine, claim.interface()).await?;
        let handle = machine.http.open(claim, hold).await?;
        Ok::<_, CommandError>(Untold::new(machine.streams, handle))
    };
    let handle = call.apart(pin!(opening)).await??.tell()?;
    let _ = write!(call.reply, "{handle}");
    Ok(Ending::Text)
}

pub(super) async fn get(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    open(call, Method::Get).await
}

pub(super) async fn head(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    open(call, Method::Head).await
}

pub(super) async fn post(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    open(call, Method::Post).await
}

pub(super) async fn put(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    open(call, Method::Put).await
}

/// `[-o] [-i <interface>] [-f bin|text] [-p <seconds>] <url> [<ca cert> [<cert> [<key>]]]`
pub(super) async fn websocket(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let claim = describe_websocket(call)?;
    open_claimed(call, claim).await
}

fn describe_websocket(call: &Call<'_>) -> Result<Claim, CommandError> {
    let url = Url::parse_websocket(call.text(0)?)?;
    let text = match call.option(b'f') {
        None | Some(b"bin") => false,
        Some(b"text") => true,
        Some(_) => return Err(CommandError::Invalid),
    };
    let ping = call.option(b'p').map_or(Ok(0), |word| number(word, u16::MAX.into()))? as u16;
    let (client, interface) = (call.machine.http, call.interface()?);
    let claim = client.claim_websocket(url, interface, text, ping);
    let claim = claim.map_err(|failure| call.not_claimed(failure))?;
    claim.request().files = FileNames::new(&call.client_files(1))?;
    Ok(claim)
}

pub(super) fn add_header(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let added = call.machine.http.add_header(call.handle(0)?, call.argument(1)?, call.argument(2)?);
    match added {
        Ok(()) => Ok(Ending::Success),
        Err(HeaderError::NotQueued) => Err(CommandError::Failed),
        Err(HeaderError::Field(error)) => Err(error.into()),
    }
}

pub(super) async fn read_status(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let (machine, handle) = (call.machine, call.handle(0)?);
    let status = call.apart(pin!(machine.http.status(handle))).await??;
    let _ = write!(call.reply, "{status}");
    Ok(Ending::Text)
}

/// `[-e] [-u] [-c <crc>] [-i <interface>] <url> [<name> [<version> [<type>]]]`, or the options `-n`, `-v`, `-t` of Gecko
/// OS 4 in place of the last three; `-a`, `-x` and `-k` name a CA certificate, a certificate and a key for TLS.
pub(super) async fn download(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let claim = describe_download(call)?;
    transfer(call, claim).await
}

fn describe_download(call: &Call<'_>) -> Result<Claim, CommandError> {
    let url = parse_url(call.argument(0)?)?;
    let sums = call.option(b'c').map(Sums::parse).transpose()?.unwrap_or_default();
    let name = call.argument(1).ok().or(call.option(b'n')).unwrap_or(url.file_name().as_bytes());
    let target = Target {
        name: check_name(name).map_err(|error| call.file_failed(error))?,
        version: call.version(call.argument(2).ok().or(call.option(b'v')))?,
        kind: call.kind(call.argument(3).ok().or(call.option(b't')))?,
        flags: call.file_flags(),
        crc: sums.crc16,
        crc32: sums.crc32,
    };
    let claim = call.claim(Method::Get, url, call.tls_files(call.option(b'a'))?)?;
    claim.download(target);
    Ok(claim)
}

/// `[-i <interface>] <url> <file> [<remote name>]`, with the options for TLS of a download.
pub(super) async fn upload(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let claim = describe_upload(call)?;
    transfer(call, claim).await
}

fn describe_upload(call: &Call<'_>) -> Result<Claim, CommandError> {
    let url = parse_url(call.argument(0)?)?;
    let local = call.argument(1)?;
    let remote = call.argument(2).unwrap_or(local);
    match call.machine.files.stat(local) {
        None => return Err(call.file_failed(FileError::NotFound)),
        Some(file) => call.readable(&file)?,
    }
    let names = [check_name(local), check_name(remote)];
    let [Ok(local), Ok(remote)] = names else { return Err(CommandError::Invalid) };
    let claim = call.claim(Method::Post, url, call.tls_files(call.option(b'a'))?)?;
    claim.upload(local, remote);
    Ok(claim)
}

async fn transfer(call: &mut Call<'_>, claim: Claim) -> Result<Ending, CommandError> {
    let machine = call.machine;
    let transferring = async {
        needed(machine, claim.interface()).await?;
        Ok::<_, CommandError>(machine.http.transfer(claim).await?)
    };
    call.apart(pin!(transferring)).await??;
    Ok(Ending::Success)
}
