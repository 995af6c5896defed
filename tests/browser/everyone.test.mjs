// The console for everyone: keyboard, screen reader, light and dark, phone and desktop.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { freePort, until } from "./device.mjs";
import { DESKTOP, OUTPUT, PHONE, VIEWS, browser, complaints, context, device, deviceName, page, requests, test, watch } from "./harness.mjs";

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
  const title = `Settings · ${await deviceName()}`;
  await until("the title", async () => (await other.title()) === title);
  await other.keyboard.press("Alt+1");
  await until("the terminal", () => other.evaluate(() => document.activeElement.id === "terminal-input"));
  await other.keyboard.type("get wlan.ssid");
  await other.keyboard.press("Enter");
  await until("the answer", async () => (await other.locator("#terminal-output").innerText()).includes(device.radio.other.ssid));
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

test("the navigation has pictures on a phone, and the numbers of its keys on a desktop", async () => {
  const own = await browser.newContext();
  const opened = watch(await own.newPage());
  await opened.goto(device.url);
  for (const [viewport, isPhone] of [[PHONE, true], [DESKTOP, false]]) {
    await opened.setViewportSize(viewport);
    for (const view of VIEWS) {
      const link = opened.locator(`.pins a[href="#${view}"]`);
      assert.equal(await link.locator("svg").isVisible(), isPhone, view);
      assert.equal(await link.locator(".pin").isVisible(), !isPhone, view);
      if (!isPhone) continue;
      const [width, height] = await link.locator("use").evaluate((use) => [use.getBBox().width, use.getBBox().height]);
      assert.ok(width > 8 && height > 8, `the picture of ${view} has ${width} by ${height}`);
    }
  }
  await own.close();
});

/** Fills each view with what it can show. */
const PREPARE = {
  async terminal(opened) {
    for (const line of ["version", "ls -v", "set wlan.nothing 1"]) {
      await opened.fill("#terminal-input", line);
      await opened.press("#terminal-input", "Enter");
    }
    await opened.locator("#terminal-input").pressSequentially("get http.server.n");
    await opened.locator("#terminal-options li").first().waitFor();
  },
  async network(opened) {
    await opened.locator("#scan").click();
    await opened.getByText(`${device.radio.names.length} networks`).waitFor();
  },
  async streams(opened) {
    await opened.locator("#streams-list").getByRole("button", { name: /^View/ }).first().click();
    await opened.locator(".viewer").getByRole("button", { name: "Read", exact: true }).click();
    await opened.locator(".exchange pre").first().waitFor();
  },
  async files(opened) {
    await opened.locator("#files-list li").first().waitFor();
  },
  async settings(opened) {
    await opened.locator("#settings-list details").first().waitFor();
    await opened.locator("#settings-list details summary", { hasText: "dhcp.enabled" }).first().click();
    await opened.locator("#settings-list").getByRole("switch").first().waitFor();
  },
  async pins(opened) {
    await opened.fill("#pin-name", "10");
    await opened.selectOption("#pin-direction", "out");
    await opened.locator("#pin-form button").click();
    await opened.locator("#pins-list button").first().waitFor();
  },
  async device(opened) {
    await opened.locator("#device-facts").getByText("Running for").waitFor();
    await opened.locator("#password-state").getByText("No password is set").waitFor();
  },
  async log(opened) {
    await opened.locator("#log-output .logged").first().waitFor();
  },
};

/** Controls that are too small for a finger, and whether the page is wider than the screen. */
function measure() {
  const controls = [...document.querySelectorAll("button, a[href], select, input, textarea, summary, [role=option]")];
  const small = controls.filter((control) => {
    const box = (control.closest("label.check, label.network, label.pick") ?? control).getBoundingClientRect();
    const inText = control.matches("li a") || control.matches(".skip");
    return box.width > 0 && !inText && (box.height < 43.5 || box.width < 43.5);
  });
  const wide = [document.documentElement, document.querySelector("main")];
  const overflow = Math.max(...wide.map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth));
  return { overflow, small: small.map((control) => control.outerHTML.slice(0, 80)) };
}

/** What lies below a message that is shown: nothing but the page itself may. */
async function belowMessages(opened) {
  const dom = requests.find((url) => url.endsWith("/dom.js"));
  return opened.evaluate(async (url) => {
    const { toast } = await import(url);
    toast("A message that has so much to say that it needs more than one line of a small screen", true);
    toast("Another one");
    const below = new Set();
    for (const node of document.querySelectorAll(".toast")) {
      const box = node.getBoundingClientRect();
      for (let x = 0; x <= 8; x++) for (let y = 0; y <= 4; y++) {
        const found = document.elementsFromPoint(box.left + 3 + ((box.width - 6) * x) / 8, box.top + 3 + ((box.height - 6) * y) / 4);
        if (!found.includes(node)) below.add("the message is out of sight");
        found.filter((other) => !other.matches(".toast, .toasts, body, html")).forEach((other) => below.add(other.outerHTML.slice(0, 80)));
      }
      node.remove();
    }
    return [...below];
  }, dom);
}

/** Pictures for the documents are wanted there; they take a fifth of a PNG. */
const PICTURES = process.env.OPENZENTRI_PICTURES;

async function take(opened, name) {
  await opened.screenshot({ path: `${OUTPUT}${name}.png` });
  if (!PICTURES) return;
  const session = await opened.context().newCDPSession(opened);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 75 });
  mkdirSync(PICTURES, { recursive: true });
  writeFileSync(`${PICTURES}/${name}.webp`, Buffer.from(data, "base64"));
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
        await PREPARE[view](opened);
        await opened.locator(".toast").first().waitFor({ state: "detached" });
        await take(opened, `${view}-${name}-${colorScheme}`);
        await opened.evaluate(axe);
        const { violations } = await opened.evaluate(() => globalThis.axe.run());
        assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), [], view);
        const { overflow, small } = await opened.evaluate(measure);
        assert.ok(overflow <= 0, `${view} is ${overflow} pixels too wide`);
        if (name === "phone") assert.deepEqual(small, [], view);
        assert.deepEqual(await belowMessages(opened), [], view);
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
