// The page of the device: what it is, its settings as a file, its password, factory reset.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Device, until } from "./device.mjs";
import { answerDialog, atEnd, browser, button, complaints, device, deviceName, page, program, test, watch } from "./harness.mjs";

const fact = (name, within = page) => within.locator("#device-facts dt", { hasText: new RegExp(`^${name}$`) }).locator("xpath=following-sibling::dd[1]");

test("the page says what the device is", async () => {
  await page.goto(`${device.url}#device`);
  await fact("Running for").waitFor();
  assert.equal(await fact("Name").innerText(), await deviceName());
  assert.equal(await fact("MAC").innerText(), await device.command("get wlan.mac"));
  assert.equal(await fact("Address").innerText(), await device.command("get wlan.network.ip"));
  assert.equal(await fact("Firmware").innerText(), await device.command("version"));
  assert.match(await fact("Running for").innerText(), /^(\d+ min )?\d+ s$/);
  assert.match(await fact("Memory").innerText(), /^\d+ % in use$/);
  assert.match(await fact("Flash").innerText(), /^\d+ files?, [\d.]+ k?B$/);
  const before = await fact("Running for").innerText();
  await until("a later time", async () => (await fact("Running for").innerText()) !== before);
});

// --- settings as a file ---

/** Every setting of a device that can be set and read, as the device prints it. */
async function settings(of) {
  const table = (await of.command("help variables")).split("\r\n").map((line) => line.split(/\s+/));
  const names = new Set(table.filter(([access]) => access === "g/s").map(([, name]) => name));
  // The clock is no setting.
  names.delete("time.rtc");
  const lines = (await of.command("get all")).split("\r\n");
  return lines.filter((line) => names.has(/^[\w.]+/.exec(line)?.[0])).map((line) => line.trimEnd());
}

/** Values that are hard to write down, and such as could stand in each other's way. */
const FIRST = ["mdns.name bench-#", 'http.server.auth_title "caf\\xc3\\xa9 \\"one\\" \\\\ #2"', 'softap.ssid "\\x1b\\xff end"', "gpio.alias 5 led",
  "gpio.init 12 output 1", "gpio.init 13 input_pull_up", "uart.baud 1 100000 raw", 'system.msg initialized "@t hello"', "system.indicator.gpio wlan 20",
  "system.indicator.gpio network 21", "tcp.server.port 3456", 'email.smtp.host ""', "email.smtp.password secret", "system.variable_lock ntp,udp.server"];
const SECOND = ["gpio.alias 5 button", "gpio.alias 6 relay", "gpio.init 14 input", "system.msg wake awake", "system.indicator.gpio wlan 21",
  "system.indicator.gpio network 20", "system.indicator.gpio softap 22", "tcp.server.port 7", "email.smtp.host mail.example.com",
  "email.smtp.password other", "softap.ssid other", "system.variable_lock tcp"];

let file;
let other;
let opened;

async function give(of, lines) {
  for (const line of lines) assert.equal(await of.command(`set ${line}`), "Set OK", line);
}

test("a back-up is a file with every setting that can be read", async () => {
  const before = await settings(device);
  await give(device, FIRST);
  const arriving = page.waitForEvent("download");
  await button("Back up").click();
  const download = await arriving;
  file = { name: download.suggestedFilename(), mimeType: "text/plain", buffer: readFileSync(await download.path()) };
  assert.match(file.name, /-settings\.txt$/);
  const text = file.buffer.toString();
  assert.match(text, /^# Settings of .*OPENZENTRI/);
  assert.match(text, /^tcp\.server\.port 3456$/m);
  assert.match(text, /^# Left out.*email\.smtp\.password, .*wlan\.passkey/m);
  assert.match(await page.locator("#restore-failed").innerText(), /Left out.*system\.security_key/);
  assert.doesNotMatch(text, /^(time\.rtc|wlan\.mac|email\.smtp\.password) /m);
  const lines = text.split("\n").filter((line) => line && !line.startsWith("#"));
  const modes = ["system.cmd.mode", "system.cmd.format"];
  const readable = before.filter((line) => !modes.some((name) => line.startsWith(name)) && !/(passkey|password):/.test(line));
  assert.ok(lines.length >= readable.length, `${lines.length} of ${readable.length}`);
});

test("a back-up that is restored on another device makes its settings equal, and they stay", async () => {
  other = new Device(program, process.env.OPENZENTRI_TARGET);
  atEnd.push(async () => {
    await other.stop();
    other.remove();
  });
  await other.start();
  await give(other, SECOND);
  await other.command("save");
  const wanted = await settings(device);
  assert.notDeepEqual(await settings(other), wanted);
  const own = await browser.newContext();
  opened = watch(await own.newPage(), []);
  await opened.goto(`${other.url}#device`);
  await opened.setInputFiles("#restore", file);
  await button("Restore", opened.locator("#confirm")).click();
  await opened.locator("#restore-state").getByText(/ tried, 0 failed, the rest is saved/).waitFor({ timeout: 60_000 });
  assert.deepEqual(await settings(other), wanted);
  assert.match(await opened.locator("#restore-state").innerText(), /Passwords and passphrases are in no file: set them/);
  await opened.setInputFiles("#restore", file);
  await opened.locator("#restore-state").getByText("Nothing differs.").waitFor();
  // As the page says: what opens the network is not in the file.
  const { passphrase } = device.radio.other;
  await give(other, [`wlan.passkey ${passphrase}`]);
  await other.command("save");
  await opened.goto("about:blank");
  await other.stop();
  await other.start();
  const port = (line) => line.startsWith("http.server.port");
  assert.deepEqual((await settings(other)).filter((line) => !port(line)), wanted.filter((line) => !port(line)));
});

test("what cannot be restored is named, with what the device says", async () => {
  await opened.goto(`${other.url}#device`);
  const text = "tcp.server.port 70000\nno.such.variable 1\nudp.client.remote_port 4001\nmdns.name kept\n";
  await opened.setInputFiles("#restore", { name: "wrong.txt", mimeType: "text/plain", buffer: Buffer.from(text) });
  await button("Restore", opened.locator("#confirm")).click();
  await opened.locator("#restore-state").getByText(/2 failed, the rest is saved/).waitFor();
  const failed = await opened.locator("#restore-failed li").allInnerTexts();
  assert.deepEqual(failed, ["tcp.server.port 70000: Invalid argument", "no.such.variable 1: Unknown variable"]);
  assert.equal(await other.command("get udp.client.remote_port"), "4001");
  assert.equal(await other.command("get mdns.name"), "kept");
  assert.equal(await other.command("get tcp.server.port"), "3456");
  assert.equal(await other.command("get system.variable_lock"), "ntp,udp.server", "the lock is back in its place");
  await opened.setInputFiles("#restore", { name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("a note\n") });
  await opened.getByText("There are no settings in this file").waitFor();
});

// --- the password ---

test("the page says whether a password is set, sets one and goes on, and removes it", async () => {
  const stranger = async () => (await fetch(`${other.url}log`)).status;
  await opened.locator("#password-state").getByText("No password is set").waitFor();
  assert.equal(await stranger(), 200);
  await opened.getByLabel("User").fill("maker");
  await opened.getByLabel("New password").fill("open sesame \"1\"");
  await button("Set the password", opened).click();
  await opened.locator("#password-state").getByText("A password is set", { exact: true }).waitFor();
  assert.equal(await stranger(), 401);
  assert.equal(await opened.getByLabel("New password").inputValue(), "");
  const known = `Basic ${Buffer.from('maker:open sesame "1"').toString("base64")}`;
  assert.equal((await fetch(`${other.url}log`, { headers: { authorization: known } })).status, 200);
  await opened.locator('.pins a[href="#files"]').click();
  await opened.locator("#files-refresh").click();
  await until("the page online", async () => (await opened.locator("#link").innerText()) === "Online");
  await opened.locator('.pins a[href="#device"]').click();
  await button("Remove the password", opened).click();
  await opened.locator("#password-state").getByText("No password is set").waitFor();
  assert.equal(await stranger(), 200);
});

/** The page asks as a stranger to find out whether it is asked for a password, and the browser complains about the answer. */
test("nothing else was complained about", () => {
  const others = complaints.filter((text) => !/status of 401/.test(text));
  complaints.length = 0;
  assert.deepEqual(others, []);
});

// --- factory reset ---

test("a factory reset is asked for, and resets", async () => {
  await button("Reset to factory settings", opened).click();
  await button("Cancel", opened.locator("#confirm")).click();
  assert.equal(await other.command("get mdns.name"), "kept");
  await button("Reset to factory settings", opened).click();
  await button("Reset", opened.locator("#confirm")).click();
  await until("the name of the factory", () => other.type("get mdns.name\r\n", "zentrios-#"), 40);
  assert.ok((await other.type("get email.smtp.host\r\n", "\r\n> ")).includes("email.smtp.host"));
  await opened.context().close();
});

test("and the device has its own settings again", async () => {
  await device.command('set system.variable_lock ""');
  for (const line of FIRST.slice(0, -1)) {
    const [name, element] = line.split(" ");
    const indexed = /^(gpio|uart|system\.(msg|indicator))/.test(name);
    const help = await device.command(`help ${name}`);
    const value = /^Default: ([^\r\n]*)/m.exec(help)?.[1] ?? "";
    await device.command(`set ${name} ${indexed ? `${element} ` : ""}${value || '""'}`);
  }
  assert.equal(await device.command("get tcp.server.port"), "3000");
  await device.command("save");
});
