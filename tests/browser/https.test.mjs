// The console over HTTPS, with the certificate that the device has made for itself: by exception, as its owner adds one
// after comparing the fingerprint. A device of its own.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { connect } from "node:tls";
import { Device, until } from "./device.mjs";
import { atEnd, browser, test, watch } from "./harness.mjs";

/** The certificate that a server shows. */
const shown = (port) => new Promise((resolve, reject) => {
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().raw);
    socket.destroy();
  });
  socket.on("error", reject);
});

test("the console works over https, by exception", async () => {
  const device = new Device(process.argv[2], process.env.OPENZENTRI_TARGET);
  atEnd.push(async () => {
    await device.stop();
    device.remove();
  });
  await device.start();
  await device.type("set http.server.tls_enabled 1\r\n", "Set OK");
  await device.type("network_restart\r\n", "Success");
  const certificate = await until("the certificate", () => shown(device.port));
  const digest = createHash("sha256").update(certificate).digest("hex").toUpperCase().match(/../g).join(":");
  assert.ok(device.serial.includes(`Certificate SHA-256: ${digest}`), device.serial);

  const url = `https://127.0.0.1:${device.port}/`;
  const careful = await (await browser.newContext()).newPage();
  await assert.rejects(careful.goto(url), /ERR_CERT_AUTHORITY_INVALID/);
  await careful.context().close();

  const page = watch(await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage());
  try {
    assert.equal((await page.goto(url)).status(), 200);
    await until("the page to be online", async () => (await page.locator("#link").innerText()) === "Online");
    await page.fill("#terminal-input", "get http.server.tls_enabled");
    await page.press("#terminal-input", "Enter");
    const answer = page.locator(".entry-pair").last().locator("pre");
    await until("the answer", async () => (await answer.innerText()).trim() === "1");
    assert.equal(await page.evaluate((url) => new Promise((resolve) => {
      const socket = new WebSocket(`${url.replace(/^http/, "ws")}stream`);
      socket.onopen = () => { resolve("open"); socket.close(); };
      socket.onerror = () => resolve("refused");
    }), url), "open");
  } finally {
    await page.context().close();
  }
});
