/** The device itself: facts and state; its settings as a file, its password, restart and reset. */

import { backUp, difference, restore } from "./backup.js";
import { quote } from "./bytes.js";
import { $, confirm, el, facts, guarded, offer, repeat, setText, toast } from "./dom.js";
import { ask, isGuarded, logIn, told } from "./device.js";
import { listFiles, sumOf } from "./files.js";
import { hold } from "./heart.js";
import { restartDevice } from "./pending.js";
import { describe, deviceName, find, group } from "./variables.js";

const USER = "http.server.username";
const PASSWORD = "http.server.password";

let name = "";

export function start(seen) {
  $("device-restart").addEventListener("click", guarded(restartDevice));
  $("device-reset").addEventListener("click", guarded(reset));
  $("backup").addEventListener("click", guarded(keep));
  $("restore").addEventListener("change", guarded(take));
  $("password-form").addEventListener("submit", guarded(() => protect($("password").value)));
  $("password-remove").addEventListener("click", guarded(() => protect("")));
  repeat(5000, seen, refresh);
}

export function show() {
  guarded(refresh)();
  guarded(showGuard)();
}

export async function refresh() {
  const wlan = await group("wlan");
  const memory = await told("get system.memory.usage");
  name = await deviceName();
  facts($("device-facts"), [
    ["Name", name],
    ["Address", wlan["wlan.network.status"] === "2" && wlan["wlan.network.ip"]],
    ["MAC", wlan["wlan.mac"]],
    ["Running for", duration(Number(await told("get time.uptime")))],
    ["Memory", memory && `${memory} % in use`],
    ["Flash", sumOf(await listFiles())],
    ["Firmware", await told("version")],
    ["Safe mode", (await told("get system.safemode.status")) === "1" && "yes"],
    ["Faults", await told("faults_print")],
  ]);
}

/** `3 d 4 h`: the two largest units. */
function duration(seconds) {
  const units = [["d", 86_400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = Math.max(0, units.findIndex(([, size]) => seconds >= size));
  return units.slice(first, first + 2).map(([unit, size], at) =>
    `${Math.floor((at ? seconds % units[first][1] : seconds) / size)} ${unit}`).join(" ");
}

async function reset() {
  const lost = "All settings are lost, and all files but the essential ones. The device may leave this network.";
  if (!(await confirm(`Reset the device to what it was new? ${lost}`, "Reset"))) return;
  await ask(`factory_reset ${await ask("get wlan.mac")}`);
  toast("The device restarts as it was new");
}

// --- settings as a file ---

async function keep() {
  const { text, left } = await backUp(name);
  offer(`${name || "device"}-settings.txt`, text);
  report("The file is made.", [left]);
}

async function take(event) {
  const [file] = event.target.files;
  const text = await file.text();
  event.target.value = "";
  const lines = await difference(text);
  if (!lines.length) return report("Nothing differs.");
  if (!(await confirm(`Change ${count(lines)} to what ${file.name} says, and save?`, "Restore"))) return;
  const failed = await restore(lines, (tried) => setText($("restore-state"), `${tried} of ${lines.length} …`));
  const secrets = "Passwords and passphrases are in no file: set them before a restart.";
  report(`${count(lines)} tried, ${failed.length} failed, the rest is saved. ${secrets}`, failed.map(({ line, text }) => `${line}: ${text}`));
}

const count = ({ length }) => `${length} ${length === 1 ? "setting" : "settings"}`;

function report(text, lines = []) {
  setText($("restore-state"), text);
  $("restore-failed").replaceChildren(...lines.map((line) => el("li", { class: "name" }, line)));
}

// --- the password ---

async function showGuard() {
  const isSet = await isGuarded();
  $("password-state").dataset.state = isSet ? "2" : "1";
  setText($("password-state"), isSet ? "A password is set" : "No password is set: everybody here can use the device");
  $("password-remove").hidden = !isSet;
  if (document.activeElement !== $("password-user")) $("password-user").value = await ask(`get ${USER}`);
}

/** Sets or removes the password. The page must send nothing else meanwhile, or the browser would ask the user. */
async function protect(password) {
  for (const variable of [USER, PASSWORD]) await find([variable]).then(() => describe(variable));
  const user = $("password-user").value;
  await hold(async () => {
    if (password) await ask(`set ${USER} ${quote(user)}`);
    await ask(`set ${PASSWORD} ${quote(password)}`);
    if (password && !(await logIn(user, password))) throw new Error("The device wants the new password: load this page again");
    await ask("save");
  });
  $("password").value = "";
  toast(password ? "The password is set and saved" : "The password is removed");
  await showGuard();
}
