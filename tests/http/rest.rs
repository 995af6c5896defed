//! The REST API (interface, http 1, 3.1).

use embassy_time::Duration;
use openzentri::port::PortError;
use openzentri::port::sim::{Call, End, SimDevice};

use super::{Answer, LONG, all, ask, device, device_with, get, post};

fn response(device: &mut SimDevice, target: &str) -> String {
    let answer = get(device, target);
    assert_eq!(answer.status, 200, "{target}");
    answer.text().to_string()
}

#[test]
fn a_command_by_get_gives_the_text_of_the_console() {
    let mut device = device();
    let answer = get(&mut device, "/command/set%20system.print_level%204");
    assert_eq!(answer.field("Content-Type"), Some("application/json"));
    assert_eq!(answer.text(), r#"{"id":1,"code":0,"flags":0,"response":"Set OK\r\n"}"#);
    let text = response(&mut device, "/command/get%20system.print_level");
    assert_eq!(text, r#"{"id":2,"code":0,"flags":0,"response":"4\r\n"}"#);
    let text = response(&mut device, "/command/no%20such?command//");
    assert_eq!(text, r#"{"id":3,"code":3,"flags":0,"response":"Unknown command\r\n"}"#);
    let text = response(&mut device, "/command/fop%20a");
    assert_eq!(text, r#"{"id":4,"code":1,"flags":0,"response":"Command failed\r\n"}"#);
}

#[test]
fn headers_prompt_and_echo_of_the_console_do_not_appear() {
    let mut device = device_with(&[("system.cmd.header_enabled", "1"), ("system.cmd.prompt_enabled", "0")]);
    assert_eq!(response(&mut device, "/command/poll%20all"), r#"{"id":1,"code":0,"flags":0,"response":"None\r\n"}"#);
}

#[test]
fn the_path_is_the_whole_line() {
    let mut device = device();
    response(&mut device, "/command/set%20wlan.ssid%20%22a//../b?c+d%25%20%C3%A4%22");
    let text = response(&mut device, "/command/get%20wlan.ssid");
    assert!(text.ends_with(r#""response":"a//../b?c+d% ä\r\n"}"#), "{text}");
}

#[test]
fn any_byte_in_a_value_leaves_valid_json() {
    let mut device = device();
    response(&mut device, "/command/set%20wlan.ssid%20%22a%5C%22b%5C%5C%01%FFc%22");
    let text = response(&mut device, "/command/get%20wlan.ssid");
    let value = text.split("\"response\":").nth(1).unwrap();
    assert!(value.contains("\\u0001") && value.contains('\u{FFFD}') && value.contains("\\\""), "{text}");
}

#[test]
fn what_is_no_command_is_a_bad_request() {
    let mut device = device();
    for target in ["/command/", "/command/%20%20", "/command/%", "/command/%zz", "/command/a%0"] {
        assert_eq!(get(&mut device, target).status, 400, "{target}");
    }
    for body in ["", "ver", "{}", "[]", r#"{"command":""}"#, r#"{"command":"ver""#, r#"{"command":"dmVy!","flags":1}"#]
    {
        assert_eq!(post(&mut device, "/command", body).status, 400, "{body}");
    }
    assert_eq!(post(&mut device, "/command", r#"{"command":"write 0 1","flags":4,"data":"YQ="}"#).status, 400);
    assert_eq!(response(&mut device, "/command/ver").split(',').next(), Some(r#"{"id":1"#), "no command was run");
}

#[test]
fn a_post_may_encode_each_part() {
    let mut device = device();
    let ask = |device: &mut SimDevice, body: &str| post(device, "/command", body).text().to_string();
    let all = ask(&mut device, r#"{"flags": 7, "command": "cG9sbCBhbGw=", "data": ""}"#);
    assert_eq!(all, r#"{"id":1,"code":0,"flags":7,"response":"Tm9uZQ0K"}"#);
    let none = ask(&mut device, r#"{"x":[{"y":1}],"command":"poll all"}"#);
    assert_eq!(none, r#"{"id":2,"code":0,"flags":0,"response":"None\r\n"}"#);
    assert_eq!(
        ask(&mut device, r#"{"command":"cG9sbCBhbGw=","flags":1}"#),
        none.replace("2,", "3,").replace("flags\":0", "flags\":1")
    );
}

#[test]
fn a_file_is_uploaded_and_read_back() {
    let mut device = device();
    let ask = |device: &mut SimDevice, body: &str| post(device, "/command", body).text().to_string();
    let created = ask(&mut device, r#"{"flags":0,"command":"fcr -o  hello.txt 12 1.0.0 0xFE 222f"}"#);
    assert!(created.contains(r#""response":"0\r\n""#), "{created}");
    let first = ask(&mut device, r#"{"flags":4,"command":"write 0 6","data":"SGVsbG8g"}"#);
    assert!(first.contains(r#""code":0,"flags":4,"response":"Success\r\n""#), "{first}");
    let wrong = ask(&mut device, r#"{"flags":4,"command":"write 0 7","data":"V29ybGQh"}"#);
    assert!(wrong.contains(r#""code":1,"flags":4,"response":"Command failed\r\n""#), "{wrong}");
    let rest = ask(&mut device, r#"{"flags":0,"data":"World!","command":"write 0 6"}"#);
    assert!(rest.contains(r#""response":"Success\r\n""#), "{rest}");
    assert!(response(&mut device, "/command/ls").contains("hello.txt"));
    assert!(response(&mut device, "/command/fop%20hello.txt").contains(r#""response":"0\r\n""#));
    assert!(response(&mut device, "/command/read%200%20100").contains(r#""response":"Hello World!\r\n""#));
}

#[test]
fn a_body_of_the_largest_size_is_taken() {
    let mut device = device();
    let frame = r#"{"command":"poll all","data":""}"#.len();
    let size = openzentri::limits::HTTP_BODY;
    let body = format!(r#"{{"command":"poll all","data":"{}"}}"#, "x".repeat(size - frame));
    assert_eq!(post(&mut device, "/command", &body).status, 200);
    // Beyond that only data behind the command may go on.
    let body = format!(r#"{{"x":"{}","command":"poll all"}}"#, "x".repeat(size + 256));
    assert_eq!(post(&mut device, "/command", &body).status, 413);
    let body = format!(r#"{{"data":"{}","command":"poll all"}}"#, "x".repeat(size + 256));
    assert_eq!(post(&mut device, "/command", &body).status, 413);
}

/// The content of a file.
fn content(device: &mut SimDevice, name: &str) -> Vec<u8> {
    get(device, &format!("/{name}")).body
}

#[test]
fn data_stream_into_their_command() {
    let mut device = device();
    let data: Vec<u8> = (0..30_000u32).map(|number| (number * 7 + number / 251) as u8).collect();
    let base64 = base64(&data);
    let body = format!(r#"{{"flags":4,"command":"file_create large.bin 30000","data":"{base64}","x":1}}"#);
    let answer = post(&mut device, "/command", &body);
    assert!(answer.text().contains("\"code\":0,"), "{answer:?}");
    assert!(content(&mut device, "large.bin") == data);
    // In small pieces, and in chunks.
    for chunked in [false, true] {
        let name = format!("drops-{chunked}.bin");
        let body = body.replace("large.bin", &name);
        let peer = device.port().connect(80).unwrap();
        let framing =
            if chunked { "Transfer-Encoding: chunked".into() } else { format!("Content-Length: {}", body.len()) };
        peer.send(format!("POST /command HTTP/1.1\r\n{framing}\r\n\r\n"));
        for part in body.as_bytes().chunks(997) {
            if chunked {
                peer.send(format!("{:x}\r\n", part.len()));
            }
            peer.send(part);
            if chunked {
                peer.send("\r\n");
            }
            device.settle();
        }
        if chunked {
            peer.send("0\r\n\r\n");
        }
        let answer = Answer::parse(&all(&mut device, peer));
        assert!(answer.text().contains("\"code\":0,"), "{answer:?}");
        assert!(content(&mut device, &name) == data);
    }
    // As text, with escapes.
    let body = format!(r#"{{"command":"file_create text.txt 24000","data":"{}"}}"#, "\\u0041\\nb".repeat(8000));
    assert!(post(&mut device, "/command", &body).text().contains("\"code\":0,"));
    assert!(content(&mut device, "text.txt") == b"A\nb".repeat(8000));
}

#[test]
fn streamed_data_that_are_broken_leave_nothing() {
    let mut device = device();
    let text = base64(&vec![7; 30_000]);
    let begin = r#"{"flags":4,"command":"file_create broken.bin 30000","data":""#;
    for (end, status) in [
        (format!("{text}\"}}}}"), 400),
        (format!("{text}\",\"flags\":0}}"), 400),
        (format!("{text}\",\"command\":\"ver\"}}"), 400),
        (format!("{}!!!\"}}", &text[..text.len() - 4]), 400),
        (text.clone(), 400),
        (format!("{}\"}}", &text[..text.len() - 4]), 200),
    ] {
        let answer = post(&mut device, "/command", &format!("{begin}{end}"));
        assert_eq!(answer.status, status, "{}", &end[end.len() - 20..]);
        assert!(status != 200 || answer.text().contains("\"code\":1,"), "{answer:?}");
        assert_eq!(get(&mut device, "/broken.bin").status, 404);
    }
    // A client that goes away in the middle, and one that stops.
    for stops in [false, true] {
        let peer = device.port().connect(80).unwrap();
        peer.send(format!("POST /command HTTP/1.1\r\nContent-Length: 41000\r\n\r\n{begin}{}", &text[..20_000]));
        device.settle();
        if !stops {
            peer.close();
        }
        assert!(device.run_until(LONG, |_| peer.is_device_gone()));
        assert_eq!(get(&mut device, "/broken.bin").status, 404);
        assert_eq!(get(&mut device, "/command/ver").status, 200);
    }
    let answer = post(&mut device, "/command", &format!("{begin}{text}\"}}").replace("file_create", "no_such"));
    assert!(answer.text().contains("\"code\":3,"), "{answer:?}");
}

fn base64(data: &[u8]) -> String {
    use base64::Engine;
    let mut text = vec![0; data.len().div_ceil(3) * 4];
    let length = base64::engine::general_purpose::STANDARD.encode_slice(data, &mut text).unwrap();
    text.truncate(length);
    String::from_utf8(text).unwrap()
}

#[test]
fn long_answers_are_whole() {
    let mut device = device();
    let text = response(&mut device, "/command/get%20all");
    assert!(text.ends_with("\\r\\n\"}") && text.contains("\\r\\nhttp.server.interface: default\\r\\n"), "{text}");
    let raw = device.command("get all");
    let escaped = raw.replace("\r\n", "\\r\\n");
    assert_eq!(text.split("\"response\":\"").nth(1).unwrap().trim_end_matches("\"}"), escaped);
}

#[test]
fn a_slow_reader_gets_a_long_answer_whole_and_disturbs_nobody() {
    let mut device = device();
    let whole = response(&mut device, "/command/get%20all").replace("\"id\":1", "\"id\":2");
    device.port().set_window(100);
    let slow = device.port().connect(80).unwrap();
    slow.send("GET /command/get%20all HTTP/1.1\r\n\r\n");
    device.settle();
    assert_eq!(device.command("poll all"), "None\r\n");
    device.port().set_window(65536);
    assert!(response(&mut device, "/command/poll%20all").contains("None"));
    let mut bytes = Vec::new();
    while slow.end().is_none() {
        device.advance(Duration::from_secs(5));
        bytes.extend(slow.receive(100));
    }
    assert_eq!(Answer::parse(&bytes).text(), whole);
}

#[test]
fn the_log_is_a_list_of_lines_and_stays() {
    let mut device = device();
    let first = get(&mut device, "/log");
    assert_eq!((first.status, first.field("Content-Type")), (200, Some("application/json")));
    let text = first.text();
    assert!(text.starts_with(r#"{"logs":[""#) && text.ends_with(r#""]}"#), "{text}");
    assert!(text.contains(r#","HTTP and REST API server listening on port: 80","#), "{text}");
    assert!(!text.contains("\\r"), "{text}");
    assert_eq!(get(&mut device, "/log").text(), text);
    let head = ask(&mut device, "HEAD /log HTTP/1.1\r\n\r\n");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.field("Content-Length"), Some(text.len().to_string().as_str()));
}

#[test]
fn methods_that_a_target_does_not_know() {
    let mut device = device();
    let answer = post(&mut device, "/log", "");
    assert_eq!((answer.status, answer.field("Allow")), (405, Some("GET, HEAD")));
    let answer = ask(&mut device, "HEAD /command/ver HTTP/1.1\r\n\r\n");
    assert_eq!((answer.status, answer.field("Allow"), answer.body.len()), (405, Some("GET"), 0));
    assert_eq!(ask(&mut device, "DELETE /command HTTP/1.1\r\n\r\n").status, 405);
}

#[test]
fn the_api_can_be_switched_off() {
    let mut device = device_with(&[("http.server.api_enabled", "0")]);
    assert!(device.port().printed().is_empty());
    for target in ["/command/ver", "/log", "/command"] {
        assert_eq!(get(&mut device, target).status, if target == "/command" { 405 } else { 404 }, "{target}");
    }
    assert_eq!(post(&mut device, "/command", r#"{"command":"ver"}"#).status, 404);
}

#[test]
fn the_connection_that_restarts_the_network_gets_its_answer() {
    let mut device = device();
    response(&mut device, "/command/set%20http.server.port%208080");
    assert!(response(&mut device, "/command/network_restart").contains("\"code\":0"));
    device.advance(Duration::from_secs(5));
    assert!(device.port().connect(80).is_err());
    let peer = device.port().connect(8080).unwrap();
    peer.send("GET /command/ver HTTP/1.0\r\n\r\n");
    assert_eq!(Answer::parse(&all(&mut device, peer)).status, 200);
}

#[test]
fn the_answer_to_reboot_comes_before_the_restart() {
    let mut device = device();
    device.restart_by_itself(false);
    let peer = device.port().connect(80).unwrap();
    peer.send("GET /command/reboot HTTP/1.1\r\n\r\n");
    assert!(device.run_until(LONG, |_| peer.end() == Some(End::Finished) || !peer.received().is_empty()));
    assert!(!device.port().is_rebooting());
    device.advance(Duration::from_secs(2));
    assert!(device.port().is_rebooting());
}

#[test]
fn a_taken_port_is_named_with_its_variable() {
    let mut device = device_with(&[("system.print_level", "5")]);
    device.take_output();
    device.port().fail(Call::TcpListen, PortError::InUse);
    let output = device.command("network_restart") + &device.take_output();
    assert!(output.contains("HTTP server: port 80 is in use (set http.server.port)\r\n"), "{output}");
    assert!(device.port().connect(80).is_err());
    device.command("network_restart");
    device.advance(Duration::from_secs(5));
    assert_eq!(get(&mut device, "/command/ver").status, 200);
}
