//! The simulated port.
