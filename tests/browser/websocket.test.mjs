// The device's WebSocket with Node's `ws`, on a device of its own. The host's side of the stream is commands over HTTP.

import assert from "node:assert/strict";
import { once } from "node:events";
import WebSocket from "ws";
import { Device, until } from "./device.mjs";
import { atEnd, test } from "./harness.mjs";

let device;

/** Starts the device for the first of these tests that runs. */
async function start() {
  if (device) return;
  device = new Device(process.argv[2], process.env.OPENZENTRI_TARGET);
  atEnd.push(async () => {
    await device.stop();
    device.remove();
  });
  await device.start();
}

/** Opens a WebSocket; answers it with the messages that have come. */
async function open(options = {}) {
  await start();
  const socket = new WebSocket(`${device.url.replace("http", "ws")}stream`, options);
  const received = [];
  socket.on("message", (data, isBinary) => received.push({ data, isBinary }));
  await once(socket, "open");
  return { socket, received };
}

/** Writes to the stream as the host does. */
async function write(text) {
  const body = JSON.stringify({ flags: 0, command: `stream_write 0 ${text.length}`, data: text });
  const response = await fetch(`${device.url}command`, { method: "POST", body });
  assert.equal((await response.json()).code, 0);
}

/** What the host reads, until it is `count` characters. */
async function read(count) {
  let text = "";
  await until(`${count} characters`, async () => (text += await device.command(`stream_read 0 ${count}`)).length >= count);
  return text;
}

async function close(socket, ...reason) {
  const closed = once(socket, "close");
  socket.close(...reason);
  const [code] = await closed;
  // What is left unread keeps the stream open; the device closes one that was read to its end.
  await until("the end of the stream", async () => (await device.command("stream_poll 0")) !== "0");
  await device.command("stream_close all");
  return code;
}

test("ws: compression is offered in vain", async () => {
  const { socket, received } = await open({ perMessageDeflate: { threshold: 0 } });
  assert.equal(socket.extensions, "");
  assert.equal(socket.protocol, "");
  socket.send("squeeze me ".repeat(50));
  assert.equal(await read(550), "squeeze me ".repeat(50));
  await write("from the host");
  await until("the message", () => received.length);
  assert.deepEqual(received, [{ data: Buffer.from("from the host"), isBinary: true }]);
  assert.equal(await close(socket, 1000, "bye"), 1000);
});

test("ws: fragments, large messages, pings", async () => {
  const { socket } = await open({ perMessageDeflate: false });
  for (const [part, fin] of [["frag", false], ["me", false], ["nts", true]]) socket.send(part, { fin });
  assert.equal(await read(9), "fragments");
  const text = "0123456789abcdef".repeat(4096 * 4);
  socket.send(text);
  let all = "";
  await until("the large message", async () => (all += await device.command("stream_read 0 50000")).length >= text.length);
  assert.ok(all === text);
  const pongs = [];
  socket.on("pong", (data) => pongs.push(data.toString()));
  const pings = Array.from({ length: 20 }, (_, number) => `ping ${number}`);
  for (const ping of pings) socket.ping(ping);
  await until("twenty pongs", () => pongs.length === 20);
  assert.deepEqual(pongs, pings);
  assert.equal(await close(socket, 3001), 3001);
});

test("ws: the device closes with its codes", async () => {
  const { socket } = await open();
  const closed = once(socket, "close");
  await device.command("stream_close 0");
  assert.equal((await closed)[0], 1000);
  const other = await open();
  const failed = once(other.socket, "close");
  // Not through `send`, which would make UTF-8 of it: a text frame with the byte FF, under the key 0.
  other.socket._socket.write(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff]));
  assert.equal((await failed)[0], 1007);
  await device.command("stream_close all");
});

test("ws: a subprotocol that is asked for is not there, and ws insists on it", async () => {
  await start();
  const socket = new WebSocket(`${device.url.replace("http", "ws")}stream`, ["chat"]);
  const [error] = await once(socket, "error");
  assert.match(error.message, /no subprotocol/);
});
