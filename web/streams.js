/** The device's streams: list, read, write, close; and a stream from this browser. */

import { quote } from "./bytes.js";
import { $, el, guarded, redraw, repeat, toast } from "./dom.js";
import { ask, idle, run } from "./device.js";
import { Viewer } from "./viewer.js";

/** Bytes read at once; every device can answer with this number of bytes. */
const READ = 1024;
const WRITE = 2048;
const STATES = ["idle", "data waits", "closed by the peer"];
const TARGETS = {
  tcp_client: ["Host and port", "192.168.1.10 3000"],
  udp_client: ["Host and port", "192.168.1.10 3000"],
  tls_client: ["Host and port", "example.com 443"],
  http_get: ["URL", "http://example.com/"],
  websocket_client: ["URL", "ws://example.com/path"],
  file_open: ["File name", "webapp/index.html"],
};

/** The viewers of streams, by the identity of the stream: handle, kind and info. */
const opened = new Map();

export function start(seen) {
  $("streams-refresh").addEventListener("click", guarded(refresh));
  $("stream-kind").addEventListener("change", showTarget);
  $("stream-open").addEventListener("submit", guarded(open));
  $("socket-toggle").addEventListener("click", guarded(toggleSocket));
  repeat(2000, () => seen() && idle(), refresh);
}

export function show() {
  refresh().catch(() => {});
}

// --- list ---

const rowsOf = (text) => text.split("\r\n").filter((line) => line.startsWith("#"));

export async function refresh() {
  const list = rowsOf(await ask("stream_list"));
  const states = new Map();
  if (list.length) {
    for (const item of (await ask("stream_poll all -c")).split("|")) {
      const [handle, state, waiting] = item.split(",");
      states.set(handle, { state: Number(state), waiting: Number(waiting) });
    }
  }
  const streams = list.map((line) => {
    const [, handle, kind, info = ""] = /^#\s+(\d+)\s+(\S+)\s*(.*)$/.exec(line) ?? [];
    return { handle, kind, info, ...states.get(handle) };
  });
  draw(streams);
  await follow(streams);
  return streams;
}

let drawn = "";

function draw(streams) {
  $("streams-empty").hidden = streams.length > 0;
  // Redrawing takes the focus away, so only when something has changed.
  const now = JSON.stringify([streams, [...opened.keys()]]);
  if (now === drawn) return;
  drawn = now;
  redraw($("streams-list"), streams.map(row));
}

const identity = ({ handle, kind, info }) => `${handle} ${kind} ${kind === "FILE" ? info.split(" (")[0] : info}`;

function row(stream) {
  const { handle, kind, info, state, waiting } = stream;
  const note = STATES[state] + (waiting ? ` (${waiting} bytes)` : "");
  const button = (text, work) =>
    el("button", { type: "button", "aria-label": `${text} stream ${handle}`, onclick: guarded(work) }, text);
  const look = opened.has(identity(stream)) ? [] : [button("View", () => look_at(stream))];
  return el("li", { class: "stream" }, el("b", { class: "handle" }, handle), el("span", { class: "kind" }, kind),
    el("span", { class: "name" }, info), el("span", { class: "small", "data-state": state }, note),
    el("span", { class: "actions" }, ...look, button("Close", () => close(handle))));
}

async function close(handle) {
  await ask(`stream_close ${handle}`);
  await refresh();
}

// --- open ---

function showTarget() {
  const [label, example] = TARGETS[$("stream-kind").value];
  $("stream-target-label").textContent = label;
  $("stream-target").placeholder = example;
}

async function open() {
  const kind = $("stream-kind").value;
  const target = $("stream-target").value.trim();
  const words = kind === "file_open" ? quote(target) : target.replace(/:(\d+)$/, kind.endsWith("_client") && !/\//.test(target) ? " $1" : ":$1");
  const handle = await ask(`${kind} ${words}`);
  const stream = (await refresh()).find((row) => row.handle === handle);
  if (stream) look_at(stream, true);
  // A file or an answer may already be read to its end.
  else toast(`Stream ${handle} has ended`);
}

// --- viewers ---

/** Opens a viewer; `reads` says whether it reads incoming data by itself. */
function look_at(stream, reads = false) {
  const { handle, kind, info } = stream;
  const key = identity(stream);
  const reading = el("input", { type: "checkbox", checked: reads });
  const done = el("button", { type: "button" }, "Hide");
  const tools = [el("label", { class: "check" }, reading, " Keep reading"),
    el("button", { type: "button", onclick: guarded(() => read(handle, viewer)) }, "Read"), done];
  const writes = kind !== "FILE";
  const viewer = new Viewer(`Stream ${handle}: ${kind} ${info}`, writes && ((bytes) => write(handle, bytes)), tools);
  viewer.element.querySelector(".row").after(
    el("p", { class: "small" }, "What is read here is taken from the stream: the host processor will not see it."));
  viewer.reading = () => reading.checked;
  done.addEventListener("click", () => {
    opened.delete(key);
    viewer.element.remove();
    $("title-streams").focus();
    refresh().catch(() => {});
  });
  opened.set(key, viewer);
  $("exchanges").prepend(viewer.element);
  viewer.element.querySelector("h2").focus();
  refresh().catch(() => {});
}

/** Reads the waiting data of streams whose viewers keep reading, and marks viewers of closed streams. */
async function follow(streams) {
  const present = new Map(streams.map((stream) => [identity(stream), stream]));
  for (const [key, viewer] of opened) {
    const stream = present.get(key);
    if (!stream) {
      if (!viewer.gone) viewer.count.textContent += ", closed";
      viewer.gone = true;
    } else if (viewer.reading() && (stream.state === 1 || stream.waiting > 0)) {
      await read(stream.handle, viewer);
    }
  }
}

/** The response is the data and a line end; without data it is empty. */
async function read(handle, viewer) {
  const answer = await run(`stream_read ${handle} ${READ}`);
  if (answer.code) throw new Error(answer.text);
  if (answer.bytes.length > 2) viewer.add("in", answer.bytes.slice(0, -2));
}

async function write(handle, bytes) {
  for (let at = 0; at < bytes.length; at += WRITE) {
    const part = bytes.subarray(at, at + WRITE);
    await ask(`stream_write ${handle} ${part.length}`, part);
  }
}

// --- stream from this browser ---

let socket = null;
let socketViewer = null;

function toggleSocket() {
  if (socket) return socket.close();
  const state = $("socket-state");
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/stream`);
  socket.binaryType = "arraybuffer";
  state.textContent = "Connecting …";
  $("socket-toggle").textContent = "Disconnect";
  let connected = false;
  socket.onopen = () => {
    connected = true;
    state.textContent = "Connected";
    socketViewer?.element.remove();
    socketViewer = new Viewer("Stream from this browser", sendSocket);
    $("exchanges").prepend(socketViewer.element);
    refresh().catch(() => {});
  };
  socket.onmessage = ({ data }) =>
    socketViewer.add("in", typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data));
  socket.onclose = () => {
    socket = null;
    state.textContent = connected ? "Not connected" : "The device did not accept a WebSocket";
    $("socket-toggle").textContent = "Connect";
    refresh().catch(() => {});
  };
  return undefined;
}

function sendSocket(bytes, isText) {
  if (!socket) throw new Error("Not connected");
  socket.send(isText ? new TextDecoder().decode(bytes) : bytes);
}
