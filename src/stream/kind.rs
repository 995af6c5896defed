//! The kinds of streams: everything that is special about a kind is in its row here.

/// The properties of a kind of stream.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// The column "Type" of `stream_list` (interface, network 4.1).
    name: &'static str,
    /// The name in metrics, where each kind has its own.
    label: &'static str,
    /// One write is one message, which must not be cut or joined.
    messages: bool,
    /// Such a message must be UTF-8.
    text: bool,
    /// The stream belongs to a network interface and goes down with it.
    interface: bool,
    /// The stream stays for its owner when its peer is gone, as `stream.auto_close` says; else it is closed at once.
    outlives_peer: bool,
}

impl Row {
    /// A byte stream on an interface that stays for its owner when its peer is gone.
    const fn network(name: &'static str) -> Self {
        Self { name, label: name, messages: false, text: false, interface: true, outlives_peer: true }
    }

    /// A byte stream within the device.
    const fn local(name: &'static str) -> Self {
        Self { interface: false, ..Self::network(name) }
    }

    /// A message stream on an interface.
    const fn messages(name: &'static str) -> Self {
        Self { messages: true, ..Self::network(name) }
    }
}

macro_rules! kinds {
    ($($(#[$about:meta])* $kind:ident => $row:expr;)*) => {
        /// What kind of stream it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$about])* $kind,)*
        }

        impl Kind {
            /// Every kind, in the order of the declaration.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            const fn row(self) -> Row {
                match self {
                    $(Self::$kind => $row,)*
                }
            }
        }
    };
}

kinds! {
    /// TCP client.
    Tcpc => Row::network("TCPC");
    /// A client of the TCP server.
    Tcps => Row::network("TCPS");
    /// TLS client.
    Tlsc => Row::network("TLSC");
    /// A client of the TLS server.
    Tlss => Row::network("TLSS");
    /// UDP client.
    Udpc => Row::messages("UDPC");
    /// The UDP server, for all its peers.
    Udps => Row::messages("UDPS");
    /// A file being read or created.
    File => Row::local("FILE");
    /// The text of a buffered command.
    Cmd => Row::local("CMD");
    /// A device on SPI: each write is a transfer.
    Spi => Row { messages: true, ..Row::local("SPI") };
    /// A device on I2C: each write is a transfer, and each read.
    I2c => Row { messages: true, ..Row::local("I2C") };
    /// A client of the WebSocket server.
    Webs => Row::messages("WEBS");
    /// WebSocket client that writes binary messages.
    Webc => Row::messages("WEBC");
    /// WebSocket client that writes text.
    WebcText => Row { label: "WEBC_TEXT", text: true, ..Row::messages("WEBC") };
    /// HTTP client.
    Http => Row::network("HTTP");
    /// HTTP client with TLS.
    Https => Row::network("HTTPS");
    /// A request body that a client of the HTTP server sends to the host; the host writes the answer. Once the client
    /// is gone, nobody can be answered, and a body that broke off is useless.
    Upload => Row { label: "UPLOAD", outlives_peer: false, ..Row::network("HTTP") };
}

impl Kind {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The name in listings.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The name in metrics.
    pub const fn label(self) -> &'static str {
        self.row().label
    }

    /// One write is one message, which must not be cut or joined.
    pub const fn keeps_messages(self) -> bool {
        self.row().messages
    }

    /// Written data must be UTF-8.
    pub(super) const fn is_text(self) -> bool {
        self.row().text
    }

    /// The stream belongs to a network interface, and closes when that goes down.
    pub const fn needs_interface(self) -> bool {
        self.row().interface
    }

    /// The stream stays for its owner when its peer is gone.
    pub const fn outlives_peer(self) -> bool {
        self.row().outlives_peer
    }

    /// A request of the HTTP client, with or without TLS, or the WebSocket that it has become.
    pub const fn is_request(self) -> bool {
        matches!(self, Self::Http | Self::Https | Self::Webc | Self::WebcText)
    }

    /// Stream mode can connect the stream to the command UART: it carries bytes between the device and a peer.
    pub const fn goes_through(self) -> bool {
        self.needs_interface() && !matches!(self, Self::Http | Self::Https | Self::Upload)
    }

    /// A client of one of our servers for connections.
    pub(super) const fn is_client_of_server(self) -> bool {
        matches!(self, Self::Tcps | Self::Tlss)
    }

    /// It is a UDP socket.
    pub(super) const fn is_datagrams(self) -> bool {
        matches!(self, Self::Udpc | Self::Udps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_tell_kinds_apart() {
        for (at, kind) in Kind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, at);
            let same = Kind::ALL.iter().filter(|other| other.label() == kind.label()).count();
            assert_eq!(same, 1, "{}", kind.label());
            assert!(kind.name().len() <= 5, "the column of the listing has room for it");
        }
    }

    #[test]
    fn the_names_are_those_of_the_command_language() {
        let mut names: std::vec::Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        names.sort_unstable();
        names.dedup();
        let all = "CMD FILE HTTP HTTPS I2C SPI TCPC TCPS TLSC TLSS UDPC UDPS WEBC WEBS";
        assert_eq!(names.join(" "), all, "tests/blackbox/test_kinds.py has one of each");
    }

    #[test]
    fn what_is_within_the_device_lies_on_no_interface() {
        let local: std::vec::Vec<_> = Kind::ALL.iter().filter(|kind| !kind.needs_interface()).collect();
        assert_eq!(local, [&Kind::File, &Kind::Cmd, &Kind::Spi, &Kind::I2c]);
    }
}
