/** The form that joins a network, with a fallback: a wrong passphrase must not lock the user out. */

import { encode, quoteBytes } from "./bytes.js";
import { $, el, pause, toast } from "./dom.js";
import { ask, run } from "./device.js";
import { follow, refresh as refreshLog } from "./heart.js";
import { masterKey } from "./pmk.js";

/** Seconds that the device may try, and that this page waits until the device is back. */
const LIMIT = 30;
const PATIENCE = 120;
/** The numbers of `network_verify` for securities whose key is derived from passphrase and network name. */
const BY_MASTER_KEY = { "WPA-AES": 2, "WPA-TKIP": 3, "WPA2-AES": 4, "WPA2-Mixed": 5, "WPA2-TKIP": 6 };
const JOINING = "2";

let running = false;
/** The network that was picked from the list. */
let picked = null;

export const busy = () => running;

/** Copies a network of the list into the form. */
export function choose(network) {
  picked = network;
  const open = network.security === "Open";
  $("join-ssid").value = network.ssid;
  $("join-key").disabled = open;
  if (open) $("join-key").value = "";
  $("join-key-note").textContent = open ? "This network is open." : "Empty for an open network.";
}

export async function join() {
  const lines = $("join-progress");
  const tell = (text) => lines.append(el("p", {}, text));
  lines.replaceChildren();
  running = true;
  $("join-go").disabled = true;
  // Lines already in the log are not about this join.
  await refreshLog().catch(() => {});
  const stop = follow((logged) => logged.forEach(tell));
  try {
    await attempt(wanted(), tell);
    $("join-key").value = "";
  } finally {
    await refreshLog().catch(() => {});
    stop();
    running = false;
    $("join-go").disabled = false;
  }
}

/** The network in the form. A picked name may have bytes that a field cannot show. */
function wanted() {
  const ssid = $("join-ssid").value;
  const network = picked?.ssid === ssid ? picked : { ssid, bytes: encode(ssid) };
  return { ...network, passphrase: $("join-key").disabled ? "" : $("join-key").value };
}

async function attempt(network, tell) {
  const before = await ask("get wlan.ssid");
  const inSetup = (await ask("setup status")).startsWith("1");
  tell(`Trying ${network.ssid} …`);
  if (inSetup) await verify(network);
  const words = [`wlan_join -t ${LIMIT}`, quoteBytes(network.bytes), quoteBytes(encode(network.passphrase))];
  const answer = await run(words.join(" "), undefined, (LIMIT + 10) * 1000).catch(() => null);
  const refused = answer && answer.code && !(await reason());
  if (refused) throw new Error(answer.text);
  await settled(network, before, tell);
  tell(`Joined ${network.ssid}, and stored it.`);
  toast(`Joined ${network.ssid}`);
  if (inSetup) await leaveSetup(network, tell);
}

const reason = () => ask("get wlan.join.reason");

/** During web setup the page first verifies a derived key: it sends no passphrase before that is known to be right. */
async function verify(network) {
  const security = BY_MASTER_KEY[network.security];
  if (!security || network.passphrase.length < 8) return;
  const key = network.passphrase.length === 64 ? network.passphrase : masterKey(encode(network.passphrase), network.bytes);
  const bssid = network.bssid.replaceAll(":", "");
  const words = ["network_verify wifi", quoteBytes(network.bytes), bssid, network.channel, security, key];
  const answer = await run(words.join(" "), undefined, 25_000);
  if (answer.code) throw new Error(`${network.ssid}: ${(await reason()) || answer.text}. Nothing was changed.`);
}

/** Waits until the device has joined, or is back in its previous network. It may be unreachable meanwhile. */
async function settled(network, before, tell) {
  const end = Date.now() + PATIENCE * 1000;
  while (Date.now() < end) {
    const state = await outcome().catch(() => null);
    if (state && state.result !== JOINING) {
      if (!state.reason) return;
      const back = before ? `back on ${before}` : "nothing was changed";
      tell(`Trying ${network.ssid} … ${back}: ${state.reason}`);
      throw new Error(`${network.ssid}: ${state.reason}`);
    }
    await pause(500);
  }
  throw new Error(`The device has left this network. Look for it on ${network.ssid}.`);
}

async function outcome() {
  const result = await run("get wlan.join.result", undefined, 3000);
  return { result: result.text, reason: await reason() };
}

/** The soft AP goes down; the phone with this page must change to the network that was joined. */
async function leaveSetup(network, tell) {
  const address = await ask("get wlan.network.ip");
  await run("setup stop");
  tell(`Web setup is over. Connect to ${network.ssid} and open http://${address}/.`);
}
