/** The network: state of the station, scan, join. */

import { nameBytes } from "./bytes.js";
import { $, el, facts, guarded, repeat, setText } from "./dom.js";
import { ask, idle, told } from "./device.js";
import { busy, choose, join } from "./join.js";
import { deviceName, group } from "./variables.js";

const STATES = ["Not connected", "Connected, without an address", "Connected", "Joining"];
/** A join is going on, so that the log is worth reading. */
export const joining = busy;

export function start(seen) {
  $("scan").addEventListener("click", guarded(scan));
  $("join").addEventListener("submit", guarded(() => join().finally(() => refresh().catch(() => {}))));
  $("join-show").addEventListener("change", (event) => {
    $("join-key").type = event.target.checked ? "text" : "password";
  });
  repeat(5000, () => seen() && idle(), refresh);
}

export function show() {
  if (!busy()) refresh().catch(() => {});
}

export async function refresh() {
  const wlan = await group("wlan");
  const up = wlan["wlan.network.status"] === "2";
  const signal = up && (await told("wlan_get_rssi"));
  const state = STATES[wlan["wlan.network.status"]] ?? "Unknown";
  $("network-state").dataset.state = wlan["wlan.network.status"];
  setText($("network-state"), up ? `${state} to ${wlan["wlan.ssid"]}` : state);
  facts($("network-facts"), [
    ["Network", wlan["wlan.ssid"] || "none set"],
    ["Last join", lastJoin(wlan)],
    ["Signal", signal && meter(Number(signal))],
    ["Address", up && wlan["wlan.network.ip"]],
    ["Netmask", up && wlan["wlan.network.netmask"]],
    ["Gateway", up && wlan["wlan.network.gateway"]],
    ["Name server", up && wlan["wlan.network.dns"]],
    ["Addresses by", wlan["wlan.dhcp.enabled"] === "1" ? "DHCP" : "hand (wlan.static)"],
    ["Name", (await told("get mdns.enabled")) === "1" && `${await deviceName()}.local`],
    ["Joins at start", wlan["wlan.auto_join.enabled"] === "1" ? "yes" : "no"],
    ["MAC", wlan["wlan.mac"]],
  ]);
  if (!$("join-ssid").value && document.activeElement !== $("join-ssid")) $("join-ssid").value = wlan["wlan.ssid"] ?? "";
}

/** Why the last join has failed; empty when it has not. */
function lastJoin(wlan) {
  const reason = wlan["wlan.join.reason"];
  return reason ? `${reason[0].toUpperCase()}${reason.slice(1)}.` : "";
}

/** Bars for a signal in dBm, with the number beside them. */
function meter(rssi) {
  const bars = [-85, -75, -65, -55].filter((limit) => rssi >= limit).length;
  const marks = [1, 2, 3, 4].map((bar) => el("i", { class: bar <= bars ? "on" : "" }));
  return el("span", { class: "signal" }, el("span", { class: "bars", "aria-hidden": "true" }, ...marks), `${rssi} dBm`);
}

// --- scan ---

async function scan() {
  $("scan").disabled = true;
  $("scan-state").textContent = "Listening on all channels …";
  try {
    const networks = readScan(await ask("wlan_scan -v"));
    $("scan-state").textContent = `${networks.length} ${networks.length === 1 ? "network" : "networks"}`;
    offer(networks);
  } catch (error) {
    $("scan-state").textContent = "";
    throw error;
  } finally {
    $("scan").disabled = false;
  }
}

/** One entry per network name, with its strongest access point. */
function readScan(text) {
  const best = new Map();
  for (const line of text.split("\r\n").filter((line) => line.startsWith("#"))) {
    const [, , channel, rssi, bssid, , security] = line.split(/\s+/);
    const [, length, ssid] = /^#(?:\s+\S+){7}\s+(\d+) (.*)$/.exec(line) ?? [];
    const known = best.get(ssid);
    if (ssid && (!known || known.rssi < Number(rssi))) {
      const bytes = nameBytes(ssid, Number(length));
      best.set(ssid, { ssid, bytes, channel, bssid, security, rssi: Number(rssi), count: 1 + (known?.count ?? 0) });
    } else if (known) known.count++;
  }
  return [...best.values()].sort((one, other) => other.rssi - one.rssi);
}

function offer(networks) {
  $("found").replaceChildren($("found").firstElementChild, ...networks.map((network) => {
    const points = network.count > 1 ? `, ${network.count} access points` : "";
    const pick = el("input", { type: "radio", name: "found", onclick: () => choose(network) });
    return el("label", { class: "network" }, pick, el("span", { class: "name" }, network.ssid), meter(network.rssi),
      el("span", { class: "small" }, `${network.security}, channel ${network.channel}${points}`));
  }));
  $("found").hidden = !networks.length;
}
