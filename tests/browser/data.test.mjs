// Files, streams, and who may use the device.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { freePort, until } from "./device.mjs";
import { answerDialog, browser, button, context, device, goTo, leave, page, test } from "./harness.mjs";

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
  assert.ok((await page.evaluate(() => globalThis.steps)).some((step) => /^[1-9]\d? %, [\d.]+ \w+\/s$/.test(step)));
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

test("the end of one question does not answer the next", async () => {
  await page.setInputFiles("#upload-files", { name: "a b.bin", mimeType: "text/plain", buffer: Buffer.from("refused") });
  await button("Cancel", page.locator("#confirm")).waitFor();
  // Both in one task: the dialog's own event of its end comes after the next file.
  await page.evaluate(() => {
    document.querySelector("#confirm [value=no]").click();
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["later"], "a b.bin"));
    document.querySelector("#upload").dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
  });
  await answerDialog("Replace");
  await until("the later size", async () => / 5 +1\.0\.0\.0 +data\/a b\.bin/.test(await device.command("ls")));
});

/** Lets the device answer the page's writes slowly, so that there is time to stop. */
const slowly = async (target) => {
  await target.route("**/command", async (route) => {
    if (/stream_write/.test(route.request().postData() ?? "")) await new Promise((wake) => setTimeout(wake, 150));
    await route.continue().catch(() => {});
  });
};
const streams = async () => (await device.command("stream_list")).split("\r\n").length - 1;

test("an upload over index.html that is cancelled leaves the old file and no stream", async () => {
  await page.getByLabel("Folder").fill("");
  await page.setInputFiles("#upload-files", { name: "index.html", mimeType: "text/html", buffer: Buffer.from("the old page") });
  await page.getByRole("link", { name: "index.html", exact: true }).waitFor();
  await slowly(page);
  await page.setInputFiles("#upload-files", { name: "index.html", mimeType: "text/html", buffer: content });
  await answerDialog("Replace");
  await page.locator("#uploads").getByText(/^[1-9]\d? %, /).waitFor();
  await button("Cancel: index.html").click();
  await page.getByText("index.html is not sent").waitFor();
  await page.unrouteAll({ behavior: "ignoreErrors" });
  assert.equal(await (await fetch(`${device.url}index.html`)).text(), "the old page");
  assert.equal(await streams(), 0);
});

test("who leaves the page during an upload is warned, and the old file stays", async () => {
  const opened = await context.newPage();
  await opened.goto(`${device.url}.console/#files`);
  await opened.locator("#files-list li").first().waitFor();
  await slowly(opened);
  await opened.setInputFiles("#upload-files", { name: "index.html", mimeType: "text/html", buffer: content });
  await opened.locator("#confirm-yes").click();
  await opened.locator("#uploads").getByText(/^[1-9]\d? %, /).waitFor();
  // The first try is declined in the browser's question, the second goes through.
  const asked = opened.waitForEvent("dialog");
  const leaving = opened.close({ runBeforeUnload: true });
  const dialog = await asked;
  assert.equal(dialog.type(), "beforeunload");
  await dialog.accept();
  await leaving;
  await until("the stream to be closed", async () => (await streams()) === 0);
  assert.equal(await (await fetch(`${device.url}index.html`)).text(), "the old page");
  await button("Delete: index.html").click();
  await answerDialog("Delete");
  await page.getByRole("link", { name: "index.html", exact: true }).waitFor({ state: "hidden" });
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

test("a stream that is opened here is viewed and read by itself, and Ctrl-Enter sends", async () => {
  const got = [];
  const server = createServer((socket) => {
    socket.write("welcome\r\n");
    socket.on("data", (bytes) => got.push(bytes.toString()));
    // The browser that closes the stream resets it at times.
    socket.on("error", () => {});
  });
  const port = await freePort();
  await new Promise((ready) => server.listen(port, "127.0.0.1", ready));
  await page.getByText("Open another").click();
  await page.getByLabel("Host and port").fill(`127.0.0.1:${port}`);
  await button("Open").click();
  const viewer = page.locator(".viewer", { has: page.getByRole("heading", { name: `127.0.0.1:${port}` }) });
  await viewer.getByText("welcome").waitFor();
  assert.ok(await viewer.getByLabel("Keep reading").isChecked());
  assert.match(await page.evaluate(() => document.activeElement.textContent), new RegExp(`TCPC.*${port}`), "the viewer has the focus");
  await viewer.getByLabel("To send").fill("sent by keys");
  await viewer.getByLabel("To send").press("Control+Enter");
  await until("the text at the peer", () => got.join("") === "sent by keys");
  await until("an empty field", async () => (await viewer.getByLabel("To send").inputValue()) === "");
  await page.locator("#streams-list").getByRole("button", { name: /^Close/ }).click();
  await page.getByText("No stream is open.").waitFor();
  await button("Hide", viewer).click();
  server.close();
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

// --- own pages, a password ---

test("the user's own page takes the place of the console, which stays reachable", async () => {
  await goTo("Files");
  const own = { name: "own.html", mimeType: "text/html", buffer: Buffer.from("<!doctype html><h1>My own page</h1>") };
  await page.setInputFiles("#upload-files", own);
  await button("Start page: own.html").click();
  await page.getByText("The device now opens with own.html").waitFor();
  await leave();
  await device.restartNetwork();
  const other = await context.newPage();
  await other.goto(device.url);
  await other.getByRole("heading", { name: "My own page" }).waitFor();
  await other.goto(`${device.url}.console/`);
  await other.getByRole("heading", { name: "Terminal" }).waitFor();
  await other.close();
  await device.command("file_delete own.html");
  await device.command("set http.server.root_filename webapp/index.html");
});

test("with a password set, the console opens to those who know it", async () => {
  await device.type("set http.server.username maker\r\n", "Set OK");
  await device.type("set http.server.password open-sesame\r\n", "Set OK");
  await device.restartNetwork();
  const stranger = await fetch(device.url);
  assert.equal(stranger.status, 401);
  assert.match(stranger.headers.get("www-authenticate"), /^Basic realm=/);
  const own = await browser.newContext({ httpCredentials: { username: "maker", password: "open-sesame" } });
  const opened = await own.newPage();
  await opened.goto(device.url);
  await opened.fill("#terminal-input", "get http.server.username");
  await opened.press("#terminal-input", "Enter");
  await opened.locator("#terminal-output").getByText("maker", { exact: true }).waitFor();
  assert.equal(await opened.locator("#link").innerText(), "Online");
  await own.close();
  await device.type('set http.server.password ""\r\n', "Set OK");
  await device.restartNetwork();
});
