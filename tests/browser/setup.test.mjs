// Web setup from a phone: the device has a soft AP of its own, and the person who has joined it gives it a network.

import assert from "node:assert/strict";
import { until } from "./device.mjs";
import { browser, button, device, leave, PHONE, test, watch } from "./harness.mjs";

let phone;

test("a phone finds the page of web setup on the soft AP", async () => {
  await leave();
  await device.type("network_down\r\n", "Success");
  await device.type("setup web\r\n", "Web setup started");
  await device.type("setup status\r\n", "1\r\n");
  const context = await browser.newContext({ viewport: PHONE, isMobile: true, hasTouch: true });
  phone = watch(await context.newPage());
  await phone.goto(`http://127.0.0.2:${device.port}/#network`);
  await phone.locator("#network-state").getByText("Not connected").waitFor();
});

test("a wrong passphrase is found out before anything is changed", async () => {
  const { ssid } = device.radio.other;
  const before = await device.type("get wlan.ssid\r\n", "\r\n> ");
  await button("Scan", phone).tap();
  await phone.getByRole("radio", { name: ssid }).tap();
  await phone.getByLabel("Passphrase", { exact: true }).fill("not-the-passphrase");
  await button("Join", phone).tap();
  await phone.getByText(`${ssid}: the passphrase was refused. Nothing was changed.`).first().waitFor({ timeout: 30_000 });
  assert.equal(await device.type("get wlan.ssid\r\n", "\r\n> "), before);
  await device.type("setup status\r\n", "1\r\n");
});

test("the right one joins, and web setup is over", async () => {
  const { ssid, passphrase } = device.radio.other;
  await phone.getByLabel("Passphrase", { exact: true }).fill(passphrase);
  await button("Join", phone).tap();
  await phone.locator("#join-progress").getByText(`Web setup is over. Connect to ${ssid}`).waitFor({ timeout: 30_000 });
  await phone.context().close();
  await device.answers();
  assert.equal(await device.command("get wlan.ssid"), ssid);
  await until("the end of web setup", async () => (await device.command("setup status")) === "0");
});
