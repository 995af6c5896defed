/** The device behind this page: its REST API. The page sends one command at a time: the device runs only one. */

import { decode, encode, fromBase64, toBase64 } from "./bytes.js";
import { pause } from "./dom.js";

/** Flags of a request: the response shall be base64; the data is base64. */
const RESPONSE_BASE64 = 2;
const DATA_BASE64 = 4;

/** A join may take several attempts of many seconds. */
const COMMAND_TIME = 150_000;
const QUICK_TIME = 8_000;
/** The heartbeat must notice within ten seconds that the device does not answer. */
export const BEAT_TIME = 4_000;
/** How often a command is tried while the device is too busy. */
const TRIES = 5;

/** Events: `link` (detail: online, offline or denied) and `ran` (detail: command and answer). */
export const events = new EventTarget();
const emit = (name, detail) => events.dispatchEvent(new CustomEvent(name, { detail }));

let turn = Promise.resolve();
let waiting = 0;

/** No command of this page is running or waiting. */
export const idle = () => waiting === 0;

/**
 * Runs a command, with the data that it reads, if any. The answer has the result code (0 is success), the bytes of the
 * response, and its text without the last line end. Rejects only if the device cannot be reached.
 */
export function run(command, data, time = COMMAND_TIME) {
  waiting++;
  const answer = turn.then(() => post(command, data, time)).finally(() => waiting--);
  turn = answer.catch(() => {});
  return answer;
}

/** As `run`, for a command that must succeed: answers the text, rejects with the device's error text. */
export async function ask(command, data) {
  const answer = await run(command, data);
  if (answer.code) throw new Error(`${answer.text} (${command.split(" ").slice(0, 2).join(" ")})`);
  return answer.text;
}

/** The text that a command answers; empty when it fails. */
export async function told(command) {
  const { code, text } = await run(command);
  return code ? "" : text;
}

/** Sends a command while the page is being closed: at once, and ignores the answer. */
export function runLast(command) {
  const headers = { "Content-Type": "application/json" };
  fetch("/command", { method: "POST", headers, body: JSON.stringify({ command }), keepalive: true }).catch(() => {});
}

async function post(command, data, time) {
  const call = { flags: RESPONSE_BASE64, command };
  if (data) Object.assign(call, { flags: RESPONSE_BASE64 | DATA_BASE64, data: toBase64(data) });
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(call) };
  let response = await request("/command", options, time);
  for (let attempt = 1; response.status === 503 && attempt < TRIES; attempt++) {
    await pause(300 * attempt);
    response = await request("/command", options, time);
  }
  if (!response.ok) throw new Error(refusal(response.status));
  const { code, flags, response: text } = await response.json();
  const bytes = flags & RESPONSE_BASE64 ? fromBase64(text) : encode(text);
  const answer = { code, bytes, text: decode(bytes).replace(/\r\n$/, "") };
  emit("ran", { command, answer });
  return answer;
}

/** The lines in the device's log, the oldest first. */
export async function readLog() {
  const response = await request("/log", {}, BEAT_TIME);
  if (!response.ok) throw new Error(refusal(response.status));
  return (await response.json()).logs;
}

/** The content of a file from the web server; null when it does not serve the file. */
export async function fetchFile(name) {
  const response = await request(fileUrl(name), { cache: "no-store" }, COMMAND_TIME);
  return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
}

export const fileUrl = (name) => "/" + name.split("/").map(encodeURIComponent).join("/");

let patience = new AbortController();

/** Aborts all requests that still wait for an answer, because the device is gone. */
export function giveUp() {
  patience.abort();
  patience = new AbortController();
}

async function request(url, options, time) {
  const late = AbortSignal.timeout(time);
  try {
    const signal = AbortSignal.any?.([late, patience.signal]) ?? late;
    const response = await fetch(url, { ...options, signal });
    emit("link", response.status === 401 ? "denied" : "online");
    return response;
  } catch {
    emit("link", "offline");
    throw new Error("The device does not answer");
  }
}

/** Whether the device asks a client without credentials for a password. */
export async function isGuarded() {
  const options = { credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(QUICK_TIME) };
  return (await fetch("/log", options)).status === 401;
}

/** Gives the browser a user and a password, so that it does not ask for them. Answers whether they are right. */
export function logIn(user, password) {
  return new Promise((resolve) => {
    const call = new XMLHttpRequest();
    call.open("GET", "/log", true, user, password);
    call.onloadend = () => resolve(call.status === 200);
    call.send();
  });
}

function refusal(status) {
  if (status === 401) return "The device wants a user name and password";
  if (status === 404) return "The REST API is switched off (http.server.api_enabled)";
  if (status === 503) return "The device is busy";
  return `The device answered with HTTP status ${status}`;
}
