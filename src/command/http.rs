//! `http_get`, `http_post`, `http_put`, `http_head`, `http_add_header`, `http_read_status`, `http_download`,
//! `http_upload` (commands reference 2, HTTP reference 7).

use core::fmt::Write;

use super::call::{Call, Machine, Step, Wait};
use super::files::{digits, hex};
use super::network::needed;
use super::response::{CommandError, Ending, Reply};
use crate::file::{FileError, Name, Version, check_name, flag, kind};
use crate::http_client::{Claim, Failure, FieldError, HeaderError, Length, Method, Target, Url, UrlError};
use crate::port::Interface;

/// What a command about an HTTP request waits for.
pub(super) enum Pending {
    /// Opening a stream for a request; with `hold` it is not sent yet.
    Open { claim: Claim, hold: bool },
    /// The status of a request.
    Status(u8),
    /// Data of a response.
    Read { handle: u8, size: usize },
    /// A download or an upload.
    Transfer(Claim),
}

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

/// The words of `http_get` and its like: options anywhere, `<url> [<content type>]` between them.
struct Words<'a> {
    hold: bool,
    interface: Interface,
    length: Length,
    places: [Option<&'a [u8]>; 2],
}

impl<'a> Words<'a> {
    fn read(call: &'a Call<'_>) -> Result<Self, CommandError> {
        let mut words = Self {
            hold: false,
            interface: call.machine.network.default_interface(),
            length: Length::Queued,
            places: [None; 2],
        };
        let (mut at, mut place) = (0, 0);
        while at < call.count() {
            match call.argument(at)? {
                b"-o" => words.hold = true,
                option @ (b"-i" | b"-l" | b"-c") => {
                    at += 1;
                    words.valued(call, option, at)?;
                }
                [b'-', ..] => return Err(CommandError::UnknownOption),
                word => {
                    *words.places.get_mut(place).ok_or(CommandError::TooMany)? = Some(word);
                    place += 1;
                }
            }
            at += 1;
        }
        Ok(words)
    }

    fn valued(&mut self, call: &Call<'_>, option: &[u8], at: usize) -> Result<(), CommandError> {
        let value = call.argument(at)?;
        match option {
            b"-i" => self.interface = call.machine.network.interface(value).ok_or(CommandError::Invalid)?,
            // The original's programming interface takes a length of -1 for a body in chunks.
            b"-l" if value == b"-1" => self.length = Length::Chunked,
            b"-l" => self.length = Length::Exactly(call.number(at, u32::MAX)?),
            // The certificate of the server's CA: of no meaning without TLS.
            _ => {}
        }
        Ok(())
    }

    fn url(&self) -> Result<Url, CommandError> {
        let [Some(url), _] = self.places else { return Err(CommandError::TooFew) };
        parse_url(url)
    }
}

fn parse_url(word: &[u8]) -> Result<Url, CommandError> {
    let text = core::str::from_utf8(word).map_err(|_| CommandError::Invalid)?;
    Ok(Url::parse(text)?)
}

/// `[-o] [-i <interface>] [-c <cert>] <url>`
fn fetch(call: &mut Call<'_>, method: Method) -> Result<Step, CommandError> {
    let words = Words::read(call)?;
    if words.places[1].is_some() {
        return Err(CommandError::TooMany);
    }
    if words.length != Length::Queued {
        return Err(CommandError::UnknownOption);
    }
    open(call, method, &words)
}

/// `[-o] [-i <interface>] [-c <cert>] [-l <length>] <url> <content type>`; with a length the type may be missing.
fn send(call: &mut Call<'_>, method: Method) -> Result<Step, CommandError> {
    let words = Words::read(call)?;
    if words.places[1].is_none() && words.length == Length::Queued {
        return Err(CommandError::TooFew);
    }
    open(call, method, &words)
}

fn open(call: &Call<'_>, method: Method, words: &Words<'_>) -> Result<Step, CommandError> {
    let claim = call.claim(method, words.url()?, words.interface)?;
    let mut request = claim.request();
    request.length = words.length;
    if let [_, Some(content_type)] = words.places {
        request.add(b"Content-Type", content_type)?;
    }
    drop(request);
    Ok(Step::Wait(Wait::Http(Pending::Open { claim, hold: words.hold })))
}

impl Call<'_> {
    fn claim(&self, method: Method, url: Url, interface: Interface) -> Result<Claim, CommandError> {
        let client = self.machine.http;
        client.claim(method, url, interface).map_err(|failure| {
            client.log_failure(failure);
            CommandError::Failed
        })
    }
}

pub(super) fn get(call: &mut Call<'_>) -> Result<Step, CommandError> {
    fetch(call, Method::Get)
}

pub(super) fn head(call: &mut Call<'_>) -> Result<Step, CommandError> {
    fetch(call, Method::Head)
}

pub(super) fn post(call: &mut Call<'_>) -> Result<Step, CommandError> {
    send(call, Method::Post)
}

pub(super) fn put(call: &mut Call<'_>) -> Result<Step, CommandError> {
    send(call, Method::Put)
}

pub(super) fn add_header(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.at_most(3)?;
    let added = call.machine.http.add_header(call.handle(0)?, call.argument(1)?, call.argument(2)?);
    match added {
        Ok(()) => Ok(Step::Done(Ending::Success)),
        Err(HeaderError::NotQueued) => Err(CommandError::Failed),
        Err(HeaderError::Field(error)) => Err(error.into()),
    }
}

pub(super) fn read_status(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.at_most(1)?;
    Ok(Step::Wait(Wait::Http(Pending::Status(call.handle(0)?))))
}

/// What the words of `http_download` say: `[-e] [-u] [-c <crc>] [-i <interface>] <url> [<name> [<version> [<type>]]]`,
/// or the options `-n`, `-v`, `-t` of Gecko OS 4 in place of the last three.
struct Wanted<'a> {
    interface: Interface,
    url: Option<Url>,
    name: Option<&'a [u8]>,
    target: Target,
}

impl<'a> Wanted<'a> {
    fn read(call: &'a Call<'_>) -> Result<Self, CommandError> {
        let mut wanted = Self {
            interface: call.machine.network.default_interface(),
            url: None,
            name: None,
            target: Target {
                name: Name::new(),
                version: Version::default(),
                kind: kind::MISCELLANEOUS,
                flags: 0,
                crc: None,
                crc32: None,
            },
        };
        let mut words = (0..call.count()).map_while(|at| call.argument(at).ok());
        let mut place = 0;
        while let Some(word) = words.next() {
            match word {
                [b'-', letter @ (b'c' | b'i' | b'n' | b'v' | b't')] => {
                    let value = words.next().ok_or(CommandError::TooFew)?;
                    wanted.valued(call.machine, *letter, value)?;
                }
                [b'-', letters @ ..] => wanted.flags(letters)?,
                _ => {
                    wanted.positional(call.machine, place, word)?;
                    place += 1;
                }
            }
        }
        Ok(wanted)
    }

    fn flags(&mut self, letters: &[u8]) -> Result<(), CommandError> {
        if letters.is_empty() {
            return Err(CommandError::UnknownOption);
        }
        for letter in letters {
            self.target.flags |= match letter {
                b'e' => flag::ESSENTIAL,
                b'u' => flag::UNPROTECTED,
                _ => return Err(CommandError::UnknownOption),
            };
        }
        Ok(())
    }

    fn positional(&mut self, machine: &Machine, place: usize, word: &'a [u8]) -> Result<(), CommandError> {
        match place {
            0 => self.url = Some(parse_url(word)?),
            1 => self.valued(machine, b'n', word)?,
            2 => self.valued(machine, b'v', word)?,
            3 => self.valued(machine, b't', word)?,
            _ => return Err(CommandError::TooMany),
        }
        Ok(())
    }

    fn valued(&mut self, machine: &Machine, letter: u8, value: &'a [u8]) -> Result<(), CommandError> {
        match letter {
            b'i' => self.interface = machine.network.interface(value).ok_or(CommandError::Invalid)?,
            b'n' => self.name = Some(value),
            b'v' => self.target.version = Version::parse(value).ok_or(CommandError::Invalid)?,
            b't' => self.target.kind = hex(value, u8::MAX.into())? as u8,
            // As in `file_create`: a CRC-16, or with more than four digits the CRC-32 of Gecko OS 4.
            _ => match hex(value, u32::MAX)? {
                crc @ 0..=0xFFFF if digits(value) <= 4 => self.target.crc = Some(crc as u16),
                crc => self.target.crc32 = Some(crc),
            },
        }
        Ok(())
    }
}

pub(super) fn download(call: &mut Call<'_>) -> Result<Step, CommandError> {
    let wanted = Wanted::read(call)?;
    let Wanted { interface, url: Some(url), name, mut target } = wanted else { return Err(CommandError::TooFew) };
    let name = name.unwrap_or(url.file_name().as_bytes());
    target.name = check_name(name).map_err(|error| call.file_failed(error))?;
    let claim = call.claim(Method::Get, url, interface)?;
    claim.download(target);
    Ok(Step::Wait(Wait::Http(Pending::Transfer(claim))))
}

/// `[-i <interface>] <url> <file> [<remote name>]`
pub(super) fn upload(call: &mut Call<'_>) -> Result<Step, CommandError> {
    let (interface, at) = call.interface()?;
    call.at_most(at + 3)?;
    if let [b'-', ..] = call.argument(at)? {
        return Err(CommandError::UnknownOption);
    }
    let url = parse_url(call.argument(at)?)?;
    let local = call.argument(at + 1)?;
    let remote = call.argument(at + 2).unwrap_or(local);
    if call.machine.files.stat(local).is_none() {
        return Err(call.file_failed(FileError::NotFound));
    }
    let names = [check_name(local), check_name(remote)];
    let [Ok(local), Ok(remote)] = names else { return Err(CommandError::Invalid) };
    let claim = call.claim(Method::Post, url, interface)?;
    claim.upload(local, remote);
    Ok(Step::Wait(Wait::Http(Pending::Transfer(claim))))
}

pub(super) async fn finish(
    machine: &'static Machine,
    pending: Pending,
    reply: &mut Reply,
) -> Result<Ending, CommandError> {
    let client = machine.http;
    match pending {
        Pending::Open { claim, hold } => {
            needed(machine, claim.interface()).await?;
            let handle = client.open(claim, hold).await?;
            let _ = write!(reply, "{handle}");
            Ok(Ending::Text)
        }
        Pending::Status(handle) => {
            let status = client.status(handle).await?;
            let _ = write!(reply, "{status}");
            Ok(Ending::Text)
        }
        Pending::Read { handle, size } => read(machine, handle, size, reply).await,
        Pending::Transfer(claim) => {
            needed(machine, claim.interface()).await?;
            client.transfer(claim).await?;
            Ok(Ending::Success)
        }
    }
}

async fn read(machine: &Machine, handle: u8, size: usize, reply: &mut Reply) -> Result<Ending, CommandError> {
    machine.http.before_read(handle).await?;
    let size = size.min(reply.room());
    reply.text.resize_default(size).map_err(|_| CommandError::Bounds)?;
    let read = machine.streams.read(handle, &mut reply.text);
    reply.text.truncate(*read.as_ref().unwrap_or(&0));
    read?;
    Ok(Ending::Raw)
}
