// The log, in a view of its own.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { button, device, goTo, page, test } from "./harness.mjs";

const lines = async () => page.locator("#log-output p:not([hidden])").allInnerTexts();

test("the log shows what the device logs, with the time at which it came", async () => {
  await goTo("Log");
  await device.type("file_create logged.txt 2\r\nhi", "File created");
  await page.locator("#log-output .logged", { hasText: /^\d+:\d\d.* File created$/ }).first().waitFor();
  await device.command("file_delete logged.txt");
});

test("the log is searched, kept as a file and cleared", async () => {
  const search = page.getByRole("searchbox", { name: "Show lines with" });
  await search.fill("FILE CREATED");
  const found = await lines();
  assert.ok(found.length > 0 && found.every((line) => line.includes("File created")), found.join());
  await search.fill("no such line");
  await page.getByText("No line has this in it.").waitFor();
  await search.fill("");
  const arriving = page.waitForEvent("download");
  await button("Save as a file").click();
  const download = await arriving;
  assert.equal(download.suggestedFilename(), "log.txt");
  assert.deepEqual(readFileSync(await download.path(), "utf8").trimEnd().split("\n"), await lines());
  await button("Clear", page.locator("#view-log")).click();
  await page.getByText("Nothing was logged yet.").waitFor();
});
