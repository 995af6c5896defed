//! A slow flash: the asker that stores something waits, and nobody else.

use std::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::port::PortError;
use openzentri::port::sim::{Call, Peer, SimDevice, SimPort};

const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 1), 7);

/// How long each piece of work on flash takes, in milliseconds.
const STEP: u64 = 1000;

/// More than all pieces of one command take.
const ALL: u64 = 20 * STEP;

const SUCCESS: &str = "R000009\r\nSuccess\r\n";
const FAILED: &str = "R100016\r\nCommand failed\r\n";

/// A device in machine mode, on the network, with its HTTP server, a stream that echoes and a slow flash.
struct Slow {
    device: SimDevice,
    peer: Peer,
    /// Files that readers of deleted files have left behind; each is still removed in one call.
    tidied: usize,
}

impl Slow {
    fn new() -> Self {
        let settings = &[
            ("wlan.ssid", "MyNet"),
            ("wlan.passkey", "mypassword"),
            ("system.cmd.mode", "machine"),
            ("http.server.enabled", "1"),
            ("http.server.api_enabled", "1"),
        ];
        let mut device = SimDevice::boot(SimPort::new(), settings);
        assert!(ask(&mut device, "nup").contains("Success"));
        let listener = device.port().listen(SERVER);
        assert!(ask(&mut device, "tcpc 10.5.6.1 7").contains('0'));
        let peer = listener.accept().expect("the device has connected");
        device.port().flash().set_delay(Some(Duration::from_millis(STEP)));
        device.take_output();
        Self { device, peer, tidied: 0 }
    }

    fn flash(&self) -> &'static openzentri::port::sim::Flash {
        self.device.port().flash()
    }

    /// Types a line and its data. There must be no answer yet.
    fn begin(&mut self, line: &str, data: &[u8]) {
        self.device.type_line(line);
        self.device.port().type_bytes(data);
        self.device.settle();
        assert_eq!(self.device.take_output(), "", "{line} waits");
    }

    /// The answer that a REST client gets at once.
    fn rest(&mut self, line: &str) -> String {
        let peer = self.send(line);
        self.device.settle();
        peer.received_text()
    }

    /// A REST client that has asked.
    fn send(&mut self, line: &str) -> Peer {
        let peer = self.device.port().connect(80).unwrap();
        peer.send(format!("GET /command/{} HTTP/1.1\r\n\r\n", line.replace(' ', "%20")));
        peer
    }

    /// REST answers and the stream moves bytes both ways, and no time passes.
    fn goes_on(&mut self) {
        let now = self.device.millis();
        self.peer.send(b"abc");
        self.device.settle();
        assert!(self.rest("stream_poll 0").contains("\"response\":\"1"), "it has come");
        assert!(self.rest("stream_read 0 3").contains("abc"));
        let write = self.device.port().connect(80).unwrap();
        let body = "{\"command\":\"stream_write 0 2\",\"data\":\"xy\"}";
        write.send(format!("POST /command HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        self.device.settle();
        assert!(write.received_text().contains("Success"), "{}", write.received_text());
        assert_eq!(self.peer.received(), b"xy");
        assert_eq!(self.device.millis(), now);
    }

    /// Lets time pass until the host is answered. Meanwhile the others go on at every step.
    fn answer(&mut self) -> String {
        let start = self.device.millis();
        loop {
            self.device.advance(Duration::from_millis(STEP / 2));
            let output = self.device.take_output();
            if !output.is_empty() {
                assert_eq!(self.flash().held_up(), self.tidied, "nothing has held the device up");
                return output;
            }
            self.goes_on();
            assert!(self.device.millis() < start + ALL, "no answer");
        }
    }

    fn advance(&mut self, millis: u64) {
        self.device.advance(Duration::from_millis(millis));
    }

    /// The value of a variable after a power cut.
    fn after_cut(&mut self, variable: &str) -> String {
        self.device.power_cycle();
        self.flash().set_delay(None);
        self.device.settle();
        self.device.take_output();
        ask(&mut self.device, &format!("get {variable}"))
    }
}

/// The answer to a command, as text.
fn ask(device: &mut SimDevice, line: &str) -> String {
    String::from_utf8_lossy(&device.request(line).payload).into_owned()
}

#[test]
fn others_go_on_while_settings_are_saved() {
    let mut slow = Slow::new();
    ask(&mut slow.device, "set ntp.server first");
    slow.begin("save", b"");
    slow.goes_on();
    assert_eq!(slow.flash().slot(0), None, "nothing is stored yet");
    let start = slow.device.millis();
    assert!(slow.answer().ends_with(SUCCESS));
    assert!(slow.device.millis() >= start + STEP);
    assert!(slow.after_cut("ntp.server").contains("first"));
}

#[test]
fn others_go_on_while_a_file_is_stored() {
    let mut slow = Slow::new();
    slow.begin("fcr a.txt 5", b"hello");
    slow.goes_on();
    assert!(!slow.rest("ls").contains("a.txt"), "it is not there before it is stored");
    assert!(slow.rest("fcr -o a.txt 5").contains("\"code\":1"), "nobody else can make one of this name");
    assert!(slow.answer().ends_with(SUCCESS));
    assert!(slow.rest("ls").contains("a.txt"));
    // Another file replaces it.
    slow.begin("fcr -r a.txt 7", b"goodbye");
    slow.goes_on();
    assert!(slow.answer().ends_with(SUCCESS));
    slow.begin("save b.txt", b"");
    assert!(slow.answer().ends_with(SUCCESS));
    slow.begin("fcr c.txt 0", b"");
    assert!(slow.answer().ends_with(SUCCESS));
    assert_eq!(slow.flash().names().len(), 3);
    assert_eq!(slow.flash().held_up(), 0);
    slow.device.power_cycle();
    slow.device.settle();
    slow.device.take_output();
    let list = ask(&mut slow.device, "ls");
    assert!(["a.txt", "b.txt", "c.txt"].iter().all(|name| list.contains(name)), "{list}");
    assert!(list.contains(" 7 "), "the new content: {list}");
}

#[test]
fn a_file_written_through_a_stream_is_waited_for() {
    let mut slow = Slow::new();
    assert_eq!(ask(&mut slow.device, "fcr -o a.txt 5"), "1\r\n");
    slow.device.type_line("write 1 3");
    slow.device.port().type_bytes(b"hel");
    slow.device.settle();
    assert_eq!(slow.device.take_output(), SUCCESS, "there is more to come");
    slow.begin("write 1 2", b"lo");
    slow.goes_on();
    assert!(slow.answer().ends_with(SUCCESS));
    assert!(slow.rest("ls").contains("a.txt"));
    // A file without content exists once it is closed.
    assert_eq!(ask(&mut slow.device, "fcr -o b.txt 0"), "1\r\n");
    slow.begin("close 1", b"");
    slow.goes_on();
    assert!(slow.answer().ends_with(SUCCESS));
    assert!(slow.rest("ls").contains("b.txt"));
    assert!(slow.rest("list").contains("\"code\":0"));
    assert!(!slow.rest("list").contains("FILE"), "the streams have ended");
}

#[test]
fn failures_arrive_when_they_happen() {
    for error in [PortError::NoRoom, PortError::ReadOnly, PortError::Failed(5)] {
        let mut slow = Slow::new();
        for line in ["save", "factory_reset 4C:55:CC:10:09:42"] {
            slow.device.port().fail(Call::SlotWrite, error);
            slow.begin(line, b"");
            assert!(slow.answer().ends_with(FAILED), "{line}: {error:?}");
        }
        for call in [Call::Sync, Call::Rename] {
            for line in ["fcr a.txt 5", "fcr -r a.txt 5"] {
                slow.device.port().fail(call, error);
                slow.begin(line, b"hello");
                assert!(slow.answer().ends_with(FAILED), "{line}: {call:?} {error:?}");
                assert_eq!(slow.flash().names().len(), 0, "nothing is left of it");
            }
            slow.device.port().fail(call, error);
            slow.begin("save a.txt", b"");
            assert!(slow.answer().ends_with(FAILED), "save: {call:?} {error:?}");
        }
        slow.begin("fcr a.txt 5", b"hello");
        assert!(slow.answer().ends_with(SUCCESS), "it works again");
        slow.begin("save", b"");
        assert!(slow.answer().ends_with(SUCCESS));
        assert_eq!((slow.flash().open_files(), slow.device.port().faults_left()), (0, 0));
    }
}

#[test]
fn others_go_on_while_files_are_deleted() {
    let mut slow = Slow::new();
    for name in ["a.txt", "b.txt", "c.txt"] {
        slow.begin(&format!("fcr {name} 5"), b"hello");
        assert!(slow.answer().ends_with(SUCCESS));
    }
    slow.begin("fde a.txt", b"");
    assert!(!slow.rest("ls").contains("a.txt"));
    assert!(slow.rest("fop a.txt").contains("\"code\":1"), "nobody finds it any more");
    slow.goes_on();
    assert!(slow.answer().ends_with(SUCCESS));
    assert_eq!(slow.flash().names().len(), 2);
    slow.device.port().fail(Call::Remove, PortError::ReadOnly);
    slow.begin("fde b.txt", b"");
    assert!(slow.answer().ends_with(FAILED));
    assert!(slow.rest("ls").contains("b.txt"), "it is still there");
    // A client that goes away does not stop the deletion, and a new file can have the name.
    let gone = slow.send("fde b.txt");
    slow.device.settle();
    gone.reset();
    slow.device.settle();
    assert!(!slow.rest("ls").contains("b.txt"));
    slow.begin("fcr b.txt 3", b"new");
    assert!(slow.answer().ends_with(SUCCESS));
    assert_eq!(slow.flash().names().len(), 2);
    slow.begin("format_flash extended 4C:55:CC:10:09:42", b"");
    slow.goes_on();
    assert!(slow.answer().ends_with(SUCCESS));
    assert_eq!(slow.flash().names().len(), 0);
    assert_eq!((slow.flash().held_up(), slow.flash().open_files()), (0, 0));
}

/// A file that is deleted or replaced while it is read can be read to its end; nothing of it is left then.
#[test]
fn who_reads_a_file_can_read_on() {
    let mut slow = Slow::new();
    slow.begin("fcr a.txt 5", b"hello");
    assert!(slow.answer().ends_with(SUCCESS));
    assert_eq!(ask(&mut slow.device, "fop a.txt"), "1\r\n");
    slow.begin("fcr -r a.txt 3", b"new");
    assert!(slow.answer().ends_with(SUCCESS));
    assert_eq!(ask(&mut slow.device, "fop a.txt"), "2\r\n");
    slow.begin("fde a.txt", b"");
    assert!(slow.answer().ends_with(SUCCESS));
    assert!(slow.rest("stream_read 1 2").contains("he"));
    assert!(slow.rest("stream_read 2 2").contains("ne"));
    assert!(slow.rest("stream_read 1 9").contains("llo"));
    assert!(slow.rest("stream_read 2 9").contains('w'));
    assert_eq!((slow.flash().names().len(), slow.flash().open_files()), (0, 0));
    slow.tidied = 2;
    // A reader that goes while the flash works: the command that deletes its file removes it.
    slow.begin("fcr a.txt 5", b"hello");
    assert!(slow.answer().ends_with(SUCCESS));
    assert_eq!(ask(&mut slow.device, "fop a.txt"), "1\r\n");
    slow.begin("fde a.txt", b"");
    assert!(slow.rest("stream_close 1").contains("Success"));
    assert_eq!(slow.flash().names().len(), 1);
    assert!(slow.answer().ends_with(SUCCESS));
    assert_eq!((slow.flash().names().len(), slow.flash().open_files()), (0, 0));
}

/// Neither save overwrites the record of the other, whoever asks.
#[test]
fn saves_follow_one_another() {
    let mut slow = Slow::new();
    ask(&mut slow.device, "set ntp.server first");
    slow.begin("save", b"");
    let other = slow.send("save");
    slow.device.settle();
    slow.advance(STEP - 1);
    assert_eq!(slow.device.take_output(), "");
    slow.advance(1);
    assert_eq!(slow.device.take_output(), SUCCESS);
    let first = slow.flash().slot(0).expect("the first record");
    assert_eq!((slow.flash().slot(1), other.received().len()), (None, 0));
    ask(&mut slow.device, "set ntp.server second");
    slow.begin("save", b"");
    slow.advance(STEP);
    assert!(other.received_text().contains("Success"));
    assert!(slow.flash().slot(1).is_some());
    assert_eq!((slow.flash().slot(0), slow.device.take_output()), (Some(first), String::new()));
    slow.advance(STEP);
    assert_eq!(slow.device.take_output(), SUCCESS);
    assert!(slow.after_cut("ntp.server").contains("second"));
}

#[test]
fn a_reboot_waits_for_what_is_to_be_stored() {
    let mut slow = Slow::new();
    ask(&mut slow.device, "set ntp.server first");
    slow.begin("save", b"");
    slow.send("save b.txt");
    slow.device.settle();
    assert!(slow.rest("reboot").contains("Rebooting"));
    // The host gets no more answers, as with every command that a restart ends; the work that it has begun is still
    // done.
    slow.advance(STEP / 2);
    assert_eq!((slow.device.restarts(), slow.flash().slot(0)), (0, None));
    slow.advance(STEP / 2);
    assert!(slow.flash().slot(0).is_some());
    slow.advance(STEP);
    assert_eq!(slow.device.restarts(), 0, "the file is not stored yet");
    slow.advance(ALL);
    assert_eq!(slow.device.restarts(), 1);
    assert!(slow.after_cut("ntp.server").contains("first"));
    assert!(ask(&mut slow.device, "ls").contains("b.txt"));
    assert_eq!(slow.flash().held_up(), 0);
}

#[test]
fn a_factory_reset_restarts_when_nothing_is_left() {
    let mut slow = Slow::new();
    ask(&mut slow.device, "set ntp.server first");
    for _ in 0..2 {
        slow.begin("save", b"");
        assert!(slow.answer().ends_with(SUCCESS));
    }
    slow.begin("factory_reset 4C:55:CC:10:09:42", b"");
    slow.goes_on();
    slow.advance(STEP);
    assert_eq!((slow.device.restarts(), slow.device.take_output().as_str()), (0, ""), "one record is left");
    slow.advance(2 * STEP);
    assert_eq!(slow.device.restarts(), 1);
    assert!(slow.device.take_output().starts_with(SUCCESS));
    assert!(!slow.after_cut("ntp.server").contains("first"));
    for slot in 0..2 {
        let record = slow.flash().slot(slot).unwrap();
        assert!(!record.windows(5).any(|bytes| bytes == b"first"), "old records hold secrets");
    }
}

/// Nothing stops the flash. The next command waits for its present work.
#[test]
fn who_gives_up_leaves_no_mess() {
    let mut slow = Slow::new();
    ask(&mut slow.device, "set ntp.server first");
    let gone = slow.send("save");
    slow.device.settle();
    gone.reset();
    slow.device.settle();
    ask(&mut slow.device, "set ntp.server second");
    slow.begin("save", b"");
    assert!(slow.answer().ends_with(SUCCESS));
    assert!(slow.flash().slot(0).is_some() && slow.flash().slot(1).is_some(), "each has a slot of its own");
    // A file whose content is complete is stored although nobody waits for it.
    let gone = slow.send("save c.txt");
    slow.device.settle();
    gone.reset();
    slow.device.settle();
    slow.advance(ALL);
    assert!(slow.rest("ls").contains("c.txt"));
    // Its place among the files being written is free again.
    for _ in 0..20 {
        let gone = slow.send("save c.txt");
        slow.device.settle();
        gone.reset();
        slow.advance(ALL);
    }
    slow.begin("fcr a.txt 5", b"hello");
    assert!(slow.answer().ends_with(SUCCESS));
    assert_eq!(slow.flash().open_files(), 0);
    assert!(slow.after_cut("ntp.server").contains("second"));
    assert_eq!(slow.device.port().open_jobs(), 0);
}

#[test]
fn a_cut_before_the_flash_is_done_leaves_what_was_there() {
    let mut slow = Slow::new();
    ask(&mut slow.device, "set ntp.server first");
    slow.begin("save", b"");
    assert!(slow.answer().ends_with(SUCCESS));
    slow.begin("fcr a.txt 5", b"hello");
    assert!(slow.answer().ends_with(SUCCESS));
    for wait in (0..4 * STEP).step_by(STEP as usize / 2) {
        ask(&mut slow.device, "set ntp.server second");
        slow.begin("fcr -r a.txt 5", b"world");
        let save = slow.send("save");
        slow.advance(wait);
        let stored = slow.device.take_output().ends_with(SUCCESS);
        let saved = save.received_text().contains("Success");
        let server = slow.after_cut("ntp.server");
        assert!(server.contains(if saved { "second" } else { "first" }), "after {wait}: {server}");
        let list = ask(&mut slow.device, "ls");
        assert!(list.matches("a.txt").count() == 1, "after {wait}: {list}");
        let content = ask(&mut slow.device, "fop a.txt");
        assert_eq!(content, "0\r\n");
        let content = ask(&mut slow.device, "read 0 5");
        assert!(content.starts_with("world") || (content.starts_with("hello") && !stored), "after {wait}: {content}");
        if stored {
            return;
        }
        assert!(!saved, "the file came first");
        slow.flash().set_delay(Some(Duration::from_millis(STEP)));
        assert!(ask(&mut slow.device, "nup").contains("Success"));
    }
    panic!("it is never stored");
}
