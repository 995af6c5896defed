/** Changes that were not saved, or need a restart to take effect. Watches every command of this page. */

import { $, confirm, el, guarded, toast } from "./dom.js";
import { ask, events } from "./device.js";
import { describe, find } from "./variables.js";

const KEY = "openzentri.pending";
const RESTART_NETWORK = "network";
const RESTART_DEVICE = "device";

/** Names of changed variables: not saved, waiting for `network_restart`, waiting for `reboot`. */
const changed = { unsaved: [], [RESTART_NETWORK]: [], [RESTART_DEVICE]: [] };

const add = (list, name) => list.includes(name) || list.push(name);

/** When a change takes effect according to `help`: after one of the two restarts, or at once (empty). */
export function restartOf(effect = "") {
  if (/network_restart/.test(effect)) return RESTART_NETWORK;
  return /reboot/.test(effect) ? RESTART_DEVICE : "";
}

async function noteSet(words) {
  const row = await find(words);
  const help = row && (await describe(row.name));
  if (!help) return;
  add(changed.unsaved, row.name);
  const restart = restartOf(help.effect);
  if (restart) add(changed[restart], row.name);
  show();
}

async function note({ command, answer }) {
  if (answer.code) return;
  const [name, ...words] = command.trim().split(/\s+/);
  if (name === "set") return noteSet(words);
  if (name === "save" && !words.length) changed.unsaved = [];
  else if (name === "network_restart" || name === "nre") changed[RESTART_NETWORK] = [];
  else return;
  show();
}

/** Forgets all pending changes: the device has restarted. */
export function forget() {
  Object.keys(changed).forEach((list) => (changed[list] = []));
  show();
}

const names = (list) => (list.length > 3 ? `${list.slice(0, 2).join(", ")} and ${list.length - 2} more` : list.join(", "));

function part(list, text, button, work) {
  if (!list.length) return [];
  const act = el("button", { type: "button", onclick: guarded(work) }, button);
  return [el("div", { class: "part" }, el("p", {}, el("b", {}, text), " ", el("span", {}, names(list))), act)];
}

function show() {
  sessionStorage.setItem(KEY, JSON.stringify(changed));
  const parts = [
    ...part(changed.unsaved, "Not saved:", "Save", save),
    ...part(changed[RESTART_NETWORK], "Waiting for a network restart:", "Restart network", restartNetwork),
    ...part(changed[RESTART_DEVICE], "Waiting for a restart:", "Restart device", restartDevice),
  ];
  $("pending").hidden = !parts.length;
  $("pending").replaceChildren(...parts);
}

export async function save() {
  await ask("save");
  toast("Saved");
}

async function restartNetwork() {
  toast("Restarting the network");
  await ask("network_restart");
  toast("The network is up");
}

/** Restarts the device, after asking. The heartbeat notices when it is back. */
export async function restartDevice() {
  const lost = changed.unsaved.length ? " Changes that are not saved will be lost." : "";
  if (!(await confirm("Restart the device?" + lost, "Restart"))) return;
  await ask("reboot");
  toast("The device restarts");
  forget();
}

export function start() {
  try {
    Object.assign(changed, JSON.parse(sessionStorage.getItem(KEY)));
  } catch {
    // Nothing usable was kept.
  }
  show();
  events.addEventListener("ran", (event) => note(event.detail).catch(() => {}));
}
