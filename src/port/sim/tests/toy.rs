//! A toy device: a command line with a few commands, and an echo server.

use std::format;
use std::string::String;
use std::vec::Vec;

use embassy_executor::Spawner;
use embassy_time::{Instant, Timer};

use crate::port::host::spawn;
use crate::port::sim::SimPort;
use crate::port::{Board, Event, Interface, PortError, Result, Serial, Sockets, Storage, accept, io};

/// The port that the echo server listens on.
pub const ECHO: u16 = 7;

/// Starts the command line.
pub fn boot(port: &'static SimPort, spawner: Spawner) {
    spawn(spawner, async move {
        let _ = Shell { port, typed: Vec::new(), machine: false }.run().await;
    });
}

/// Starts the echo server, one client at a time.
pub fn boot_echo(port: &'static SimPort, spawner: Spawner) {
    spawn(spawner, async move {
        let listener = port.tcp_listen(Interface::Wlan, ECHO).unwrap();
        while let Ok((socket, _)) = accept(port, listener).await {
            let _ = echo(port, socket).await;
            port.close(socket);
        }
    });
}

async fn echo(port: &'static SimPort, socket: crate::port::Socket) -> Result<()> {
    let mut buffer = [0; 64];
    loop {
        let length = io(port, Event::Readable(socket), || port.receive(socket, &mut buffer)).await?;
        if length == 0 {
            return port.finish(socket);
        }
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            let sent = io(port, Event::Writable(socket), || port.send(socket, rest)).await?;
            rest = &rest[sent..];
        }
    }
}

struct Shell {
    port: &'static SimPort,
    typed: Vec<u8>,
    machine: bool,
}

impl Shell {
    async fn run(&mut self) -> Result<()> {
        self.print("toy 1\r\n\r\n[Ready]\r\n> ").await?;
        loop {
            let line = self.line().await?;
            if !self.machine {
                self.print(&format!("{line}\r\n")).await?;
            }
            let answer = self.answer(&line).await?;
            match self.machine {
                true => self.print(&format!("R0{:05}\r\n{answer}", answer.len())).await?,
                false => self.print(&format!("{answer}> ")).await?,
            }
        }
    }

    async fn answer(&mut self, line: &str) -> Result<String> {
        let (name, argument) = line.split_once(' ').unwrap_or((line, ""));
        Ok(match name {
            "" => String::new(),
            "uptime" => format!("{}\r\n", Instant::now().as_millis()),
            "sleep" => {
                Timer::after_millis(argument.parse().unwrap_or(0)).await;
                "Success\r\n".into()
            }
            "later" => {
                let (port, millis) = (self.port, argument.parse().unwrap_or(0));
                port.after(embassy_time::Duration::from_millis(millis), |port| {
                    port.serial_write(b"[Later]\r\n").unwrap();
                });
                String::new()
            }
            "data" => {
                let length = argument.parse().unwrap_or(0);
                let data = self.bytes(length).await?;
                format!("{}\r\n", String::from_utf8_lossy(&data))
            }
            "machine" => {
                self.machine = true;
                "Set OK\r\n".into()
            }
            "count" => format!("{}\r\n", self.count()),
            "reset" => {
                let millis = argument.parse().unwrap_or(0);
                self.port.after(embassy_time::Duration::from_millis(millis), |port| port.reboot());
                String::new()
            }
            "reboot" => {
                self.print("Rebooting\r\n").await?;
                self.port.reboot();
                core::future::pending().await
            }
            _ => "Unknown command\r\n".into(),
        })
    }

    /// Counts in flash how often it was called.
    fn count(&self) -> u8 {
        let mut record = [0];
        let _ = self.port.slot_read(0, &mut record);
        let _ = self.port.slot_write(0, &[record[0] + 1]);
        record[0] + 1
    }

    async fn bytes(&mut self, length: usize) -> Result<Vec<u8>> {
        while self.typed.len() < length {
            let mut buffer = [0; 16];
            let read = io(self.port, Event::SerialReadable, || self.port.serial_read(&mut buffer)).await?;
            if read == 0 {
                self.port.serial_ended();
                return Err(PortError::Closed);
            }
            self.typed.extend(&buffer[..read]);
        }
        Ok(self.typed.drain(..length).collect())
    }

    async fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        loop {
            match self.bytes(1).await?[0] {
                b'\r' => {}
                b'\n' => return Ok(String::from_utf8_lossy(&line).into_owned()),
                other => line.push(other),
            }
        }
    }

    async fn print(&self, text: &str) -> Result<()> {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let written = io(self.port, Event::SerialWritable, || self.port.serial_write(rest)).await?;
            rest = &rest[written..];
        }
        Ok(())
    }
}
