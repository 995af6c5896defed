// A device as a process: its web server on a free port, its serial line on standard input and output. Either the Linux
// device or Zephyr's simulated board, native_sim.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NETWORKS = `\
ssid=Workshop security=wpa2-aes passkey=solder-and-flux channel=6 rssi=-48
ssid=Workshop security=wpa2-aes passkey=solder-and-flux channel=11 rssi=-71 bssid=02:00:00:00:0a:02
ssid=Cafe channel=1 rssi=-67
ssid=Attic security=wpa2-aes passkey=bench-secret channel=3 rssi=-82
ssid="\\x1B[2J\\xFF <b>&\\x22" security=wpa2-aes passkey=bench-secret channel=4 rssi=-84
ssid="Say \\x22hi\\x22 \\x5Cx1B" security=wpa2-aes passkey=bench-secret channel=5 rssi=-85
`;

/** What the two kinds of device differ in: their options, and what their radio hears. */
const TARGETS = {
  linux: {
    options: (folder) => ["--data", join(folder, "data"), "--radio", join(folder, "networks")],
    radio: {
      home: { ssid: "Workshop", shown: "WPA2-AES, channel 6, 2 access points" },
      other: { ssid: "Attic", passphrase: "bench-secret" },
      names: ["Workshop", "Cafe", "Attic", '\\x1B[2J\\xFF <b>&"', 'Say "hi" \\x1B'],
      hostile: ['\\x1B[2J\\xFF <b>&"', 'Say "hi" \\x1B'],
    },
  },
  // Built with tests/zephyr/neighbourhood.overlay.
  native_sim: {
    options: (folder) => [`--flash=${join(folder, "flash.bin")}`],
    radio: {
      home: { ssid: "MyNet", passphrase: "mypassword", shown: "WPA2-AES, channel 1" },
      other: { ssid: "Old", passphrase: "mypassword" },
      names: ["MyNet", "Open House", "No Lease", "Moody", "Passing By", "Old"],
    },
  },
};

export const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

/** A port that nobody listens on. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Tries until `probe` answers something, or fails with what was missing. */
export async function until(what, probe, seconds = 10) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause(50)) {
    const result = await Promise.resolve(probe()).catch(() => undefined);
    if (result) return result;
  }
  throw new Error(`no ${what} within ${seconds} s`);
}

export class Device {
  constructor(program, target = "linux") {
    if (!Object.hasOwn(TARGETS, target)) throw new Error(`no target ${target}; there are ${Object.keys(TARGETS).join(", ")}`);
    this.program = program;
    this.target = target;
    this.radio = TARGETS[target].radio;
    this.folder = mkdtempSync(join(tmpdir(), "openzentri-browser-"));
    writeFileSync(join(this.folder, "networks"), NETWORKS);
  }

  async start() {
    const isFirst = this.port === undefined;
    this.port ??= await freePort();
    this.url = `http://127.0.0.1:${this.port}/`;
    const options = [...TARGETS[this.target].options(this.folder), `--set=http.server.port=${this.port}`];
    this.process = spawn(this.program, options, { cwd: this.folder, stdio: ["pipe", "pipe", "pipe"] });
    this.serial = "";
    let complaints = "";
    this.process.stderr.on("data", (bytes) => (complaints += bytes));
    this.process.on("exit", (code) => code && console.log(`The device ended with ${code}: ${complaints}`));
    this.process.stdout.on("data", (bytes) => (this.serial += bytes.toString("latin1")));
    if (isFirst) await this.joinHome();
    await this.answers();
  }

  /** A device whose own network is not in its surroundings is told where it is. */
  async joinHome() {
    const { ssid, passphrase } = this.radio.home;
    if (passphrase === undefined) return;
    await until("prompt", () => this.serial.includes("> "));
    await this.type(`set wlan.ssid "${ssid}"\r\n`, "Set OK");
    await this.type(`set wlan.passkey "${passphrase}"\r\n`, "Set OK");
    await this.type("save\r\n", "Success");
    await this.type("network_restart\r\n", "Success");
  }

  /** Waits until the web server answers. */
  answers() {
    return until("web server", async () => (await fetch(`${this.url}command/version`)).status < 500);
  }

  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill();
      await once(this.process, "exit");
    }
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Types on the serial line and waits for what it prints. Answers all that was printed since. */
  async type(text, expected) {
    const start = this.serial.length;
    this.process.stdin.write(text);
    await until(`${JSON.stringify(expected)} on the serial line`, () => this.serial.slice(start).includes(expected));
    return this.serial.slice(start);
  }

  /** Restarts the network from the serial line, and waits until the web server is back. */
  async restartNetwork() {
    await this.type("network_restart\r\n", "Success");
    await this.answers();
  }

  /** Runs a command over REST, for what a test needs around the page. */
  async command(line) {
    const response = await fetch(`${this.url}command/${encodeURIComponent(line)}`);
    return (await response.json()).response.replace(/\r\n$/, "");
  }
}
