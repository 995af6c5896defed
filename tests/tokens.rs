//! API tokens by command (docs/extensions.md). What they open over HTTP: `tests/http/`.

use embassy_time::Duration;
use openzentri::access::token;
use openzentri::limits;
use openzentri::port::sim::{SimDevice, SimPort};

/// A device in machine mode.
fn device() -> SimDevice {
    let settings = &[("http.server.enabled", "0"), ("system.cmd.mode", "machine")];
    let mut device = SimDevice::boot(SimPort::new(), settings);
    device.settle();
    device.take_output();
    device
}

/// Code and text of the answer to a command.
fn answer(device: &mut SimDevice, line: &str) -> (u8, String) {
    let frame = device.request(line);
    (frame.code, String::from_utf8(frame.payload).unwrap().trim_end().to_owned())
}

fn names(device: &mut SimDevice) -> Vec<String> {
    let list = device.success("token_list");
    let rows = list.lines().skip(1).map(|line| line.split_whitespace().skip(2).collect::<Vec<_>>().join(" "));
    rows.collect()
}

fn valid(device: &SimDevice, token: &str) -> Option<String> {
    let base = device.device().unwrap().base;
    token::scopes(base, token.as_bytes()).map(|scopes| scopes.to_string())
}

#[test]
fn a_token_is_valid_from_its_creation_to_its_deletion() {
    let mut device = device();
    assert_eq!(names(&mut device), [""; 0]);
    let token = device.success("token_create phone streams,read");
    assert_eq!(token.len(), 32, "192 bits in base64url");
    assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    let other = device.success("token_create tablet_2 admin");
    assert_ne!(token, other);
    assert_eq!(names(&mut device), ["phone read,streams", "tablet_2 admin"]);
    assert_eq!(valid(&device, &token).as_deref(), Some("read,streams"));
    assert_eq!(valid(&device, &other).as_deref(), Some("admin"));
    for wrong in ["", "phone", &token[1..], &format!("{token} "), &token.to_uppercase()] {
        assert_eq!(valid(&device, wrong), None, "{wrong}");
    }
    assert_eq!(device.success("token_delete phone"), "Success");
    assert_eq!(names(&mut device), ["tablet_2 admin"]);
    assert_eq!((valid(&device, &token), valid(&device, &other).is_some()), (None, true));
    assert_eq!(answer(&mut device, "token_delete phone"), (1, "Command failed".into()));
}

#[test]
fn who_makes_a_token_that_nobody_asks_for_is_told() {
    let mut device = device();
    let told = |device: &mut SimDevice, line: &str| {
        device.success(line);
        let log = &device.device().unwrap().base.log;
        (log.first()..log.next()).any(|number| log.get(number).is_some_and(|line| line.2.starts_with(b"API tokens: ")))
    };
    assert!(!told(&mut device, "set http.server.username me"));
    assert!(told(&mut device, "token_create phone read"));
    let mut device = self::device();
    device.success("set http.server.username me");
    device.success("set http.server.password secret");
    assert!(!told(&mut device, "token_create phone read"));
}

#[test]
fn nothing_shows_a_token_or_its_hash() {
    let mut device = device();
    let token = device.success("token_create phone read");
    let base = device.device().unwrap().base;
    let kept = base.variables.at(openzentri::variable::id("http.server.token"), 0);
    let kept = String::from_utf8(kept.to_vec()).unwrap();
    let hash = kept.strip_prefix("phone read ").unwrap().to_owned();
    assert_eq!(hash.len(), 43, "a SHA-256");
    device.success("save settings.txt");
    let mut all = String::new();
    for line in ["get all", "get http", "get http.server.token 0", "token_list", "help http.server.token"] {
        all += &device.success(line);
    }
    assert_eq!(device.success("fop settings.txt"), "0");
    all += &device.success("read 0 60000");
    all += &device.take_output();
    assert!(!all.contains(&token) && !all.contains(&hash) && !kept.contains(&token), "{all}");
    assert_eq!(answer(&mut device, "set http.server.token 0 \"a admin x\"").0, 1, "only its commands change it");
}

#[test]
fn tokens_are_saved_with_the_settings() {
    let mut device = device();
    let kept = device.success("token_create kept files");
    device.success("save");
    let lost = device.success("token_create lost read");
    device.power_cycle();
    device.settle();
    assert_eq!(names(&mut device), ["kept files"]);
    assert_eq!((valid(&device, &kept).as_deref(), valid(&device, &lost)), (Some("files"), None));
    device.success("token_delete kept");
    device.success("save");
    device.power_cycle();
    device.settle();
    assert_eq!(valid(&device, &kept), None, "revoked for good");
}

#[test]
fn a_factory_reset_revokes_all() {
    let mut device = device();
    let token = device.success("token_create phone admin");
    device.success("save");
    let mac = device.success("get wlan.mac");
    device.success(&format!("factory_reset {mac}"));
    device.advance(Duration::from_secs(1));
    assert_eq!(device.restarts(), 1);
    assert_eq!(names(&mut device), [""; 0]);
    assert_eq!(valid(&device, &token), None);
}

#[test]
fn what_is_no_token_is_refused() {
    let mut device = device();
    for (line, code) in [
        ("token_create", 4),
        ("token_create phone", 4),
        ("token_create phone read files", 5),
        ("token_create phone all", 7),
        ("token_create phone \"\"", 7),
        ("token_create phone read,", 7),
        ("token_create \"\" read", 7),
        ("token_create \"my phone\" read", 7),
        ("token_create \"a\\x0Ab\" read", 7),
        ("token_create 123456789012345678901234567890123 read", 7),
        ("token_delete", 4),
        ("token_delete phone", 1),
        ("token_list x", 5),
    ] {
        assert_eq!(answer(&mut device, line).0, code, "{line}");
    }
    device.success("token_create phone read");
    assert_eq!(answer(&mut device, "token_create phone files").0, 1, "the name is taken");
    assert_eq!(names(&mut device), ["phone read"]);
}

#[test]
fn a_full_table_is_an_error() {
    let mut device = device();
    let long = "read,streams,files,config,admin";
    for number in 0..limits::API_TOKENS {
        device.success(&format!("token_create {number:032} {long}"));
    }
    assert_eq!(answer(&mut device, "token_create more read").0, 9);
    device.success(&format!("token_delete {:032}", 3));
    device.success("token_create more read");
    assert_eq!(names(&mut device).len(), limits::API_TOKENS);
    assert_eq!(names(&mut device)[3], "more read", "the free place is taken");
    device.success("save");
}
