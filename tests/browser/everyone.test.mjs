// The console for everyone: keyboard, screen reader, light and dark, phone and desktop.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { freePort, until } from "./device.mjs";
import { DESKTOP, OUTPUT, PHONE, VIEWS, browser, complaints, context, device, page, requests, test, watch } from "./harness.mjs";

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
    await opened.getByText(`${device.radio.names.length} networks`).waitFor();
  } else if (view === "streams") {
    await opened.locator("#streams-list").getByRole("button", { name: /^View/ }).first().click();
    await opened.locator(".viewer").getByRole("button", { name: "Read", exact: true }).click();
    await opened.locator(".exchange pre").first().waitFor();
  } else if (view === "settings") {
    await opened.locator("#settings-search").fill("http");
    await opened.locator("#settings-list details:not([hidden]) summary").nth(2).click();
    await opened.locator("#settings-list .edit").first().waitFor();
  } else if (view === "pins") {
    await opened.fill("#pin-name", "10");
    await opened.selectOption("#pin-direction", "out");
    await opened.locator("#pin-form button").click();
    await opened.locator("#pins-list button").first().waitFor();
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
