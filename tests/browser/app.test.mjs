// A web app of several files, put on the device with nothing but `POST /command`, and run by the device.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { until } from "./device.mjs";
import { browser, complaints, context, device, deviceName, leave, page, test, watch } from "./harness.mjs";

const CHUNK = 2560;

/** The files on the device. Style sheet and scripts are there in their packed form only. */
const FILES = [
  ["bench/index.html", "index.html"],
  ["bench/style.css.gz", "style.css"],
  ["bench/app.js.gz", "app.js"],
  ["bench/device.js.gz", "device.js"],
  ["bench/settings.json", "settings.json"],
  ["bench/lamp.png", "lamp.png"],
].map(([name, source]) => {
  const bytes = readFileSync(new URL(`app/${source}`, import.meta.url));
  return { name, bytes: name.endsWith(".gz") ? gzipSync(bytes, { level: 9 }) : bytes };
});

/** The CRC that `file_create` checks (interface, files 6): bits of each byte from the lowest, polynomial 0x1021. */
function crc16(bytes) {
  let crc = 0xffff;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const carry = (crc >> 15) ^ ((byte >> bit) & 1);
      crc = ((crc << 1) & 0xffff) ^ (carry ? 0x1021 : 0);
    }
  }
  return crc.toString(16).toUpperCase();
}

/** `POST /command` as the vendor's JavaScript library does it; answers the text without its line end. */
async function post(command, data, credentials) {
  const body = data === undefined ? { flags: 0, command } : { flags: 4, command, data: data.toString("base64") };
  const headers = { "Content-Type": "application/json", ...(credentials && { Authorization: credentials }) };
  const answer = await fetch(`${device.url}command`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.equal(answer.status, 200, command);
  const { code, response } = await answer.json();
  assert.equal(code, 0, `${command}: ${response}`);
  return response.replace(/\r\n$/, "");
}

/** Opens the app and uses it. */
async function use(opened) {
  const answers = new Map();
  opened.on("response", (response) => answers.set(new URL(response.url()).pathname, response));
  await opened.goto(device.url);
  await opened.locator("#state").getByText(/^(Running|Failed)/).waitFor();
  assert.equal(await opened.locator("#state").innerText(), "Running");

  assert.equal(await opened.title(), "Bench lamp");
  assert.equal(await opened.locator("#version").innerText(), await opened.evaluate(async () =>
    (await (await fetch("/command/version")).json()).response.trim()));
  assert.match(await opened.locator("#version").innerText(), /^OPENZENTRI/);
  assert.equal(await opened.locator("#customer").innerText(), "Käthe's workshop, 3 °C");
  const style = await opened.evaluate(() => {
    const { color, letterSpacing } = getComputedStyle(document.querySelector("h1"));
    return { color, letterSpacing };
  });
  assert.deepEqual(style, { color: "rgb(1, 2, 3)", letterSpacing: "5px" });
  const picture = await opened.evaluate(() => {
    const image = document.getElementById("picture");
    const canvas = Object.assign(document.createElement("canvas"), { width: 96, height: 64 });
    canvas.getContext("2d").drawImage(image, 0, 0);
    const [red] = canvas.getContext("2d").getImageData(48, 30, 1, 1).data;
    return { size: [image.naturalWidth, image.naturalHeight], lit: red > 200 };
  });
  assert.deepEqual(picture, { size: [96, 64], lit: true });

  const zone = Number(await opened.locator("#zone").innerText());
  await opened.locator("#east").click();
  await opened.locator("#zone").getByText(String(zone + 1), { exact: true }).waitFor();

  const head = async (path) => {
    const headers = await answers.get(path).allHeaders();
    return [headers["content-type"], headers["content-encoding"]];
  };
  assert.match((await head("/"))[0], /^text\/html/);
  assert.equal((await head("/"))[1], undefined);
  for (const [path, type] of [["/bench/style.css", /^text\/css/], ["/bench/app.js", /javascript/], ["/bench/device.js", /javascript/]]) {
    const [found, encoding] = await head(path);
    assert.match(found, type, path);
    assert.equal(encoding, "gzip", path);
  }
  assert.deepEqual(await head("/bench/lamp.png"), ["image/png", undefined]);
  for (const response of answers.values()) assert.ok(response.status() < 400, `${response.status()} ${response.url()}`);
}

test("a web app is put on the device through POST /command alone", async () => {
  for (const { name, bytes } of FILES) {
    const handle = await post(`fcr -o ${name} ${bytes.length} 1.0.0.0 0xFE ${crc16(bytes)}`);
    assert.match(handle, /^\d+$/);
    for (let at = 0; at < bytes.length; at += CHUNK) {
      const part = bytes.subarray(at, at + CHUNK);
      assert.equal(await post(`write ${handle} ${part.length}`, part), "Success");
    }
  }
  assert.ok(FILES.some(({ bytes }) => bytes.length > 2 * CHUNK), "one file takes several pieces");
  const listing = await post("ls");
  for (const { name, bytes } of FILES) {
    assert.match(listing, new RegExp(`^#.* ${bytes.length} +1\\.0\\.0\\.0 +${name.replaceAll(".", "\\.")}\r?$`, "m"));
  }
  assert.equal(await post("set http.server.root_filename bench/index.html"), "Set OK");
});

/** Uses the app in a page of its own, about which nobody complains. */
async function useIn(where) {
  const opened = watch(await where.newPage());
  const before = complaints.length;
  await use(opened);
  assert.deepEqual(complaints.slice(before), []);
  await opened.close();
}

test("the app runs from the device", () => useIn(context));

test("the app is there after a restart of the device", async () => {
  await leave();
  const started = device.serial.length;
  await post("save");
  await post("reboot");
  await until("the device to start", () => device.serial.slice(started).includes("Ready]"), 20);
  await device.answers();
  await until("uptime from the start", async () => Number(await device.command("get time.uptime")) < 20);
  // Nothing of what the browser keeps.
  const fresh = await browser.newContext();
  await useIn(fresh);
  await fresh.close();
});

test("with a password set, the app runs for those who know it", async () => {
  const owner = `Basic ${Buffer.from("maker:open-sesame").toString("base64")}`;
  await post("set http.server.username maker");
  await post("set http.server.password open-sesame");
  for (const path of ["", "bench/app.js", "bench/lamp.png", "command/version"]) {
    assert.equal((await fetch(`${device.url}${path}`)).status, 401, path);
  }
  const own = await browser.newContext({ httpCredentials: { username: "maker", password: "open-sesame" } });
  const opened = await own.newPage();
  await use(opened);
  await own.close();
  await post('set http.server.password ""', undefined, owner);
});

test("the files go through the API too, and the console is back", async () => {
  for (const { name } of FILES) assert.equal(await post(`file_delete ${name}`), "Success");
  await post("set http.server.root_filename webapp/index.html");
  await post("save");
  const response = await page.goto(device.url);
  assert.equal(response.status(), 200);
  const title = `Terminal · ${await deviceName()}`;
  await until("the title of the console", async () => (await page.title()) === title);
});
