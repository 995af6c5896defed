//! `/metrics`: counters and gauges in OpenMetrics text (version 1.0.0). An extension, off by default
//! (`docs/extensions.md`).
//!
//! The table has one row per metric family. All values are of one moment, which the [`Facts`] hold.

use core::fmt::{self, Display, Write};

use super::counters::CLASSES;
use super::exchange::Exchange;
use super::failure::Failure;
use super::pieces::{Pieces, Text};
use super::respond;
use super::state::HttpServer;
use crate::command::CODES;
use crate::limits;
use crate::port::{Heap, HeapUse, ResetReason, Stack};
use crate::stream::{Kind, Usage};
use crate::version;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Sends all metrics.
pub(super) async fn send(exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    let connection = &mut *exchange.connection;
    let mut text = Text::new(Facts::gather(connection.server));
    let head = respond::fresh(connection, CONTENT_TYPE, text.length())?;
    respond::send(connection, head, &mut text).await
}

/// The device at one moment.
struct Facts {
    board: &'static str,
    uptime: u64,
    memory: Option<u8>,
    stack: Option<Stack>,
    heaps: [Option<HeapUse>; Heap::ALL.len()],
    reset: Option<ResetReason>,
    streams: Usage,
    handles: u32,
    answers: [u32; CLASSES],
    connections: u32,
    connections_open: usize,
    connections_limit: usize,
    results: [u32; CODES],
    log_lines: u32,
    log_dropped: u32,
    files: usize,
    flash_free: u32,
    network_up: bool,
    rssi: Option<i8>,
}

impl Facts {
    fn gather(server: &HttpServer) -> Self {
        let machine = server.shell().machine();
        let base = machine.base;
        let (connections_open, connections_limit) = server.load();
        Self {
            board: base.port.board().board_name(),
            uptime: base.clock.uptime(),
            memory: base.port.board().memory_usage(),
            stack: base.port.board().stack(),
            heaps: Heap::ALL.map(|heap| base.port.board().heap(heap)),
            reset: base.port.board().reset_reason(),
            streams: machine.streams.usage(),
            handles: machine.streams.taken(),
            answers: server.counters().answers(),
            connections: server.counters().connections(),
            connections_open,
            connections_limit,
            results: server.shell().results(),
            log_lines: base.log.next(),
            log_dropped: base.log.first(),
            files: machine.files.count(),
            flash_free: machine.files.free_space(),
            network_up: base.status.network.get() == 2,
            rssi: base.port.radio().rssi(),
        }
    }
}

/// The type of a family, in the terms of OpenMetrics.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Counter,
    Gauge,
    Info,
}

/// One metric family.
struct Family {
    /// Its name without prefix and suffix.
    name: &'static str,
    kind: Type,
    /// The unit; the name ends with it.
    unit: &'static str,
    help: &'static str,
    samples: fn(&Facts, &mut Samples<'_>) -> fmt::Result,
}

macro_rules! families {
    ($($kind:ident $name:literal $unit:literal $help:literal, $samples:expr;)*) => {
        const FAMILIES: &[Family] = &[$(
            Family { name: $name, kind: Type::$kind, unit: $unit, help: $help, samples: $samples }
        ),*];
    };
}

families! {
    Info "build" "" "The firmware.",
        |facts, out| out.build(facts.board);
    Gauge "uptime_seconds" "seconds" "Time since the start.",
        |facts, out| out.one(Millis(facts.uptime));
    Gauge "memory_usage_ratio" "ratio" "Memory in use, where the board can tell.",
        |facts, out| facts.memory.map_or(Ok(()), |percent| out.one(Percent(percent)));
    Gauge "stack_size_bytes" "bytes" "The stack of the thread that everything runs on, where the board can tell.",
        |facts, out| facts.stack.map_or(Ok(()), |stack| out.one(stack.size));
    Gauge "stack_untouched_bytes" "bytes" "What was never used of that stack.",
        |facts, out| facts.stack.map_or(Ok(()), |stack| out.one(stack.untouched));
    Gauge "heap_size_bytes" "bytes" "Heaps of the operating system and of cryptography, where the board can tell.",
        |facts, out| out.heaps(facts, |heap| heap.size);
    Gauge "heap_used_bytes" "bytes" "What is in use of them.",
        |facts, out| out.heaps(facts, |heap| heap.used);
    Gauge "heap_used_most_bytes" "bytes" "The most that was in use of them at once.",
        |facts, out| out.heaps(facts, |heap| heap.most);
    Info "reset" "" "Why the device has started, where the board can tell.",
        |facts, out| facts.reset.map_or(Ok(()), |reason| out.each("reason", [reason.name()], &[1]));
    Gauge "streams_open" "" "Open streams.",
        |facts, out| out.each("kind", Kind::ALL.iter().map(|kind| kind.label()), &facts.streams.open);
    Gauge "streams_limit" "" "Streams that can be open at once.",
        |_, out| out.one(limits::STREAMS);
    Counter "stream_handles" "" "Handles given to streams, openings that failed included.",
        |facts, out| out.one(facts.handles);
    Gauge "stream_buffer_bytes" "bytes" "Bytes in the buffers of streams: received and not read, written and not sent.",
        |facts, out| out.each("direction", DIRECTIONS, &[facts.streams.received, facts.streams.unsent]);
    Gauge "stream_buffer_size_bytes" "bytes" "Bytes that all these buffers have.",
        |_, out| out.each("direction", DIRECTIONS, &[Usage::CAPACITY.0, Usage::CAPACITY.1]);
    Counter "commands" "" "Commands that have ended, by result code: 0 is success.",
        |facts, out| out.each("code", 0.., &facts.results);
    Counter "http_requests" "" "Answers of the HTTP server by class of status.",
        |facts, out| out.each("class", ["1xx", "2xx", "3xx", "4xx", "5xx"], &facts.answers);
    Counter "http_connections" "" "Connections that the HTTP server has taken.",
        |facts, out| out.one(facts.connections);
    Gauge "http_connections_open" "" "Connections being served, this one included.",
        |facts, out| out.one(facts.connections_open);
    Gauge "http_connections_limit" "" "Connections that can be served at once.",
        |facts, out| out.one(facts.connections_limit);
    Counter "log_lines" "" "Lines of the event log.",
        |facts, out| out.one(facts.log_lines);
    Counter "log_lines_dropped" "" "Lines that newer ones have pushed out of the log.",
        |facts, out| out.one(facts.log_dropped);
    Gauge "files" "" "Files on the device.",
        |facts, out| out.one(facts.files);
    Gauge "flash_free_bytes" "bytes" "Room for files.",
        |facts, out| out.one(facts.flash_free);
    Gauge "network_up" "" "1 with an address in the wireless network.",
        |facts, out| out.one(u8::from(facts.network_up));
    Gauge "wlan_signal_dbm" "dbm" "Signal of the network that is joined.",
        |facts, out| facts.rssi.map_or(Ok(()), |rssi| out.one(rssi));
}

/// The two directions of a stream.
const DIRECTIONS: [&str; 2] = ["receive", "transmit"];

impl Pieces for Facts {
    fn write(&self, number: usize, out: &mut dyn Write) -> Option<fmt::Result> {
        if number == FAMILIES.len() {
            return Some(out.write_str("# EOF\n"));
        }
        FAMILIES.get(number).map(|family| family.write(self, out))
    }
}

impl Family {
    fn write(&self, facts: &Facts, out: &mut dyn Write) -> fmt::Result {
        let (kind, suffix) = match self.kind {
            Type::Counter => ("counter", "_total"),
            Type::Gauge => ("gauge", ""),
            Type::Info => ("info", "_info"),
        };
        let name = self.name;
        writeln!(out, "# TYPE openzentri_{name} {kind}")?;
        if !self.unit.is_empty() {
            writeln!(out, "# UNIT openzentri_{name} {}", self.unit)?;
        }
        writeln!(out, "# HELP openzentri_{name} {}", self.help)?;
        (self.samples)(facts, &mut Samples { name, suffix, out })
    }
}

/// Writes the samples of a family.
struct Samples<'a> {
    name: &'static str,
    suffix: &'static str,
    out: &'a mut dyn Write,
}

impl Samples<'_> {
    /// The only sample.
    fn one(&mut self, value: impl Display) -> fmt::Result {
        writeln!(self.out, "openzentri_{}{} {value}", self.name, self.suffix)
    }

    /// A sample for each value of a label. The values hold nothing that needs to be escaped.
    fn each<L: Display>(
        &mut self,
        label: &str,
        names: impl IntoIterator<Item = L>,
        values: &[impl Display],
    ) -> fmt::Result {
        names.into_iter().zip(values).try_for_each(|(name, value)| {
            writeln!(self.out, "openzentri_{}{}{{{label}=\"{name}\"}} {value}", self.name, self.suffix)
        })
    }

    /// A sample for each heap that the board can measure.
    fn heaps(&mut self, facts: &Facts, value: fn(&HeapUse) -> u32) -> fmt::Result {
        Heap::ALL.iter().zip(&facts.heaps).try_for_each(|(heap, used)| {
            used.as_ref().map_or(Ok(()), |used| self.each("heap", [heap.name()], &[value(used)]))
        })
    }

    fn build(&mut self, board: &str) -> fmt::Result {
        let (release, build, compatible) = (env!("CARGO_PKG_VERSION"), version::BUILD, version::COMPATIBLE);
        write!(self.out, "openzentri_{}{}{{version=\"{release}\",build=\"{build}\",", self.name, self.suffix)?;
        writeln!(self.out, "board=\"{board}\",compatible=\"{compatible}\"}} 1")
    }
}

/// Milliseconds, written as seconds.
struct Millis(u64);

impl Display for Millis {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// Hundredths, written as a ratio.
struct Percent(u8);

impl Display for Percent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            board: "sim",
            uptime: 61_007,
            memory: Some(7),
            stack: Some(Stack { size: 16_384, untouched: 3988 }),
            heaps: [None, Some(HeapUse { size: 14_336, used: 96, most: 9000 })],
            reset: Some(ResetReason::Watchdog),
            streams: Usage { open: [0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], received: 5, unsent: 0 },
            handles: 4,
            answers: [0, 10, 0, 2, 0],
            connections: 12,
            connections_open: 1,
            connections_limit: 32,
            results: [9, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            log_lines: 20,
            log_dropped: 0,
            files: 3,
            flash_free: 1000,
            network_up: true,
            rssi: None,
        }
    }

    fn written(facts: Facts) -> std::string::String {
        let (mut text, mut number) = (std::string::String::new(), 0);
        while let Some(result) = facts.write(number, &mut text) {
            result.unwrap();
            number += 1;
        }
        text
    }

    #[test]
    fn samples_as_openmetrics_wants_them() {
        let text = written(facts());
        for line in [
            "# TYPE openzentri_uptime_seconds gauge\n# UNIT openzentri_uptime_seconds seconds\n\
             # HELP openzentri_uptime_seconds Time since the start.\nopenzentri_uptime_seconds 61.007\n",
            "openzentri_memory_usage_ratio 0.07\n",
            "openzentri_stack_untouched_bytes 3988\n",
            "openzentri_heap_used_most_bytes{heap=\"crypto\"} 9000\n",
            "# TYPE openzentri_reset info\n",
            "openzentri_reset_info{reason=\"watchdog\"} 1\n",
            "openzentri_streams_open{kind=\"TCPS\"} 2\n",
            "# TYPE openzentri_commands counter\n",
            "openzentri_commands_total{code=\"1\"} 1\n",
            "openzentri_http_requests_total{class=\"2xx\"} 10\n",
            "openzentri_stream_buffer_bytes{direction=\"receive\"} 5\n",
            "openzentri_build_info{version=\"",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(text.ends_with("\n# EOF\n"));
        assert!(!text.contains("openzentri_wlan_signal_dbm -"));
        assert!(!text.contains("heap=\"system\""), "a heap that the board cannot tell of");
    }

    #[test]
    fn names_end_with_their_unit() {
        for family in FAMILIES {
            assert!(family.name.ends_with(family.unit), "{}", family.name);
            assert!(!family.name.ends_with("_total") && !family.name.ends_with("_info"));
        }
    }
}
