// The pins: directions, levels, who has which.

import assert from "node:assert/strict";
import { until } from "./device.mjs";
import { device, goTo, page, test } from "./harness.mjs";

const row = (pin) => page.locator("#pins-list li").filter({ has: page.locator(".handle", { hasText: new RegExp(`^${pin}$`) }) });
const shows = (pin, text) => until(`pin ${pin}: ${text}`, async () =>
  (await row(pin).count()) === 1 && (await row(pin).innerText()).replace(/\s+/g, " ").includes(text));

/** Runs a command beside the page; answers its text. */
async function command(line) {
  const response = await fetch(`${device.url}command/${encodeURIComponent(line)}`);
  return (await response.json()).response.trim();
}

async function direct(pin, direction) {
  await page.locator("#pin-name").fill(pin);
  await page.locator("#pin-direction").selectOption({ label: direction });
  await page.locator("#pin-form button").click();
}

test("a pin gets a direction and a level", async () => {
  await page.goto(device.url);
  await goTo("Pins");
  await direct("10", "Output");
  await shows(10, "low GPIO output");
  await page.getByRole("button", { name: "Raise pin 10" }).click();
  await shows(10, "high GPIO output");
  assert.equal(await command("gpio_get 10"), "1");
  await page.getByRole("button", { name: "Lower pin 10" }).click();
  await shows(10, "low GPIO output");
});

test("levels are followed, and a button keeps its focus", async () => {
  await direct("12", "Input with pull-up");
  await shows(12, "high GPIO input_pull_up");
  await page.getByRole("button", { name: "Release pin 12" }).focus();
  await command("simulate 12 low");
  await shows(12, "low GPIO input_pull_up");
  assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), "Release pin 12");
  await page.keyboard.press("Enter");
  await until("pin 12 is free", async () => (await row(12).count()) === 0);
});

test("a pin that a function has can be seen, and is not offered", async () => {
  await command("set system.indicator.gpio wlan 20");
  await shows(20, "system.indicator.wlan");
  assert.equal(await row(20).getByRole("button").count(), 0);
  await direct("20", "Input");
  await until("the refusal", async () => (await page.locator(".toast.bad").last().innerText()).includes("Command failed"));
  await command("set system.indicator.gpio wlan -1");
  await page.getByRole("button", { name: "Release pin 10" }).click();
  await until("no pin is in use", () => page.locator("#pins-empty").isVisible());
});
