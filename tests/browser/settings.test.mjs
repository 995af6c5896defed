// The settings: what is found, what is shown first, switches, errors.

import assert from "node:assert/strict";
import { until } from "./device.mjs";
import { button, device, goTo, page, test } from "./harness.mjs";

const search = (text) => page.getByRole("searchbox", { name: "Search" }).fill(text);
const rows = page => page.locator("#settings-list details:not([hidden])");
const names = async () => (await rows(page).locator(".name").allInnerTexts()).map((text) => text.replace(/ not yet$/, ""));
const row = (name) => rows(page).filter({ has: page.locator("summary", { hasText: new RegExp(`^${name}`) }) });

test("the dozen settings that most people want come first", async () => {
  await goTo("Settings");
  await search("");
  await until("all settings", async () => (await rows(page).count()) > 150);
  const first = page.locator("#settings-list section").first();
  assert.equal(await first.getByRole("heading").textContent(), "Most wanted");
  assert.equal(await first.locator("details").count(), 12);
  const found = await names();
  assert.equal(found[0], "wlan.ssid");
  assert.equal(new Set(found).size, found.length, "none is there twice");
});

test("a setting is found by what it is for", async () => {
  await search("edges wake");
  await until("one setting", async () => (await names()).join() === "system.wakeup.events");
  // Of a group that has the name of a command, too.
  await search("connectivity checks of phones");
  await until("those of soft AP and web setup", async () =>
    (await names()).includes("setup.web.captive_portal_enabled"));
});

test("when nothing matches the page says so, and shows all again", async () => {
  await search("no such thing");
  const empty = page.locator("#settings-empty");
  await empty.waitFor();
  assert.deepEqual(await names(), []);
  await button("Show all", empty).click();
  await empty.waitFor({ state: "hidden" });
  assert.ok((await names()).length > 150);
  assert.equal(await page.evaluate(() => document.activeElement.id), "settings-search");
});

test("no row says that it is not built, since all of them are", async () => {
  await search("system.activity");
  await until("two rows", async () => (await names()).length === 2);
  for (const text of await rows(page).locator("summary").allInnerTexts()) assert.doesNotMatch(text, /not yet/);
});

test("a setting that is on or off is a switch, which acts at once", async () => {
  await search("tcp.keepalive.enabled");
  await row("tcp.keepalive.enabled").locator("summary").click();
  const control = page.getByRole("switch", { name: "Value of tcp.keepalive.enabled" });
  await control.waitFor();
  assert.equal(await control.isChecked(), false);
  await control.click();
  await until("keep-alive on", async () => (await device.command("get tcp.keepalive.enabled")) === "1");
  await control.press("Space");
  await until("keep-alive off", async () => (await device.command("get tcp.keepalive.enabled")) === "0");
  assert.equal(await control.isChecked(), false);
});

test("a switch that the device refuses goes back, and says why", async () => {
  await device.command("set system.variable_lock tcp");
  const control = page.getByRole("switch", { name: "Value of tcp.keepalive.enabled" });
  await control.click();
  await row("tcp.keepalive.enabled").getByRole("alert").getByText("Command failed").waitFor();
  assert.equal(await control.isChecked(), false);
  await device.command('set system.variable_lock ""');
});

test("what the device says against a value stands at its field", async () => {
  await search("wlan.static.gateway");
  await row("wlan.static.gateway").locator("summary").click();
  const field = page.getByLabel("Value of wlan.static.gateway");
  await field.fill("nowhere");
  await field.press("Enter");
  const alert = row("wlan.static.gateway").getByRole("alert");
  await alert.getByText("Invalid argument", { exact: true }).waitFor();
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  assert.equal(await page.evaluate((node) => document.getElementById(node.getAttribute("aria-describedby")).innerText,
    await field.elementHandle()), "Invalid argument");
  await field.fill("10.0.0.1");
  await field.press("Enter");
  await until("the value", async () => (await device.command("get wlan.static.gateway")) === "10.0.0.1");
  assert.ok(await alert.isHidden());
  assert.equal(await field.getAttribute("aria-invalid"), null);
});

test("values that somebody else sets are shown, and what is being written stays", async () => {
  const field = page.getByLabel("Value of wlan.static.gateway");
  await device.command("set wlan.static.gateway 10.0.0.2");
  await button("Refresh", page.locator("#view-settings")).click();
  await row("wlan.static.gateway").locator("summary").getByText("10.0.0.2").waitFor();
  assert.equal(await field.inputValue(), "10.0.0.2");
  await field.fill("10.0.0.");
  await device.command("set wlan.static.gateway 0.0.0.0");
  await button("Refresh", page.locator("#view-settings")).click();
  await row("wlan.static.gateway").locator("summary").getByText("0.0.0.0").waitFor();
  assert.equal(await field.inputValue(), "10.0.0.");
  await device.command("save");
});
