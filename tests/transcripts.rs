//! Plays every transcript in `tests/transcripts` against a device on the simulated port. Other runners play the same
//! files against the Linux process and native_sim.

use std::path::{Path, PathBuf};

use openzentri::port::sim::{SimDevice, SimPort, transcript};

/// The settings that the transcripts start from; see their README.
const START: [(&str, &str); 4] =
    [("wlan.ssid", ""), ("wlan.auto_join.enabled", "0"), ("http.server.enabled", "0"), ("ntp.enabled", "0")];

#[test]
fn every_transcript_is_what_the_device_prints() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let entries = folder.read_dir().expect("the folder of transcripts can be read");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry of the folder").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    assert!(!files.is_empty(), "there are no transcripts");
    let mut failures = String::new();
    for file in &files {
        let text = std::fs::read(file).expect("a transcript can be read");
        let mut device = SimDevice::boot(SimPort::new(), &START);
        if let Err(message) = transcript::run(&mut device, &text, &[]) {
            failures += &format!("{}, {message}\n", file.file_name().unwrap_or_default().display());
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}
