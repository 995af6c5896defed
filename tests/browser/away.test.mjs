// The heartbeat: every view notices that the device is away, and shows what is so when it is back.

import assert from "node:assert/strict";
import { pause, until } from "./device.mjs";
import { VIEWS, browser, complaints, device, leave, test, watch } from "./harness.mjs";

/** The command by which each view finds out what it shows. */
const ASKS = { network: "get wlan", streams: "stream_list", files: "ls -v", settings: "get all", pins: "get gpio.usage", device: "get wlan" };

const tabs = {};
const banner = (view) => tabs[view].page.locator("#away");

/** Calls `work` for all views at once; fails with the names of those that fail. */
async function inEveryView(work) {
  const ended = await Promise.allSettled(VIEWS.map(work));
  const failed = ended.map(({ reason }, at) => reason && `${VIEWS[at]}: ${reason.message}`).filter(Boolean);
  assert.deepEqual(failed, []);
}

test("a device that is stopped is noticed in every view within ten seconds", async () => {
  await leave();
  const own = await browser.newContext();
  for (const view of VIEWS) {
    const page = watch(await own.newPage());
    const tab = (tabs[view] = { page, asked: [] });
    page.on("request", (request) => tab.asked.push(JSON.parse(request.postData() ?? "{}").command ?? new URL(request.url()).pathname));
    await page.goto(`${device.url}#${view}`);
    await page.locator("#link").getByText("Online").waitFor();
    assert.ok(await banner(view).isHidden());
  }
  await pause(4000);
  await device.stop();
  await inEveryView(async (view) => {
    await banner(view).getByText("The device does not answer").waitFor({ timeout: 10_000 });
    assert.equal(await tabs[view].page.locator("#link").innerText(), "No answer");
  });
});

test("and every view is up to date when it is back", async () => {
  for (const view of VIEWS) tabs[view].asked.length = 0;
  await device.start();
  await inEveryView(async (view) => {
    await banner(view).waitFor({ state: "hidden", timeout: 10_000 });
    assert.equal(await tabs[view].page.locator("#link").innerText(), "Online");
    await until(`${ASKS[view] ?? "the log"} asked for`, () => tabs[view].asked.includes(ASKS[view] ?? "/log"));
  });
  await tabs.log.page.locator("#log-output").getByText("The device does not answer").waitFor();
  await tabs.log.page.locator("#log-output .logged").getByText("[Ready]").last().waitFor();
});

test("a device that is silent is noticed, too, and a command that waits for it does not block the page for ever", async () => {
  const { page, asked } = tabs.files;
  device.process.kill("SIGSTOP");
  try {
    await page.locator("#files-refresh").click();
    await banner("files").waitFor({ timeout: 10_000 });
  } finally {
    // Three beats later nobody waits for the command any more.
    await pause(16_000);
    device.process.kill("SIGCONT");
  }
  await banner("files").waitFor({ state: "hidden", timeout: 10_000 });
  asked.length = 0;
  await page.locator("#files-refresh").click();
  await until("the files asked for", () => asked.includes("ls -v"));
});

test("a restart that is too short to be noticed is noticed, too, and values are read again", async () => {
  const { page } = tabs.settings;
  const value = page.locator("#settings-list summary", { hasText: "tcp.server.port" }).locator(".value");
  await device.command("set tcp.server.port 3010");
  await page.locator("#settings-refresh").click();
  await value.getByText("3010").waitFor();
  await device.command("reboot");
  await value.getByText("3000").waitFor({ timeout: 15_000 }).catch(async () =>
    assert.fail(`it shows ${await value.innerText()} and has asked for ${tabs.settings.asked.slice(-20)}`));
  await device.answers();
});

test("views ask little while nothing happens", async () => {
  const { asked } = tabs.files;
  // Every second beat, six seconds apart, notices the restart before.
  await pause(8000);
  asked.length = 0;
  await pause(10_000);
  assert.ok(asked.length >= 2 && asked.length <= 8, asked.join());
  assert.ok(asked.every((what) => ["/log", "get time.uptime"].includes(what)), asked.join());
  await tabs.files.page.context().close();
  complaints.length = 0;
});
