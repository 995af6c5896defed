// The page itself, the terminal, the settings, the network.

import assert from "node:assert/strict";
import { pause, until } from "./device.mjs";
import { answerDialog, answerTo, button, complaints, device, deviceName, enter, goTo, page, requests, test } from "./harness.mjs";

// --- the page ---

test("a fresh device serves the console at /", async () => {
  const response = await page.goto(device.url);
  assert.equal(response.status(), 200);
  const headers = response.headers();
  assert.equal(headers["content-encoding"], "gzip");
  assert.match(headers["content-security-policy"], /default-src 'none'; script-src 'self'; style-src 'self'/);
  const name = await deviceName();
  assert.match(name, /-[0-9a-f]{3}$/);
  await until("the name in the title", async () => (await page.title()) === `Terminal · ${name}`);
  assert.equal(await page.locator("#name").innerText(), name);
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
  const found = await page.evaluate(async ([bytesUrl, logUrl, pmkUrl]) => {
    const { crc16, encode, fromBase64, hexDump, nameBytes, parseHex, quote, quoteBytes, toBase64 } = await import(bytesUrl);
    const { newLines } = await import(logUrl);
    const { masterKey } = await import(pmkUrl);
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    return {
      crc: ["", "123456789", "hello world", "140"].map((text) => crc16(encode(text)).toString(16)),
      crcAll: crc16(all).toString(16),
      base64: toBase64(all) === btoa(String.fromCharCode(...all)) && fromBase64(toBase64(all)).every((byte, at) => byte === at),
      quote: quote('a "b" \\c\n\u00e9'),
      quoteBytes: quoteBytes(Uint8Array.of(0, 0x41, 0x22, 0x5c, 0xff)),
      // The same text for a name with a control character, and for one with these four letters.
      names: [["\\x1Bc", 2], ["\\x1Bc", 5], ["\u00e9\\xFF", 3]].map(([shown, length]) => [...nameBytes(shown, length)].join()),
      // IEEE 802.11-2020, J.4.2.
      keys: [["password", "IEEE"], ["ThisIsAPassword", "ThisIsASSID"], ["a".repeat(32), "Z".repeat(32)]]
        .map(([passphrase, ssid]) => masterKey(encode(passphrase), encode(ssid))),
      hex: [[...parseHex("0x00 fF,7f")], parseHex("123"), parseHex("xy")],
      dump: hexDump(encode("0123456789\n"), 8),
      // The same; one more; the oldest gone; all gone after a restart; equal lines.
      fresh: [[["a", "b"], ["a", "b"]], [["a"], ["a", "b"]], [["a", "b"], ["b", "c"]], [["a", "b"], ["x"]], [["a", "a"], ["a", "a", "a"]],
        [[], ["a"]], [["a", "b", "c"], ["c", "d"]]].map(([before, now]) => newLines(before, now).join("")),
    };
  }, [part("bytes.js"), part("heart.js"), part("pmk.js")]);
  assert.deepEqual(found, {
    crc: ["ffff", "89f6", "9f8a", "a0"],
    crcAll: "c3f3",
    base64: true,
    quote: '"a \\"b\\" \\\\c\\x0a\u00e9"',
    quoteBytes: '"\\x00A\\x22\\x5c\\xff"',
    names: ["27,99", "92,120,49,66,99", "195,169,255"],
    keys: [
      "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e",
      "0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af",
      "becb93866bb8c3832cb777c2f559807c8c59afcb6eae734885001300a981cc62",
    ],
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
  await type("stream_wr");
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
  await until("the page to notice", async () => (await page.locator("#link").innerText()) === "No answer");
  complaints.length = 0;
  await device.start();
  assert.equal(await device.command("get http.server.cors_origin"), "*");
  assert.equal(await device.command("get tcp.server.port"), "3000", "what was not saved is gone");
});

test("the device restarts from the page, which comes back", async () => {
  await goTo("Device");
  await button("Restart the device").click();
  await answerDialog("Cancel");
  await button("Restart the device").click();
  await answerDialog("Restart");
  await until("uptime from the start", async () => Number(await device.command("get time.uptime")) < 3, 20);
  await page.locator("#pending").waitFor({ state: "hidden" });
  await until("the page to show that", async () =>
    /^\d+ s$/.test(await page.locator("#device-facts dt:text-is('Running for') + dd").innerText()));
});

// --- network ---

test("a scan lists networks once, the strongest first", async () => {
  const { home, names } = device.radio;
  await goTo("Network");
  await page.locator("#network-state").getByText(`Connected to ${home.ssid}`).waitFor();
  await button("Scan").click();
  await page.getByText(`${names.length} networks`).waitFor();
  assert.deepEqual(await page.locator("#found .name").allInnerTexts(), names);
  await page.getByText(home.shown, { exact: true }).waitFor();
});

test("a wrong passphrase ends on the old network, with the reason", async () => {
  const { home, other } = device.radio;
  await page.getByRole("radio", { name: other.ssid }).check();
  await page.getByLabel("Passphrase", { exact: true }).fill("not-the-passphrase");
  await button("Join").click();
  await page.locator("#join-progress").getByText(`Trying ${other.ssid} … back on ${home.ssid}: the passphrase was refused`)
    .waitFor({ timeout: 60_000 });
  await page.locator("#network-state").getByText(`Connected to ${home.ssid}`).waitFor();
  await page.locator("#network-facts").getByText("The passphrase was refused.").waitFor();
  assert.equal(await device.command("get wlan.ssid"), home.ssid);
  assert.ok(await button("Join").isEnabled());
});

test("a network that is not there ends the same way", async () => {
  const { home } = device.radio;
  await page.getByLabel("Network name").fill("No \"such\" network");
  await button("Join").click();
  await page.locator("#join-progress").getByText(`back on ${home.ssid}: the network was not found`)
    .waitFor({ timeout: 60_000 });
});

test("names that are no text are picked and joined", async () => {
  const { home, other, hostile = [] } = device.radio;
  for (const ssid of [...hostile, home.ssid]) {
    await page.locator("#found label").filter({ has: page.getByText(ssid, { exact: true }) }).getByRole("radio").check();
    const passphrase = ssid === home.ssid ? home.passphrase ?? "solder-and-flux" : other.passphrase;
    await page.getByLabel("Passphrase", { exact: true }).fill(passphrase);
    await button("Join").click();
    await page.locator("#join-progress").getByText(`Joined ${ssid}, and stored it.`).waitFor({ timeout: 60_000 });
    await page.locator("#network-state").getByText("Connected to").waitFor();
  }
  assert.equal(await device.command("get wlan.ssid"), home.ssid);
});

test("the form joins a network, which is stored", async () => {
  const { ssid, passphrase } = device.radio.other;
  await page.getByRole("radio", { name: ssid }).check();
  assert.equal(await page.inputValue("#join-ssid"), ssid);
  await page.getByLabel("Passphrase", { exact: true }).fill(passphrase);
  await button("Join").click();
  await page.locator("#network-state").getByText(`Connected to ${ssid}`).waitFor();
  await page.locator("#join-progress").getByText(`Associating to ${ssid}`).waitFor();
  assert.equal(await device.command("get wlan.ssid"), ssid);
  assert.ok(await page.locator("#pending").isHidden());
});
