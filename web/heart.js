/**
 * The heartbeat of all views. It reads the log, and reports when the device is away, when it is back, and when it has
 * restarted.
 */

import { BEAT_TIME, events, giveUp, idle, readLog, run } from "./device.js";
import { pause } from "./dom.js";

/** Milliseconds between two beats: while the user looks at the log or waits for the device, and otherwise. */
const LIVELY = 1000;
const QUIET = 3000;
/** Beats without an answer after which the page does not wait for answers to commands any more. */
const LOST = 3;

const followers = new Set();
let seen = [];
let state = "wait";
let missed = 0;
let beats = 0;
/** Whether the page may show old values, and whether it reads them again now. */
let stale = false;
let catching = false;
/** The device's time since its start, in seconds. */
let uptime = 0;
let held = false;

/** The device answers, so that views may ask it. */
export const alive = () => state === "online" && !held;

/** Calls `take` with lines of the log as they come. Answers a function that stops this. */
export function follow(take) {
  followers.add(take);
  return () => followers.delete(take);
}

/** Reads the log now. */
export async function refresh() {
  const lines = await readLog();
  const fresh = newLines(seen, lines);
  seen = lines;
  if (fresh.length) followers.forEach((take) => take(fresh));
}

/** The new lines: the log drops its oldest lines, so the end of the lines before is the start of the lines now. */
export function newLines(before, now) {
  for (let gone = Math.max(0, before.length - now.length); gone < before.length; gone++) {
    const kept = before.length - gone;
    if (before.slice(gone).every((line, at) => line === now[at])) return now.slice(kept);
  }
  return now;
}

/** Stops the heartbeat while `work` runs, which changes the credentials. */
export async function hold(work) {
  held = true;
  try {
    return await work();
  } finally {
    held = false;
  }
}

/**
 * Starts the heartbeat. `lively` says whether the user looks at the log; `changed(state)` is called at each change of
 * the link; `back(anew)` is called when the page may show old values, and again until it succeeds. `anew` means after a
 * restart of the device.
 */
export async function start(lively, changed, back) {
  events.addEventListener("link", ({ detail }) => {
    if (detail === state) return;
    stale ||= detail === "online" && state !== "wait";
    state = detail;
    changed(state);
  });
  for (;;) {
    if (!document.hidden && !held) await beat(back).catch(() => {});
    await pause(state === "online" && !lively() ? QUIET : LIVELY);
  }
}

async function beat(back) {
  await refresh().catch(() => {});
  missed = state === "offline" ? missed + 1 : 0;
  if (missed === LOST) giveUp();
  if (!alive()) return;
  // The log may look the same after a restart.
  const anew = ++beats % 2 && idle() && (await isNew());
  if (anew) seen = [];
  if (anew || (stale && !catching)) catchUp(back, anew);
}

/** The heartbeat does not wait for this: reading everything again may take long. */
async function catchUp(back, anew) {
  catching = true;
  stale = await back(anew).then(() => false, () => true);
  catching = false;
}

async function isNew() {
  const before = uptime;
  const { code, text } = await run("get time.uptime", undefined, BEAT_TIME);
  if (!code) uptime = Number(text);
  return uptime < before;
}
