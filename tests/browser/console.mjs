// Tests of the web console, in the order of a session: each goes on where the last one stopped.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { chromium } from "playwright-core";
import { Device, freePort, pause, until } from "./device.mjs";

const [program, wanted = ""] = process.argv.slice(2);
const OUTPUT = new URL("output/", import.meta.url).pathname;
const VIEWS = ["terminal", "network", "streams", "files", "settings"];
const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 800 };
const CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const tests = [];
const test = (name, body) => tests.push({ name, body });

const device = new Device(program);
let browser;
let context;
let page;
/** Everything the pages asked for, and everything they complained about. */
const requests = [];
const complaints = [];

function watch(opened) {
  opened.on("request", (request) => requests.push(request.url()));
  opened.on("pageerror", (error) => complaints.push(error.message));
  opened.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  opened.setDefaultTimeout(8000);
  return opened;
}

/** The answer that the terminal shows below a command, once it is there. */
const answerTo = (line) => until(`answer to ${line}`, async () => {
  const pair = page.locator(".entry-pair", { has: page.getByText(line, { exact: true }) }).last();
  const text = await pair.locator("pre").innerText();
  return text !== "…" && text;
});
const goTo = (view) => page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: view }).click();
const button = (name, within = page) => within.getByRole("button", { name, exact: true });

async function enter(line) {
  await page.fill("#terminal-input", line);
  await page.press("#terminal-input", "Enter");
}

async function answerDialog(action) {
  await button(action, page.locator("#confirm")).click();
}

// --- the page ---

test("a fresh device serves the console at /", async () => {
  const response = await page.goto(device.url);
  assert.equal(response.status(), 200);
  const headers = response.headers();
  assert.equal(headers["content-encoding"], "gzip");
  assert.match(headers["content-security-policy"], /default-src 'none'; script-src 'self'; style-src 'self'/);
  assert.equal(await page.title(), "Terminal · OpenZentri");
  await until("the version beside the brand", async () =>
    (await page.locator("#marking").innerText()).startsWith("OPENZENTRI"));
  assert.equal(await page.locator("#link").innerText(), "Online");
});

test("its parts are kept by the browser, and are small", async () => {
  const parts = [...new Set(requests)].filter((url) => url.includes("/.console/"));
  assert.ok(parts.length > 5, parts.join());
  let total = 0;
  for (const url of [device.url, ...parts]) {
    const response = await fetch(url, { headers: { "Accept-Encoding": "gzip" } });
    assert.equal(response.status, 200);
    if (url !== device.url) assert.match(response.headers.get("cache-control"), /immutable/);
    total += Number(response.headers.get("content-length"));
  }
  assert.ok(total < 60_000, `${total} bytes`);
  console.log(`    ${total} bytes in ${parts.length + 1} parts`);
  assert.equal((await fetch(`${device.url}.console/`)).status, 200);
  assert.equal((await fetch(`${device.url}.console/old/app.js`)).status, 404);
});

test("its codecs agree with the reference", async () => {
  const part = (name) => requests.find((url) => url.endsWith(`/${name}`));
  const found = await page.evaluate(async ([bytesUrl, logUrl]) => {
    const { crc16, encode, fromBase64, hexDump, parseHex, quote, toBase64 } = await import(bytesUrl);
    const { newLines } = await import(logUrl);
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    return {
      crc: ["", "123456789", "hello world", "140"].map((text) => crc16(encode(text)).toString(16)),
      crcAll: crc16(all).toString(16),
      base64: toBase64(all) === btoa(String.fromCharCode(...all)) && fromBase64(toBase64(all)).every((byte, at) => byte === at),
      quote: quote('a "b" \\c\n\u00e9'),
      hex: [[...parseHex("0x00 fF,7f")], parseHex("123"), parseHex("xy")],
      dump: hexDump(encode("0123456789\n"), 8),
      // The same; one more; the oldest gone; all gone after a restart; equal lines.
      fresh: [[["a", "b"], ["a", "b"]], [["a"], ["a", "b"]], [["a", "b"], ["b", "c"]], [["a", "b"], ["x"]], [["a", "a"], ["a", "a", "a"]],
        [[], ["a"]], [["a", "b", "c"], ["c", "d"]]].map(([before, now]) => newLines(before, now).join("")),
    };
  }, [part("bytes.js"), part("log.js")]);
  assert.deepEqual(found, {
    crc: ["ffff", "89f6", "9f8a", "a0"],
    crcAll: "c3f3",
    base64: true,
    quote: '"a \\"b\\" \\\\c\\x0a\u00e9"',
    hex: [[0, 255, 127], null, null],
    dump: "0000  30 31 32 33 34 35 36 37  01234567\n0008  38 39 0a                 89·",
    fresh: ["", "b", "c", "x", "a", "a", "d"],
  });
});

// --- terminal ---

test("the terminal runs a command and shows its answer", async () => {
  await enter("version");
  assert.equal(await answerTo("version"), await device.command("version"));
});

test("the terminal shows failures as such", async () => {
  await enter("nonsense");
  assert.equal(await answerTo("nonsense"), "Unknown command");
  assert.equal(await page.locator("#terminal-output .bad").innerText(), "Unknown command");
});

test("a long answer comes whole", async () => {
  await enter("help commands");
  assert.equal(await answerTo("help commands"), (await device.command("help commands")).replaceAll("\r\n", "\n"));
});

test("log lines appear while they come", async () => {
  await device.type("file_create serial.txt 2\r\nhi", "File created");
  await page.locator("#terminal-output .logged").getByText("File created").waitFor();
});

test("tab completes from the device's tables", async () => {
  const value = () => page.inputValue("#terminal-input");
  const type = async (text) => {
    await page.locator("#terminal-input").pressSequentially(text);
    await page.locator("#terminal-options li").first().waitFor();
  };
  await page.fill("#terminal-input", "");
  await type("stream_w");
  await page.keyboard.press("Tab");
  assert.equal(await value(), "stream_write ");
  await page.locator("#terminal-usage").getByText("stream_write <handle> <size>").waitFor();
  await page.fill("#terminal-input", "");
  await type("set wlan.ss");
  await page.keyboard.press("Tab");
  assert.equal(await value(), "set wlan.ssid ");
  await page.fill("#terminal-input", "");
  await type("get http.server.ro");
  await page.locator("#terminal-options li").first().click();
  assert.equal(await value(), "get http.server.root_filename ");
  await page.fill("#terminal-input", "");
  await type("set network.default_interface w");
  await page.keyboard.press("Tab");
  assert.equal((await value()).trim(), "set network.default_interface wlan");
});

test("the arrow keys recall the history", async () => {
  await page.fill("#terminal-input", "draft");
  await page.press("#terminal-input", "ArrowUp");
  assert.equal(await page.inputValue("#terminal-input"), "help commands");
  await page.press("#terminal-input", "ArrowUp");
  assert.equal(await page.inputValue("#terminal-input"), "nonsense");
  await page.press("#terminal-input", "ArrowDown");
  await page.press("#terminal-input", "ArrowDown");
  assert.equal(await page.inputValue("#terminal-input"), "draft");
});

test("a command that reads data gets it", async () => {
  await page.fill("#terminal-input", "");
  await page.locator("#terminal-input").pressSequentially("file_create typed.txt 5 ");
  await page.getByLabel("Data that the command reads").fill("h\u00e9y!");
  await page.press("#terminal-input", "Enter");
  assert.equal(await answerTo("file_create typed.txt 5"), "Success");
});

test("a hidden tab asks for nothing", async () => {
  await page.evaluate(() => Object.defineProperty(document, "hidden", { value: true, configurable: true }));
  await pause(1500);
  const before = requests.length;
  await pause(2500);
  const during = requests.length - before;
  await page.evaluate(() => delete document.hidden);
  assert.equal(during, 0);
  await until("the log again", () => requests.length > before + 1);
});

// --- settings ---

test("a setting is found, explained, set and saved", async () => {
  await goTo("Settings");
  await page.getByRole("searchbox", { name: "Search" }).fill("cors");
  const row = page.locator("#settings-list details:not([hidden])");
  await row.waitFor();
  assert.equal(await row.count(), 1);
  await row.locator("summary").click();
  await row.getByText("after a network restart").waitFor();
  await row.getByLabel("Value of http.server.cors_origin").fill("*");
  await button("Set", row).click();
  const pending = page.locator("#pending");
  await pending.getByText("Not saved:").waitFor();
  await pending.getByText("Waiting for a network restart:").waitFor();
  assert.equal(await device.command("get http.server.cors_origin"), "*");
  await button("Save", pending).click();
  await pending.getByText("Not saved:").waitFor({ state: "hidden" });
  await button("Restart network", pending).click();
  await pending.waitFor({ state: "hidden" });
});

test("a setting of a list offers its words, one of a number its range", async () => {
  const search = page.getByRole("searchbox", { name: "Search" });
  await search.fill("wlan.security");
  const row = page.locator("#settings-list details:not([hidden])").first();
  await row.locator("summary").click();
  const select = row.getByLabel("Value of wlan.security");
  await select.waitFor();
  assert.ok((await select.locator("option").allInnerTexts()).includes("wpa2_aes"));
  await search.fill("tcp.server.port");
  await row.page().locator("#settings-list details:not([hidden]) summary").click();
  const port = page.getByLabel("Value of tcp.server.port");
  assert.equal(await port.getAttribute("max"), "65535");
  await port.fill("3010");
  await port.press("Enter");
  await page.locator("#pending").getByText("tcp.server.port").first().waitFor();
  assert.equal(await device.command("get tcp.server.port"), "3010");
});

test("saved settings survive a restart of the process", async () => {
  await device.stop();
  await until("the page to notice", async () => {
    await button("Refresh", page.locator("#view-settings")).click();
    return (await page.locator("#link").innerText()) === "No answer";
  });
  complaints.length = 0;
  await device.start();
  assert.equal(await device.command("get http.server.cors_origin"), "*");
  assert.equal(await device.command("get tcp.server.port"), "3000", "what was not saved is gone");
});

test("the device restarts from the page, which comes back", async () => {
  await button("Restart the device").click();
  await answerDialog("Restart");
  await until("uptime from the start", async () => Number(await device.command("get time.uptime")) < 3, 20);
  await page.waitForEvent("load", { timeout: 30_000 });
  await page.locator("#pending").waitFor({ state: "hidden" });
});

// --- network ---

test("a scan lists networks once, the strongest first", async () => {
  await goTo("Network");
  await page.locator("#network-state").getByText("Connected to Workshop").waitFor();
  await button("Scan").click();
  await page.getByText("3 networks").waitFor();
  assert.deepEqual(await page.locator("#found .name").allInnerTexts(), ["Workshop", "Cafe", "Attic"]);
  await page.getByText("WPA2-AES, channel 6, 2 access points").waitFor();
});

test("the form joins a network and saves it", async () => {
  await page.getByRole("radio", { name: /Attic/ }).check();
  assert.equal(await page.inputValue("#join-ssid"), "Attic");
  await page.getByLabel("Passphrase", { exact: true }).fill("bench-secret");
  await button("Join").click();
  await page.locator("#network-state").getByText("Connected to Attic").waitFor();
  await page.locator("#join-progress").getByText("Associating to Attic").waitFor();
  assert.equal(await device.command("get wlan.ssid"), "Attic");
  assert.ok(await page.locator("#pending").isHidden());
});

// --- files ---

const content = Buffer.from(Array.from({ length: 10_007 }, (_, at) => (at * 7) ^ (at >> 8)));

test("a file is uploaded with progress", async () => {
  await goTo("Files");
  await page.getByLabel("Folder").fill("data/");
  await page.evaluate(() => {
    globalThis.steps = [];
    new MutationObserver(() => {
      const note = document.querySelector("#uploads .small");
      if (note) globalThis.steps.push(note.textContent);
    }).observe(document.querySelector("#uploads"), { childList: true, subtree: true, characterData: true });
  });
  await page.setInputFiles("#upload-files", { name: "a b.bin", mimeType: "application/octet-stream", buffer: content });
  await page.getByRole("link", { name: "data/a b.bin" }).waitFor();
  assert.ok((await page.evaluate(() => globalThis.steps)).some((step) => /^[1-9]\d? %$/.test(step)));
  const listing = await device.command("ls");
  assert.match(listing, /10007 +1\.0\.0\.0 +data\/a b\.bin/);
});

test("the file is downloaded byte for byte", async () => {
  const arriving = page.waitForEvent("download");
  await button("Download: data/a b.bin").click();
  const download = await arriving;
  assert.equal(download.suggestedFilename(), "a b.bin");
  assert.deepEqual(readFileSync(await download.path()), content);
});

test("an existing file is replaced only when that is confirmed", async () => {
  const replacement = { name: "a b.bin", mimeType: "text/plain", buffer: Buffer.from("new") };
  await page.setInputFiles("#upload-files", replacement);
  await answerDialog("Cancel");
  await page.setInputFiles("#upload-files", replacement);
  await answerDialog("Replace");
  await until("the new size", async () => / 3 +1\.0\.0\.0 +data\/a b\.bin/.test(await device.command("ls")));
});

test("an empty file is uploaded, and files are deleted", async () => {
  await page.getByLabel("Folder").fill("");
  await page.setInputFiles("#upload-files", { name: "empty", mimeType: "text/plain", buffer: Buffer.alloc(0) });
  for (const name of ["empty", "data/a b.bin", "typed.txt"]) {
    await button(`Delete: ${name}`).click();
    await answerDialog("Delete");
    await page.getByRole("link", { name, exact: true }).waitFor({ state: "hidden" });
  }
  assert.match(await device.command("ls"), /^!.*\r\n# +0 .*serial\.txt$/);
});

// --- streams ---

let peer;
let received = "";

test("a TCP client of the device is listed and read, as text and as hexadecimal", async () => {
  await goTo("Streams");
  await page.getByText("No stream is open.").waitFor();
  const port = await freePort();
  await device.command(`tcp_server start ${port}`);
  peer = connect(port, "127.0.0.1");
  peer.on("data", (bytes) => (received += bytes));
  peer.write("hello page\r\n");
  const row = page.locator("#streams-list li");
  await row.getByText("data waits (12 bytes)").waitFor();
  assert.match(await row.innerText(), /TCPS/);
  await row.getByRole("button", { name: /^View/ }).click();
  const viewer = page.locator(".viewer");
  await button("Read", viewer).click();
  await viewer.getByText("hello page").waitFor();
  await viewer.getByLabel("Show as").selectOption("hex");
  await viewer.getByText("68 65 6c 6c 6f 20 70 61 67 65 0d 0a").waitFor();
});

test("what is sent from the page reaches the peer", async () => {
  const viewer = page.locator(".viewer");
  await viewer.getByLabel("To send").fill("from the page");
  await viewer.getByLabel("Then").selectOption("crlf");
  await button("Send", viewer).click();
  await until("the text at the peer", () => received === "from the page\r\n");
  await viewer.getByRole("combobox", { name: "As", exact: true }).selectOption("hex");
  await viewer.getByLabel("To send").fill("00 ff 0x41");
  await button("Send", viewer).click();
  await until("the bytes at the peer", () => received.endsWith("A"));
});

test("a viewer that keeps reading shows what comes, and the end", async () => {
  const viewer = page.locator(".viewer");
  await viewer.getByLabel("Keep reading").check();
  await viewer.getByLabel("Show as").selectOption("text");
  peer.write("one more");
  await viewer.getByText("one more").waitFor();
  await page.locator("#streams-list").getByRole("button", { name: /^Close/ }).click();
  await page.getByText("No stream is open.").waitFor();
  await until("the peer's end", () => peer.readableEnded || peer.destroyed);
  await button("Hide", viewer).click();
});

test("a WebSocket of the page shows what the host writes, and the other way round", async () => {
  await button("Connect").click();
  await page.locator("#socket-state").getByText("Connected", { exact: true }).waitFor();
  const list = await device.type("stream_list\r\n", "WEBS");
  const handle = /# (\d+) WEBS/.exec(list)[1];
  await device.type(`stream_write ${handle} 14\r\nfrom the host!`, "Success");
  const viewer = page.locator(".viewer");
  await viewer.getByText("from the host!").waitFor();
  await viewer.getByLabel("To send").fill("I am a teapot.");
  await button("Send", viewer).click();
  await device.type(`stream_poll ${handle}\r\n`, "1");
  await device.type(`stream_read ${handle} 14\r\n`, "I am a teapot.");
  await button("Disconnect").click();
  await page.locator("#socket-state").getByText("Not connected").waitFor();
  await device.type("stream_close all\r\n", "Success");
});

// --- other origins, own pages ---

test("a page of another origin may use the API, after the browser's preflight", async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { "Content-Type": "text/html" });
    response.end("<!doctype html><title>elsewhere</title>");
  }).listen(0, "127.0.0.1");
  await until("the other server", () => server.listening);
  const other = await context.newPage();
  await other.goto(`http://127.0.0.1:${server.address().port}/`);
  const answer = await other.evaluate(async (url) => {
    const headers = { "Content-Type": "application/json", Accept: "application/json" };
    const get = await fetch(`${url}command/get%20wlan.ssid`, { headers });
    const post = await fetch(`${url}command`, { method: "POST", headers, body: '{"flags":0,"command":"get wlan.ssid"}' });
    return [(await get.json()).response, (await post.json()).response];
  }, device.url).finally(() => server.close());
  await other.close();
  assert.deepEqual(answer, ["Attic\r\n", "Attic\r\n"]);
});

test("the user's own page takes the place of the console, which stays reachable", async () => {
  await goTo("Files");
  const own = { name: "own.html", mimeType: "text/html", buffer: Buffer.from("<!doctype html><h1>My own page</h1>") };
  await page.setInputFiles("#upload-files", own);
  await button("Start page: own.html").click();
  await page.getByText("The device now opens with own.html").waitFor();
  await device.command("network_restart");
  const other = await context.newPage();
  await other.goto(device.url);
  await other.getByRole("heading", { name: "My own page" }).waitFor();
  await other.goto(`${device.url}.console/`);
  await other.getByRole("heading", { name: "Terminal" }).waitFor();
  await other.close();
  await device.command("file_delete own.html");
  await device.command("set http.server.root_filename webapp/index.html");
});

// --- everyone can use it ---

test("the keyboard alone is enough", async () => {
  const other = watch(await context.newPage());
  await other.goto(`${device.url}#network`);
  await other.keyboard.press("Tab");
  assert.equal(await other.evaluate(() => document.activeElement.className), "skip");
  await other.keyboard.press("Enter");
  assert.equal(await other.evaluate(() => document.activeElement.id), "main");
  await other.keyboard.press("Alt+5");
  await until("the settings", () => other.evaluate(() => document.activeElement.id === "title-settings"));
  assert.equal(await other.title(), "Settings · OpenZentri");
  await other.keyboard.press("Alt+1");
  await until("the terminal", () => other.evaluate(() => document.activeElement.id === "terminal-input"));
  await other.keyboard.type("get wlan.ssid");
  await other.keyboard.press("Enter");
  await until("the answer", async () => (await other.locator("#terminal-output").innerText()).includes("Attic"));
  await other.close();
});

test("the theme is kept", async () => {
  const theme = page.locator("#theme");
  await theme.click();
  assert.equal(await theme.innerText(), "Theme: light");
  await theme.click();
  await page.reload();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await theme.click();
  assert.equal(await theme.innerText(), "Theme: auto");
});

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Fills a view with what it can show. */
async function prepare(opened, view) {
  if (view === "terminal") {
    for (const line of ["version", "ls -v", "set wlan.nothing 1"]) {
      await opened.fill("#terminal-input", line);
      await opened.press("#terminal-input", "Enter");
    }
    await opened.locator("#terminal-input").pressSequentially("get http.server.n");
    await opened.locator("#terminal-options li").first().waitFor();
  } else if (view === "network") {
    await opened.locator("#scan").click();
    await opened.getByText("3 networks").waitFor();
  } else if (view === "streams") {
    await opened.locator("#streams-list").getByRole("button", { name: /^View/ }).first().click();
    await opened.locator(".viewer").getByRole("button", { name: "Read", exact: true }).click();
    await opened.locator(".exchange pre").first().waitFor();
  } else if (view === "settings") {
    await opened.locator("#settings-search").fill("http");
    await opened.locator("#settings-list details:not([hidden]) summary").nth(2).click();
    await opened.locator("#settings-list .edit").first().waitFor();
  } else {
    await opened.locator("#files-list li").first().waitFor();
  }
}

/** Controls that are too small for a finger, and whether the page is wider than the screen. */
function measure() {
  const controls = [...document.querySelectorAll("button, a[href], select, input, textarea, summary, [role=option]")];
  const small = controls.filter((control) => {
    const box = (control.closest("label.check, label.network, label.pick") ?? control).getBoundingClientRect();
    const inText = control.matches("li a") || control.matches(".skip");
    return box.width > 0 && !inText && (box.height < 43.5 || box.width < 43.5);
  });
  const overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  return { overflow, small: small.map((control) => control.outerHTML.slice(0, 80)) };
}

for (const [name, viewport] of [["phone", PHONE], ["desktop", DESKTOP]]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`every view is accessible and fits: ${name}, ${colorScheme}`, async () => {
      const port = await freePort();
      await device.command(`tcp_server start ${port}`);
      const client = connect(port, "127.0.0.1");
      client.write("\x01sensor 21.5 C\r\nsensor 21.7 C\r\n");
      // The tool that looks for mistakes must get past the policy of the page.
      const own = await browser.newContext({ viewport, colorScheme, hasTouch: name === "phone", bypassCSP: true });
      const opened = watch(await own.newPage());
      await opened.goto(device.url);
      for (const view of VIEWS) {
        await opened.locator(`.pins a[href="#${view}"]`).click();
        await prepare(opened, view);
        await opened.screenshot({ path: `${OUTPUT}${view}-${name}-${colorScheme}.png` });
        await opened.evaluate(axe);
        const { violations } = await opened.evaluate(() => globalThis.axe.run());
        const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
        assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), [], view);
        const { overflow, small } = await opened.evaluate(measure);
        assert.ok(overflow <= 0, `${view} is ${overflow} pixels too wide`);
        if (name === "phone") assert.deepEqual(small, [], view);
      }
      await own.close();
      client.destroy();
      await device.command("stream_close all");
      await device.command("tcp_server stop");
    });
  }
}

test("nothing was asked of anybody else, and nothing was complained about", async () => {
  const elsewhere = requests.filter((url) => !url.startsWith(device.url) && !url.startsWith("blob:"));
  assert.deepEqual(elsewhere, []);
  assert.deepEqual(complaints, []);
});

// --- run them ---

async function run() {
  let passed = 0;
  let failed = 0;
  mkdirSync(OUTPUT, { recursive: true });
  await device.start();
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: CHROMIUM });
  context = await browser.newContext({ viewport: DESKTOP, acceptDownloads: true });
  page = watch(await context.newPage());
  await page.goto(device.url);
  for (const { name, body } of tests.filter(({ name }) => name.includes(wanted))) {
    try {
      await body();
      passed++;
      console.log(`ok      ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAILED  ${name}\n${String(error.stack ?? error).replace(/^/gm, "        ")}`);
      await page.screenshot({ path: `${OUTPUT}failed-${failed}.png` }).catch(() => {});
    }
  }
  await browser.close();
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed || !passed ? 1 : 0;
}

await run().finally(async () => {
  await device.stop();
  device.remove();
});
