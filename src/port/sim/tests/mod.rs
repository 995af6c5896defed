//! The simulation by itself, with toy devices on the contract.

mod device;
mod flash;
mod network;
mod toy;
