//! A small body that is posted in the background (`broadcast.http.host`).
//!
//! A post takes no resources from the host's requests: it uses no handle and none of their tasks. It logs nothing and
//! ignores the server's answer.

use core::fmt::{self, Write};

use embassy_time::{Duration, with_timeout};
use heapless::Vec;

use super::client::Client;
use super::failure::Failure;
use super::request::USER_AGENT;
use crate::features::{self, Built, Gate};
use crate::network::{ConnectError, OwnServers, Remote};
use crate::port::{self, Event, Interface, OpenSocket, Port};
use crate::wire::url::Url;

/// Bytes of the head of a post.
const HEAD: usize = 448;
/// How long a post may take at most, unless the caller has a shorter limit.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to go on receiving once the server has begun to answer: closing at once could interrupt its answer.
const LINGER: Duration = Duration::from_secs(1);

/// The destination of a post, and its head.
pub struct Post {
    remote: Remote,
    secure: bool,
    head: Vec<u8, HEAD>,
}

impl Post {
    /// A post of `length` bytes of JSON to a URL. `Malformed` when the URL is invalid, `TooLarge` when the head is too
    /// long.
    pub fn new(interface: Interface, url: &str, length: usize) -> Result<Self, Failure> {
        let url = Url::parse(url).map_err(|_| Failure::Malformed)?;
        let mut head = Vec::new();
        write_head(&url, length, &mut head).map_err(|_| Failure::TooLarge)?;
        let remote = Remote { interface, host: url.host, port: url.port, local_port: 0 };
        Ok(Self { remote, secure: url.secure, head })
    }
}

fn write_head(url: &Url, length: usize, head: &mut dyn Write) -> fmt::Result {
    let Url { host, port, target, .. } = url;
    write!(head, "POST {target} HTTP/1.1\r\nHost: {host}")?;
    if !url.has_default_port() {
        write!(head, ":{port}")?;
    }
    write!(head, "\r\nConnection: close\r\nUser-Agent: {USER_AGENT}\r\nContent-Type: application/json\r\n")?;
    write!(head, "Content-Length: {length}\r\n\r\n")
}

impl Client {
    /// Posts `body`, and ends when the server has begun to answer or has closed. Dropping the future gives the post up.
    /// Servers of the device itself are refused, as for all requests.
    pub async fn post_quietly(&'static self, post: &Post, body: &[u8]) -> Result<(), Failure> {
        let work = (self, post, body);
        let posted = Built::<{ features::HTTP_CLIENT }>::run(work, carry_out, |_| Err(Failure::Full));
        with_timeout(PATIENCE, posted).await.unwrap_or(Err(Failure::TimedOut))
    }
}

async fn carry_out((client, post, body): (&'static Client, &Post, &[u8])) -> Result<(), Failure> {
    let rooms = &client.rooms;
    let socket = match rooms.network.connect(&post.remote, OwnServers::Refused).await {
        Ok(socket) => OpenSocket::new(rooms.base.port, socket),
        Err(ConnectError::NotFound) => return Err(Failure::NotFound),
        Err(ConnectError::OwnServer) => return Err(Failure::OwnServer),
        Err(_) => return Err(Failure::Connect),
    };
    if post.secure {
        let started = rooms.tls.client_quietly(socket.socket(), &post.remote.host).await;
        started.map_err(|_| Failure::Tls)?;
    }
    for part in [&post.head, body] {
        send(rooms.base.port, &socket, part).await?;
    }
    if receive(rooms.base.port, &socket).await {
        let _ = with_timeout(LINGER, async { while receive(rooms.base.port, &socket).await {} }).await;
    }
    Ok(())
}

async fn send(port: &dyn Port, socket: &OpenSocket<'_>, mut data: &[u8]) -> Result<(), Failure> {
    let socket = socket.socket();
    while !data.is_empty() {
        let sent = port::io(port, Event::Writable(socket), || port.sockets().send(socket, data)).await;
        data = data.get(sent.map_err(|_| Failure::Closed)?..).unwrap_or_default();
    }
    Ok(())
}

/// Receives and discards some bytes; `false` at the end.
async fn receive(port: &dyn Port, socket: &OpenSocket<'_>) -> bool {
    let socket = socket.socket();
    let mut buffer = [0; 64];
    let received = port::io(port, Event::Readable(socket), || port.sockets().receive(socket, &mut buffer)).await;
    received.is_ok_and(|count| count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(url: &str) -> Result<std::string::String, Failure> {
        let post = Post::new(Interface::Wlan, url, 17)?;
        Ok(std::string::String::from_utf8(post.head.to_vec()).unwrap())
    }

    #[test]
    fn heads() {
        let expected = std::format!(
            "POST / HTTP/1.1\r\nHost: myserver.com:3002\r\nConnection: close\r\nUser-Agent: {USER_AGENT}\r\n\
             Content-Type: application/json\r\nContent-Length: 17\r\n\r\n"
        );
        assert_eq!(head("myserver.com:3002"), Ok(expected));
        assert!(head("https://a/b?c").unwrap().starts_with("POST /b?c HTTP/1.1\r\nHost: a\r\n"));
        assert_eq!(head("ftp://a"), Err(Failure::Malformed));
        assert!(head(&std::format!("a/{}", "x".repeat(126))).is_ok());
        assert_eq!(head(&std::format!("a/{}", "x".repeat(400))), Err(Failure::TooLarge));
    }
}
