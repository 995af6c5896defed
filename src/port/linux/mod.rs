//! The device as a Linux process.
