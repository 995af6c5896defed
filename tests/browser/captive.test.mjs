// A phone in a network namespace of its own: it joins the device's soft AP, gets its address and its names from the
// device, and the sheet that phones open by themselves leads to web setup. The device is the Linux process, or Zephyr's
// simulated board on a TAP when OPENZENTRI_TAP names its program.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { until } from "./device.mjs";
import { button, CHROMIUM, device, OUTPUT, PHONE, program, test } from "./harness.mjs";

/** What the Linux process hears; the simulated board hears tests/zephyr/neighbourhood.overlay. */
const NETWORKS = "ssid=MyNet security=wpa2-aes passkey=mypassword channel=6 rssi=-50\n";
const TAP = process.env.OPENZENTRI_TAP;
const LEASE = `#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip address flush dev "$interface"
ip address add "$ip/$mask" dev "$interface"
`;

/** Why this cannot be tried here; nothing when it can. */
function obstacle() {
  if (!TAP && device.target !== "linux") return "on host sockets the simulated board has no stations";
  if (process.getuid() !== 0) return "network namespaces need root";
  try {
    execFileSync("ip", ["netns", "add", "oz-probe"], { stdio: "ignore" });
    execFileSync("ip", ["netns", "delete", "oz-probe"], { stdio: "ignore" });
    execFileSync("udhcpc", ["--help"], { stdio: "ignore" });
  } catch (error) {
    if (!String(error.message).includes("udhcpc") || error.code === "ENOENT") return `no namespaces, or no udhcpc: ${error.message}`;
  }
  return "";
}

class Lab {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "openzentri-captive-"));
    [this.device, this.phone] = ["device", "phone"].map((end) => `oz${process.pid}-${end}`);
  }

  start() {
    const ip = (...words) => execFileSync("ip", words);
    for (const name of [this.device, this.phone]) {
      ip("netns", "add", name);
      ip("-n", name, "link", "set", "lo", "up");
    }
    if (TAP) ip("-n", this.phone, "tuntap", "add", "dev", "phone0", "mode", "tap");
    else ip("-n", this.device, "link", "add", "ap0", "type", "veth", "peer", "name", "phone0", "netns", this.phone);
    ip("-n", this.phone, "link", "set", "phone0", "up");
    // What `ip netns exec` puts in place of the machine's own.
    mkdirSync(`/etc/netns/${this.phone}`, { recursive: true });
    writeFileSync(`/etc/netns/${this.phone}/resolv.conf`, "nameserver 10.10.10.1\n");
    writeFileSync(join(this.folder, "networks"), NETWORKS);
    this.script("lease.sh", LEASE);
    this.browser = this.script("chromium.sh", `#!/bin/sh\nexec ip netns exec ${this.phone} chromium "$@"\n`);
    this.process = spawn("ip", ["netns", "exec", ...this.commandLine()], { cwd: this.folder });
    this.serial = "";
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on("data", (bytes) => (this.serial += bytes));
  }

  /** The namespace and what runs in it: the simulated board runs where the other end of its TAP is. */
  commandLine() {
    const settings = ["--set=wlan.ssid=", "--set=wlan.auto_join.enabled=0", "--set=http.server.port=80", "--set=http.server.enabled=1"];
    if (TAP) return [this.phone, TAP, "--tap-softap=phone0", ...settings];
    const options = ["--data", join(this.folder, "data"), "--radio", join(this.folder, "networks"), "--softap", "ap0"];
    return [this.device, program, ...options, ...settings];
  }

  script(name, text) {
    const path = join(this.folder, name);
    writeFileSync(path, text, { mode: 0o755 });
    return path;
  }

  async type(line, expected) {
    const start = this.serial.length;
    this.process.stdin.write(`${line}\r\n`);
    await until(`${expected} after ${line}`, () => this.serial.slice(start).includes(expected));
    return this.serial.slice(start);
  }

  lease() {
    const words = ["-i", "phone0", "-n", "-q", "-f", "-t", "5", "-T", "1", "-s", join(this.folder, "lease.sh")];
    execFileSync("ip", ["netns", "exec", this.phone, "udhcpc", ...words], { stdio: "ignore", timeout: 20_000 });
  }

  remove() {
    this.process?.kill();
    for (const name of [this.device, this.phone]) {
      try {
        execFileSync("ip", ["netns", "delete", name], { stdio: "ignore" });
      } catch { /* It was never made. */ }
    }
    rmSync(`/etc/netns/${this.phone}`, { recursive: true, force: true });
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What a person does from the sheet on. */
async function setUp(lab) {
  await until("prompt", () => lab.serial.includes("> "));
  await lab.type("setup web", "Web setup started");
  lab.lease();
  const browser = await chromium.launch({ executablePath: lab.browser, args: CHROMIUM });
  try {
    const context = await browser.newContext({ viewport: PHONE, isMobile: true, hasTouch: true });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    // The address that phones look at by themselves.
    await page.goto("http://captive.apple.com/hotspot-detect.html");
    assert.equal(new URL(page.url()).hostname, "setup.com");
    await button("Scan", page).tap();
    await page.getByRole("radio", { name: "MyNet" }).tap();
    await page.getByLabel("Passphrase", { exact: true }).fill("not-the-passphrase");
    await button("Join", page).tap();
    await page.getByText("MyNet: the passphrase was refused. Nothing was changed.").first().waitFor();
    await page.screenshot({ path: `${OUTPUT}captive-refused.png`, fullPage: true });
    await page.getByLabel("Passphrase", { exact: true }).fill("mypassword");
    await button("Join", page).tap();
    await page.locator("#join-progress").getByText("Web setup is over. Connect to MyNet").waitFor();
    await page.screenshot({ path: `${OUTPUT}captive-joined.png`, fullPage: true });
  } finally {
    await browser.close();
  }
  await until("the end of web setup", async () => (await lab.type("setup status", "\r\n> ")).includes("\n0\r\n"));
  assert.match(await lab.type("get wlan.ssid", "\r\n> "), /MyNet/);
  assert.match(await lab.type("get wlan.network.status", "\r\n> "), /\n2\r\n/);
}

const why = obstacle();
if (why) {
  console.log(`The captive page from a phone is not tried: ${why}.`);
} else {
  test("a phone sets the device up from its captive-portal sheet", async () => {
    const lab = new Lab();
    try {
      lab.start();
      await setUp(lab);
    } finally {
      lab.remove();
    }
  });
}
