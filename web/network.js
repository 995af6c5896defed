/** The network: state of the station, scan, join. */

import { nameBytes } from "./bytes.js";
import { $, el, guarded, repeat } from "./dom.js";
import { ask, idle, run } from "./device.js";
import { busy, choose, join } from "./join.js";

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

async function values(group) {
  const { code, text } = await run(`get ${group}`);
  const lines = code ? [] : text.split("\r\n");
  return Object.fromEntries(lines.map((line) => [line.split(": ")[0].trim(), line.slice(line.indexOf(": ") + 2)]));
}

async function refresh() {
  const wlan = await values("wlan");
  const up = wlan["wlan.network.status"] === "2";
  const signal = up ? await run("wlan_get_rssi") : { code: 1 };
  const mdns = await values("mdns");
  const state = STATES[wlan["wlan.network.status"]] ?? "Unknown";
  $("network-state").dataset.state = wlan["wlan.network.status"];
  setText($("network-state"), up ? `${state} to ${wlan["wlan.ssid"]}` : state);
  const mac = wlan["wlan.mac"] ?? "";
  const name = (mdns["mdns.name"] ?? "").replace(/#+$/, mac.replace(/:/g, "").slice(-3).toLowerCase());
  facts([
    ["Network", wlan["wlan.ssid"] || "none set"],
    ["Last join", lastJoin(wlan)],
    ["Signal", signal.code ? "" : meter(Number(signal.text))],
    ["Address", up && wlan["wlan.network.ip"]],
    ["Netmask", up && wlan["wlan.network.netmask"]],
    ["Gateway", up && wlan["wlan.network.gateway"]],
    ["Name server", up && wlan["wlan.network.dns"]],
    ["Addresses by", wlan["wlan.dhcp.enabled"] === "1" ? "DHCP" : "hand (wlan.static)"],
    ["Name", mdns["mdns.enabled"] === "1" && `${name}.local`],
    ["Joins at start", wlan["wlan.auto_join.enabled"] === "1" ? "yes" : "no"],
    ["MAC", mac],
  ]);
  if (!$("join-ssid").value && document.activeElement !== $("join-ssid")) $("join-ssid").value = wlan["wlan.ssid"] ?? "";
}

/** Why the last join has failed; nothing when it has not. */
function lastJoin(wlan) {
  const reason = wlan["wlan.join.reason"];
  return reason ? `${reason[0].toUpperCase()}${reason.slice(1)}.` : "";
}

/** Live regions speak again when they are written, so nothing is written that is there already. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function facts(rows) {
  const known = rows.filter(([, value]) => value);
  $("network-facts").replaceChildren(...known.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
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

/** One entry a network name, with the strongest of its access points. */
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
