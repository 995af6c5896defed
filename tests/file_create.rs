//! `file_create` and related commands as hosts of both product lines give them (interface, files 3).

use openzentri::port::sim::{SimDevice, SimPort};

fn device() -> SimDevice {
    SimDevice::boot_machine(SimPort::new(), &[])
}

/// The answer to a command with data after it, without its line end.
fn with_data(device: &mut SimDevice, line: &str, data: &[u8]) -> String {
    device.type_line(line);
    device.port().type_bytes(data);
    device.settle();
    let output = device.take_output();
    output.trim_end().lines().last().unwrap_or_default().to_owned()
}

fn answer(device: &mut SimDevice, line: &str) -> String {
    with_data(device, line, b"")
}

fn files(device: &mut SimDevice) -> String {
    device.type_line("ls -v");
    device.settle();
    device.take_output()
}

/// CRC-32 of `123456789` is CBF43926, its CRC-16 (the device's) is what `file_stat` says.
const TEXT: &[u8] = b"123456789";

/// Issue 8, 2.1: scripts print the CRC as a signed number. The value is taken modulo 2^32.
#[test]
fn a_negative_crc_is_taken_modulo_two_to_the_32() {
    let mut device = device();
    let negative = format!("-0x{:X}", 0xCBF4_3926_u32.wrapping_neg());
    for (name, crc, wanted) in [
        ("a", "0xCBF43926", "Success"),
        ("b", negative.as_str(), "Success"),
        ("c", &negative.to_lowercase(), "Success"),
        ("d", "-0x340BC6DB", "Command failed"),
        ("e", "-0", "Command failed"),
        ("f", "-", "Invalid argument"),
        ("g", "--1", "Invalid argument"),
        ("h", "-0x100000000", "Invalid argument"),
    ] {
        let line = format!("fcr {name} 9 -c {crc}");
        let data = if wanted == "Invalid argument" { &b""[..] } else { TEXT };
        assert_eq!(with_data(&mut device, &line, data), wanted, "{line}");
    }
    // The same value as an upload in pieces.
    assert_eq!(answer(&mut device, &format!("fcr -o z 9 -c {negative}")), "0");
    assert_eq!(with_data(&mut device, "write 0 9", TEXT), "Success");
    assert!(files(&mut device).contains(" z\r\n"));
}

/// Issue 8, 2.8: a value of 16 bits is a CRC-16 or a CRC-32, whichever matches, however many digits it has.
#[test]
fn a_crc_of_16_bits_may_be_either() {
    let mut device = device();
    let crc16 = {
        assert_eq!(with_data(&mut device, "fcr probe 9", TEXT), "Success");
        device.type_line("fst -v probe");
        device.settle();
        let text = device.take_output();
        let place = text.find("crc: 0x").expect("a CRC") + 7;
        text[place..place + 4].to_owned()
    };
    // The CRC-32 of these bytes begins with 0000: it could be a CRC-16.
    let small = small_crc32();
    for (place, (crc, data, wanted)) in [
        (crc16.clone(), TEXT, "Success"),
        (format!("0x0000{crc16}"), TEXT, "Success"),
        (format!("{:x}", crc32(&small)), &small[..], "Success"),
        (format!("{:08x}", crc32(&small)), &small[..], "Success"),
        ("0001".to_owned(), TEXT, "Command failed"),
    ]
    .into_iter()
    .enumerate()
    {
        let line = format!("fcr f{place} {} -c {crc}", data.len());
        assert_eq!(with_data(&mut device, &line, data), wanted, "{line}");
    }
    // The fifth argument of ZentriOS is a CRC-16 and nothing else.
    assert_eq!(with_data(&mut device, &format!("fcr g 9 1.0.0 FE {crc16}"), TEXT), "Success");
    let line = format!("fcr h 4 1.0.0 FE {:x}", crc32(&small));
    assert_eq!(with_data(&mut device, &line, &small), "Command failed");
}

fn crc32(data: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
        }
    }
    !crc
}

/// Four bytes whose CRC-32 fits 16 bits.
fn small_crc32() -> [u8; 4] {
    (0_u32..).map(u32::to_le_bytes).find(|bytes| (1..=0xFFFF).contains(&crc32(bytes))).expect("one in 65536")
}

/// Issue 8, 2.2: in the form of Gecko OS 4 `-u` means *encrypt*: a file that should be secret is never published.
#[test]
fn u_in_the_form_of_gecko_os_is_refused() {
    let mut device = device();
    for line in [
        "fcr x 9 -u",
        "fcr x 9 -eu",
        "fcr -u x 9 -v 1.0.0",
        "fcr -u x 9 -t 2",
        "fcr -u -t 2 x 9",
        "fcr -u x 9 -c CBF43926",
        "fcr -u x 9 -l extended",
        "fcr -u x 9 -e",
        "fcr -o x 9 -u",
    ] {
        let data = if line.contains("-o") { &b""[..] } else { TEXT };
        assert_eq!(with_data(&mut device, line, data), "Command failed", "{line}");
        assert_eq!(answer(&mut device, "get http.server.port"), "80", "{line}: data were read as commands");
        assert!(!files(&mut device).contains(" x\r\n"), "{line}");
    }
    for (name, line) in [("a", "fcr -u a 9"), ("b", "fcr -eu b 9"), ("c", "fcr -u c 9 1.0.0 2")] {
        assert_eq!(with_data(&mut device, line, TEXT), "Success", "{line}");
        assert!(files(&mut device).contains(&format!(" {name}\r\n")));
    }
    assert_eq!(answer(&mut device, "fcr -uo d 9"), "0", "ZentriOS: unprotected, before the name");
}

/// Issue 8, 2.3.
#[test]
fn memory_options_of_gecko_os() {
    let mut device = device();
    assert_eq!(with_data(&mut device, "fcr a 9 -l extended", TEXT), "Success");
    assert_eq!(with_data(&mut device, "fcr b 9 -m 3 -l extended", TEXT), "Success");
    assert_eq!(with_data(&mut device, "fcr -m 3 c 9", TEXT), "Success");
    device.type_line("fcr d 9 -l bulk");
    device.port().type_bytes(TEXT);
    device.settle();
    let output = device.take_output();
    assert!(output.contains("Command failed"), "{output}");
    assert_eq!(answer(&mut device, "fcr e 9 -l elsewhere"), "Invalid argument");
    assert_eq!(answer(&mut device, "fcr f 9 -l"), "Too few arguments");
    assert_eq!(answer(&mut device, "fcr g 9 -x 1"), "Unknown option");
    let files = files(&mut device);
    assert!(
        files.contains(" a\r\n") && files.contains(" b\r\n") && files.contains(" c\r\n") && !files.contains(" d\r\n")
    );
}

/// Issue 8, 2.6.
#[test]
fn an_empty_file_that_is_closed_is_there() {
    let mut device = device();
    assert_eq!(answer(&mut device, "fcr -o e.txt 0"), "0");
    assert_eq!(answer(&mut device, "close 0"), "Success");
    assert!(files(&mut device).contains(" e.txt\r\n"));
    assert_eq!(answer(&mut device, "fcr -o f.txt 0"), "0");
    assert_eq!(answer(&mut device, "close all"), "Success");
    assert_eq!(answer(&mut device, "fcr -o g.txt 1"), "0");
    assert_eq!(answer(&mut device, "close 0"), "Success");
    let files = files(&mut device);
    assert!(files.contains(" f.txt\r\n") && !files.contains(" g.txt"), "{files}");
}

/// Issue 8, 1.12: hosts send these at every start.
#[test]
fn the_record_of_faults_is_empty() {
    let mut device = device();
    device.type_line("faults_print");
    device.settle();
    assert_eq!(device.take_output(), "R000000\r\n");
    assert_eq!(answer(&mut device, "faults_reset"), "Success");
    assert_eq!(answer(&mut device, "faur x"), "Too many arguments");
}
