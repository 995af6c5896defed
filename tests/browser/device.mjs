// The Linux device as a process: its web server on a free port, its serial line on standard input and output.

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
`;

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
  constructor(program) {
    this.program = program;
    this.folder = mkdtempSync(join(tmpdir(), "openzentri-browser-"));
    writeFileSync(join(this.folder, "networks"), NETWORKS);
  }

  async start() {
    this.port ??= await freePort();
    this.url = `http://127.0.0.1:${this.port}/`;
    const options = ["--data", join(this.folder, "data"), "--radio", join(this.folder, "networks"),
      "--set", `http.server.port=${this.port}`];
    this.process = spawn(this.program, options, { stdio: ["pipe", "pipe", "pipe"] });
    this.serial = "";
    let complaints = "";
    this.process.stderr.on("data", (bytes) => (complaints += bytes));
    this.process.on("exit", (code) => code && console.log(`The device ended with ${code}: ${complaints}`));
    this.process.stdout.on("data", (bytes) => (this.serial += bytes.toString("latin1")));
    await until("web server", async () => (await fetch(`${this.url}command/version`)).ok);
  }

  async stop() {
    if (this.process.exitCode === null) {
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

  /** Runs a command over REST, for what a test needs around the page. */
  async command(line) {
    const response = await fetch(`${this.url}command/${encodeURIComponent(line)}`);
    return (await response.json()).response.replace(/\r\n$/, "");
  }
}
