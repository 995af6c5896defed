// What the tests share: the device, the browser, one page that is used from test to test, and helpers to use it.

import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";
import { Device, until } from "./device.mjs";

export const [program, wanted = ""] = process.argv.slice(2);
export const VIEWS = ["terminal", "network", "streams", "files", "settings", "pins", "device", "log"];
export const PHONE = { width: 360, height: 740 };
export const DESKTOP = { width: 1280, height: 800 };
export const CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const tests = [];
export const test = (name, body) => tests.push({ name, body });

export const device = new Device(program, process.env.OPENZENTRI_TARGET);
export const OUTPUT = new URL(`output/${device.target}/`, import.meta.url).pathname;
/** What the tests want to be done when all is over. */
export const atEnd = [];
export let browser;
export let context;
export let page;
/** What Chromium says of a page that asks while its device restarts: several tests restart it, or its network. */
const AWAY = /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE)|status of 503/;

/** Everything the pages asked for, and everything they complained about. */
export const requests = [];
export const complaints = [];

/** `asked` gets what the page asks for; another device's page has a list of its own. */
export function watch(opened, asked = requests) {
  opened.on("request", (request) => asked.push(request.url()));
  opened.on("pageerror", (error) => complaints.push(error.message));
  opened.on("console", (message) => {
    const complains = ["error", "warning"].includes(message.type());
    if (complains && !AWAY.test(message.text())) complaints.push(message.text());
  });
  opened.setDefaultTimeout(8000);
  return opened;
}

/** The answer that the terminal shows below a command, once it is there. */
export const answerTo = (line) => until(`answer to ${line}`, async () => {
  const pair = page.locator(".entry-pair", { has: page.getByText(line, { exact: true }) }).last();
  const text = await pair.locator("pre").innerText();
  return text !== "…" && text;
});
export const goTo = (view) => page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: view }).click();
export const button = (name, within = page) => within.getByRole("button", { name, exact: true });

export async function enter(line) {
  await page.fill("#terminal-input", line);
  await page.press("#terminal-input", "Enter");
}

export async function answerDialog(action) {
  await button(action, page.locator("#confirm")).click();
}

/** What the device calls itself: its name with the end of its MAC. */
export async function deviceName(of = device) {
  const mac = await of.command("get wlan.mac");
  return (await of.command("get mdns.name")).replace(/#+$/, mac.replaceAll(":", "").slice(-3).toLowerCase());
}

/** Leaves the console, which asks all the time and would complain that the device does not answer for a while. */
export const leave = () => page.goto("about:blank");

/** Runs the tests in the order in which they were added, on one page. */
export async function run() {
  try {
    await session();
  } finally {
    for (const end of atEnd) await end();
    await device.stop();
    device.remove();
  }
}

async function session() {
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
