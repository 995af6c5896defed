// Where the focus is after something has gone: on the next row, else on the heading.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { freePort, until } from "./device.mjs";
import { answerDialog, button, device, goTo, page, test } from "./harness.mjs";

const focused = () => page.evaluate(() => document.activeElement.ariaLabel ?? document.activeElement.id);
const reaches = (what) => until(`focus on ${what}`, async () => (await focused()) === what);

test("after a file is deleted the next one has the focus, after the last the heading", async () => {
  for (const name of ["one", "two", "three"]) await device.command(`file_create focus-${name} 0`);
  await goTo("Files");
  await page.getByRole("link", { name: "focus-three" }).waitFor();
  const labels = async () => page.locator("#files-list button").evaluateAll((all) =>
    all.map(({ ariaLabel }) => ariaLabel).filter((label) => label.startsWith("Delete: ")));
  const before = await labels();
  const place = before.findIndex((label) => label.includes("focus-"));
  assert.ok(place + 1 < before.length);
  await button(before[place]).click();
  await answerDialog("Delete");
  await reaches(before[place + 1]);
  for (const label of before.slice(place + 1).reverse().filter((label) => label.includes("focus-"))) {
    const isLast = (await labels()).at(-1) === label;
    await button(label).click();
    await answerDialog("Delete");
    if (isLast) await reaches("title-files");
    else await until("the row gone", async () => !(await labels()).includes(label));
  }
});

test("after a stream is closed the next one has the focus, after the last the heading", async () => {
  const port = await freePort();
  await device.command(`tcp_server start ${port}`);
  const peers = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")];
  await goTo("Streams");
  const close = page.locator("#streams-list").getByRole("button", { name: /^Close/ });
  await until("both streams", async () => (await close.count()) === 2);
  const last = await close.nth(1).getAttribute("aria-label");
  await close.first().click();
  await reaches(last);
  await page.keyboard.press("Enter");
  await reaches("title-streams");
  peers.forEach((peer) => peer.destroy());
  await device.command("tcp_server stop");
});

test("after a pin is released the next one has the focus, after the last the heading", async () => {
  for (const pin of [5, 6]) await device.command(`gpio_dir ${pin} in`);
  await goTo("Pins");
  await button("Release pin 6").waitFor();
  await button("Release pin 5").click();
  await reaches("Release pin 6");
  await page.keyboard.press("Enter");
  await reaches("title-pins");
});
