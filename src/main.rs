//! The Linux device.
fn main() {}
