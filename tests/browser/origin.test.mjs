// Pages of other origins: what the browser asks the device before, and what it then lets them do.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { until } from "./device.mjs";
import { context, device, leave, page, test } from "./harness.mjs";

/** Opens a page of an origin of its own, and gives it to `body` with the preflights that the browser makes for it. */
async function elsewhere(body) {
  const server = createServer((_, response) => {
    response.writeHead(200, { "Content-Type": "text/html" });
    response.end("<!doctype html><title>elsewhere</title>");
  }).listen(0, "127.0.0.1");
  await until("the other server", () => server.listening);
  const origin = `http://127.0.0.1:${server.address().port}`;
  const other = await context.newPage();
  const preflights = [];
  const session = await context.newCDPSession(other);
  await session.send("Network.enable");
  session.on("Network.requestWillBeSent", ({ initiator, request }) => {
    if (initiator.type === "preflight") preflights.push(`${request.method} ${request.url.replace(device.url, "/")}`);
  });
  try {
    await other.goto(`${origin}/`);
    await body(other, preflights, origin);
  } finally {
    await other.close();
    server.close();
  }
}

/** What the API says to a page: the texts, or what the browser says instead. Both calls need a preflight. */
const use = (other, command) => other.evaluate(async ([url, command]) => {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  const body = JSON.stringify({ flags: 0, command });
  const text = (answer) => answer.then((response) => response.json()).then(({ response }) => response, (error) => error.name);
  return [
    await text(fetch(`${url}command/get%20wlan.ssid`, { headers })),
    await text(fetch(`${url}command`, { method: "POST", headers, body })),
  ];
}, [device.url, command]);

/** Opens a WebSocket from a page and closes it: `open`, or `refused`. */
const knock = (other) => other.evaluate((url) => new Promise((resolve) => {
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}stream`);
  socket.onopen = () => resolve("open");
  socket.onerror = () => resolve("refused");
}), device.url);

async function allow(origin) {
  await leave();
  await device.type(`set http.server.cors_origin "${origin}"\r\n`, "Set OK");
  await device.restartNetwork();
}

const PREFLIGHTS = ["OPTIONS /command/get%20wlan.ssid", "OPTIONS /command"];

/** The browser has asked before each call, and for nothing else. It tells so a moment after the call has failed. */
async function asked(preflights) {
  await until("a preflight for each call", () => preflights.length >= PREFLIGHTS.length);
  assert.deepEqual(preflights, PREFLIGHTS);
}

test("a page of another origin may use the API, after the browser's preflight", async () => {
  const ssid = await device.command("get wlan.ssid");
  await allow("*");
  await elsewhere(async (other, preflights) => {
    assert.deepEqual(await use(other, "get wlan.ssid"), [`${ssid}\r\n`, `${ssid}\r\n`]);
    await asked(preflights);
    assert.equal(await knock(other), "open");
  });
});

test("a page of the origin that is named may use the API", async () => {
  const ssid = await device.command("get wlan.ssid");
  await elsewhere(async (other, preflights, origin) => {
    await allow(origin);
    assert.deepEqual(await use(other, "set time.zone 3"), [`${ssid}\r\n`, "Set OK\r\n"]);
    await asked(preflights);
    assert.equal(await knock(other), "open");
  });
  assert.equal(await device.command("get time.zone"), "3");
});

test("pages of other origins may not: the browser stops at the preflight, the device refuses a WebSocket", async () => {
  for (const origin of ["http://maker.example", ""]) {
    await allow(origin);
    await elsewhere(async (other, preflights) => {
      assert.deepEqual(await use(other, "set time.zone 4"), ["TypeError", "TypeError"], origin);
      await asked(preflights);
      assert.equal(await knock(other), "refused", origin);
    });
    assert.equal(await device.command("get time.zone"), "3", origin);
    assert.doesNotMatch(await device.command("stream_list"), /WEBS/);
  }
});

test("the device's own pages may open WebSockets whatever is named", async () => {
  await page.goto(device.url);
  assert.equal(await knock(page), "open");
  await device.type("stream_close all\r\n", "Success");
  await device.type("set time.zone 0\r\n", "Set OK");
});
