//! What a command's handler works with, and what it can leave to be done.

use super::line::Line;
use super::response::{CommandError, Ending, Reply};
use super::sockets::Open;
use super::{http, wlan};
use crate::base::Base;
use crate::file::{Files, Writer};
use crate::http_client::Client;
use crate::network::Network;
use crate::port::Interface;
use crate::stream::Streams;
use crate::variable::{Id, id};

const PROMPT: Id = id("system.cmd.prompt_enabled");

/// The rooms that commands act on.
pub struct Machine {
    /// Port, log, clock, variables.
    pub base: &'static Base,
    /// The files.
    pub files: &'static Files,
    /// The streams.
    pub streams: &'static Streams,
    /// The network.
    pub network: &'static Network,
    /// The HTTP client.
    pub http: &'static Client,
}

impl Machine {
    /// Puts the rooms together.
    pub fn new(
        base: &'static Base,
        files: &'static Files,
        streams: &'static Streams,
        network: &'static Network,
        http: &'static Client,
    ) -> Self {
        Self { base, files, streams, network, http }
    }
}

/// What a handler leaves to be done after it has read its arguments.
pub(super) enum Step {
    /// Nothing: the reply is complete.
    Done(Ending),
    /// The command takes `size` bytes of data.
    Data { size: usize, sink: Sink },
    /// The command waits for something.
    Wait(Wait),
}

/// Where the data of a command goes.
pub(super) enum Sink {
    /// Into a stream, piece by piece or as one message.
    Stream(u8),
    /// Into a file that is being created.
    File(Writer),
    /// Nowhere: the command has failed, but a host has its data on the way already, and they must not be read as
    /// commands.
    Refused(CommandError),
    /// In one datagram to a peer of the UDP server.
    Datagram { handle: u8, to: core::net::SocketAddrV4 },
}

/// What a command waits for.
pub(super) enum Wait {
    /// Closing a stream, or all.
    Close(Option<u8>),
    /// Opening a client.
    Open(Open),
    /// Something about an HTTP request.
    Http(http::Pending),
    /// Resolving a name.
    Lookup(crate::stream::HostName),
    /// An echo, of the gateway without a host.
    Ping(Option<crate::stream::HostName>, Interface),
    /// The results of a scan.
    Scan(wlan::Scan),
    /// Bringing an interface up.
    Up(Interface),
    /// Taking an interface down and up.
    Restart(Interface),
}

/// What a handler works with.
pub(super) struct Call<'a> {
    pub machine: &'static Machine,
    pub line: &'a Line,
    pub reply: &'a mut Reply,
    /// The answer may be long, so `system.cmd.buffered` applies to it.
    pub long: bool,
}

impl Call<'_> {
    /// The `index`-th argument; the command's name is not counted.
    pub fn argument(&self, index: usize) -> Result<&[u8], CommandError> {
        self.line.get(index + 1).ok_or(CommandError::TooFew)
    }

    /// The `index`-th argument as text.
    pub fn text(&self, index: usize) -> Result<&str, CommandError> {
        core::str::from_utf8(self.argument(index)?).map_err(|_| CommandError::Invalid)
    }

    /// How many arguments there are.
    pub fn count(&self) -> usize {
        self.line.len().saturating_sub(1)
    }

    /// What a command with data answers when it cannot take them. A host sends the data right behind the line; a person
    /// at the prompt has not typed them yet.
    pub fn refuse(&self, size: usize, error: CommandError) -> Result<Step, CommandError> {
        if self.machine.base.variables.flag(PROMPT) {
            return Err(error);
        }
        Ok(Step::Data { size, sink: Sink::Refused(error) })
    }

    /// No more than `count` arguments are allowed.
    pub fn at_most(&self, count: usize) -> Result<(), CommandError> {
        if self.count() > count { Err(CommandError::TooMany) } else { Ok(()) }
    }
}
