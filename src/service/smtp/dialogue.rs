//! The dialogue with a mail server, step by step.

use core::cell::{RefCell, RefMut};
use core::fmt::{self, Write};
use core::net::Ipv4Addr;

use embassy_time::Duration;

use super::failure::{Failure, NotSent};
use super::link::{Desk, Link};
use super::mail::Mail;
use super::session::Session;
use crate::base::Base;
use crate::features;
use crate::log::Level;
use crate::network::{ConnectError, Network, OwnServers};
use crate::port::{Interface, OpenSocket};
use crate::stream::HostName;
use crate::tls::{ClientFiles, Tls};
use crate::variable::{Id, id};
use crate::wire::smtp::address::Mailbox;
use crate::wire::smtp::auth::{write_base64, write_cram_md5, write_plain};
use crate::wire::smtp::header::{write_date, write_mailbox, write_message_id, write_text};
use crate::wire::smtp::reply::Offers;

const SENDER: Id = id("email.name_address");
const HOST: Id = id("email.smtp.host");
const PORT: Id = id("email.smtp.port");
const USER: Id = id("email.smtp.username");
const PASSWORD: Id = id("email.smtp.password");
const WITHOUT_TLS: Id = id("email.smtp.auth_without_tls");

/// The port on which TLS begins at once (RFC 8314, 7.3).
const IMPLICIT_TLS: u16 = 465;
/// How long a server may take for a reply.
const REPLY_TIME: Duration = Duration::from_secs(60);

/// Sends messages.
pub struct Smtp {
    base: &'static Base,
    network: &'static Network,
    tls: &'static Tls,
    desk: &'static RefCell<Desk>,
}

impl Smtp {
    /// Nothing is sent yet.
    pub fn new(
        base: &'static Base,
        network: &'static Network,
        tls: &'static Tls,
        desk: &'static RefCell<Desk>,
    ) -> Self {
        Self { base, network, tls, desk }
    }

    /// Begins a message: the connection, TLS where the server offers it, the log-in, sender and recipients, and the
    /// header. The interface must be up.
    pub async fn begin(&self, interface: Interface, mail: &Mail<'_>) -> Result<Session, NotSent> {
        begin(self, interface, mail).await.map_err(|failure| failure.log(self.base))
    }
}

async fn begin(smtp: &Smtp, interface: Interface, mail: &Mail<'_>) -> Result<Session, Failure> {
    let mut dialogue =
        Dialogue { smtp, link: connect(smtp, interface).await?, is_secure: false, offers: Offers::default() };
    dialogue.greet().await?;
    dialogue.log_in().await?;
    dialogue.envelope(mail).await?;
    dialogue.header(mail).await?;
    Ok(Session::new(smtp.base, dialogue.link))
}

/// The connection to the server of the variables.
async fn connect(smtp: &Smtp, interface: Interface) -> Result<Link, Failure> {
    let (base, desk) = (smtp.base, smtp.desk);
    let mut desk = Reserved(desk.try_borrow_mut().map_err(|_| Failure::Busy)?);
    let remote = &mut desk.0.remote;
    let host = base.variables.with(HOST, |host| HostName::try_from(core::str::from_utf8(host).unwrap_or_default()));
    remote.host = host.ok().filter(|host| !host.is_empty()).ok_or(Failure::Variable("email.smtp.host"))?;
    remote.port = base.variables.number(PORT) as u16;
    remote.interface = interface;
    sender(base, |_| ())?;
    base.log.line(Level::Progress, format_args!("Connecting (SMTP): {}:{}", remote.host, remote.port));
    match smtp.network.connect(&desk.0.remote, OwnServers::Allowed).await {
        Ok(socket) => Ok(Link::new(base, OpenSocket::new(base.port, socket), desk.0)),
        Err(ConnectError::NotFound) => Err(Failure::NotFound),
        Err(_) => Err(Failure::Connect),
    }
}

/// The desk, while there is no connection yet. Another sender that needs it meanwhile fails at once.
struct Reserved(RefMut<'static, Desk>);

/// Calls `action` with the mailbox of `email.name_address`.
fn sender<R>(base: &Base, action: impl FnOnce(Mailbox<'_>) -> R) -> Result<R, Failure> {
    base.variables.with(SENDER, |value| {
        let mailbox = core::str::from_utf8(value).ok().and_then(Mailbox::parse);
        mailbox.map(action).ok_or(Failure::Variable("email.name_address"))
    })
}

/// A way to log in.
#[derive(Clone, Copy)]
enum Mechanism {
    Plain,
    Login,
    CramMd5,
}

/// A conversation up to the content of a message.
struct Dialogue<'a> {
    smtp: &'a Smtp,
    link: Link,
    is_secure: bool,
    offers: Offers,
}

impl Dialogue<'_> {
    /// Sends a line that `write` writes, and requires a reply with one of the codes in `wanted`.
    async fn say(
        &mut self,
        step: &'static str,
        wanted: &[u16],
        write: impl FnOnce(&mut dyn Write) -> fmt::Result,
    ) -> Result<(), Failure> {
        let mut output = self.link.desk.output();
        // Every line fits, except possibly one that contains text of the server.
        write(&mut output).and_then(|()| output.write_str("\r\n")).map_err(|_| Failure::Malformed(step))?;
        self.link.flush(step).await?;
        self.hear(step, wanted).await
    }

    async fn hear(&mut self, step: &'static str, wanted: &[u16]) -> Result<(), Failure> {
        match self.link.reply(step, REPLY_TIME, |_| {}).await? {
            code if wanted.contains(&code) => Ok(()),
            code => Err(self.link.refuse(step, code)),
        }
    }

    /// The greeting and TLS.
    async fn greet(&mut self) -> Result<(), Failure> {
        if self.link.desk.remote.port == IMPLICIT_TLS {
            self.secure().await?;
        }
        self.hear("greeting", &[220]).await?;
        self.hello().await?;
        if features::TLS && self.offers.starttls && !self.is_secure {
            self.say("STARTTLS", &[220], |out| out.write_str("STARTTLS")).await?;
            // Bytes after that reply came unencrypted, perhaps from an attacker, and would count as part of the
            // session.
            if self.link.is_ahead() {
                return Err(Failure::Malformed("STARTTLS"));
            }
            self.secure().await?;
            self.hello().await?;
        }
        Ok(())
    }

    async fn secure(&mut self) -> Result<(), Failure> {
        let (socket, host) = (self.link.socket(), &self.link.desk.remote.host);
        self.smtp.tls.client(socket, host, &ClientFiles::default()).await.map_err(|_| Failure::Tls)?;
        self.is_secure = true;
        Ok(())
    }

    /// `EHLO`, or `HELO` with servers that do not understand it.
    async fn hello(&mut self) -> Result<(), Failure> {
        let own = self.smtp.base.status.ipv4(self.link.desk.remote.interface).get();
        let own = own.map_or(Ipv4Addr::UNSPECIFIED, |config| config.address);
        let offers = RefCell::new(Offers::default());
        let _ = write!(self.link.desk.output(), "EHLO [{own}]\r\n");
        self.link.flush("EHLO").await?;
        let code = self.link.reply("EHLO", REPLY_TIME, |text| offers.borrow_mut().note(text)).await?;
        self.offers = offers.into_inner();
        match code {
            250 => Ok(()),
            500..=504 => {
                self.offers = Offers::default();
                self.say("HELO", &[250], |out| write!(out, "HELO [{own}]")).await
            }
            code => Err(self.link.refuse("EHLO", code)),
        }
    }

    /// Logs in when there is an account.
    async fn log_in(&mut self) -> Result<(), Failure> {
        let base = self.smtp.base;
        if base.variables.is_empty(USER) {
            return Ok(());
        }
        if !self.is_secure && !base.variables.flag(WITHOUT_TLS) {
            return Err(Failure::Unprotected);
        }
        let user = |write: &mut dyn FnMut(&[u8]) -> fmt::Result| base.variables.with(USER, write);
        let password = |write: &mut dyn FnMut(&[u8]) -> fmt::Result| base.variables.with(PASSWORD, write);
        match self.mechanism().ok_or(Failure::NoMechanism)? {
            Mechanism::Plain => {
                let proof = |out: &mut dyn Write| {
                    out.write_str("AUTH PLAIN ")?;
                    user(&mut |user| password(&mut |password| write_plain(out, user, password)))
                };
                self.say("AUTH", &[235], proof).await
            }
            Mechanism::Login => {
                self.say("AUTH", &[334], |out| out.write_str("AUTH LOGIN")).await?;
                self.say("AUTH", &[334], |out| user(&mut |user| write_base64(out, user))).await?;
                self.say("AUTH", &[235], |out| password(&mut |password| write_base64(out, password))).await
            }
            Mechanism::CramMd5 => {
                self.say("AUTH", &[334], |out| out.write_str("AUTH CRAM-MD5")).await?;
                let (challenge, mut out) = self.link.desk.text_and_output();
                let proof =
                    user(&mut |user| password(&mut |password| write_cram_md5(&mut out, user, password, challenge)));
                proof.map_err(|_| Failure::Malformed("AUTH"))?;
                self.say("AUTH", &[235], |_| Ok(())).await
            }
        }
    }

    /// The best mechanism that the server offers: within TLS the one that every server has, without TLS the one that
    /// does not disclose the password.
    fn mechanism(&self) -> Option<Mechanism> {
        let Offers { plain, login, cram_md5, .. } = self.offers;
        match (self.is_secure, cram_md5) {
            (false, true) => Some(Mechanism::CramMd5),
            _ if plain => Some(Mechanism::Plain),
            _ if login => Some(Mechanism::Login),
            (_, true) => Some(Mechanism::CramMd5),
            (_, false) => None,
        }
    }

    /// Sender and recipients. If the server refuses one recipient, the message is sent to none.
    async fn envelope(&mut self, mail: &Mail<'_>) -> Result<(), Failure> {
        if self.offers.size.is_some_and(|most| mail.size > most as usize) {
            return Err(Failure::TooLarge);
        }
        let base = self.smtp.base;
        let from = |out: &mut dyn Write| {
            sender(base, |mailbox| write!(out, "MAIL FROM:<{}>", mailbox.address)).unwrap_or(Err(fmt::Error))
        };
        self.say("MAIL FROM", &[250], from).await?;
        for Mailbox { address, .. } in mail.recipients() {
            self.say("RCPT TO", &[250, 251, 252], |out| write!(out, "RCPT TO:<{address}>")).await?;
        }
        self.say("DATA", &[354], |out| out.write_str("DATA")).await
    }

    /// The header of the message.
    async fn header(&mut self, mail: &Mail<'_>) -> Result<(), Failure> {
        let base = self.smtp.base;
        let mut random = [0; 12];
        base.port.board().random(&mut random);
        self.field("From: ", |out| sender(base, |mailbox| write_mailbox(out, mailbox)).unwrap_or(Err(fmt::Error)))
            .await?;
        for (place, mailbox) in mail.recipients().enumerate() {
            self.part(if place == 0 { "To: " } else { ",\r\n " }, "", |out| write_mailbox(out, mailbox)).await?;
        }
        self.part("\r\nSubject: ", "\r\n", |out| write_text(out, mail.subject)).await?;
        if let Some(now) = base.clock.now() {
            self.field("Date: ", |out| write_date(out, now)).await?;
        }
        let id = |out: &mut dyn Write| sender(base, |mailbox| write_message_id(out, &random, mailbox.address));
        self.field("Message-ID: ", |out| id(out).unwrap_or(Err(fmt::Error))).await?;
        self.field("MIME-Version: ", |out| out.write_str("1.0")).await?;
        self.field("Content-Type: ", |out| out.write_str("text/plain; charset=utf-8")).await?;
        self.part("Content-Transfer-Encoding: quoted-printable", "\r\n\r\n", |_| Ok(())).await
    }

    /// A field in one line.
    async fn field(&mut self, name: &str, write: impl Fn(&mut dyn Write) -> fmt::Result) -> Result<(), Failure> {
        self.part(name, "\r\n", write).await
    }

    /// A part of the header, which is written as a whole.
    async fn part(
        &mut self,
        before: &str,
        after: &str,
        write: impl Fn(&mut dyn Write) -> fmt::Result,
    ) -> Result<(), Failure> {
        let all = |out: &mut dyn Write| {
            out.write_str(before)?;
            write(out)?;
            out.write_str(after)
        };
        if self.link.desk.output().attempt(all).is_ok() {
            return Ok(());
        }
        self.link.flush("header").await?;
        self.link.desk.output().attempt(all).map_err(|_| Failure::TooLarge)
    }
}
