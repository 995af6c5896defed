/**
 * The heartbeat of all views. It brings the log, and says when the device is away, when it is back, and when it has
 * started anew.
 */

import { BEAT_TIME, events, giveUp, idle, readLog, run } from "./device.js";
import { pause } from "./dom.js";

/** Milliseconds between two beats, while somebody looks at the log or waits for the device, and else. */
const LIVELY = 1000;
const QUIET = 3000;
/** Beats without an answer after which nobody waits for the answer to a command any more. */
const LOST = 3;

const followers = new Set();
let seen = [];
let state = "wait";
let missed = 0;
let beats = 0;
/** What is shown may be out of date; it is being read again. */
let stale = false;
let catching = false;
/** The device's time since its start, in seconds. */
let uptime = 0;
let held = false;

/** The device answers, so that views may ask it. */
export const alive = () => state === "online" && !held;

/** Calls `take` with lines of the log as they come. Answers how to stop that. */
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

/** What is new: the log drops its oldest lines, so the end of the old lines is the start of the new ones. */
export function newLines(before, now) {
  for (let gone = Math.max(0, before.length - now.length); gone < before.length; gone++) {
    const kept = before.length - gone;
    if (before.slice(gone).every((line, at) => line === now[at])) return now.slice(kept);
  }
  return now;
}

/** Asks nothing while `work` is done, which changes who may ask. */
export async function hold(work) {
  held = true;
  try {
    return await work();
  } finally {
    held = false;
  }
}

/**
 * Begins to beat. `lively` says whether somebody looks at the log; `changed(state)` hears of each change; `back(anew)` is
 * called when what is shown may be out of date, again until it succeeds. `anew` means after a start of the device.
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
  // A log may look the same after a start.
  const anew = ++beats % 2 && idle() && (await isNew());
  if (anew) seen = [];
  if (anew || (stale && !catching)) catchUp(back, anew);
}

/** The heart does not wait for it: what has to be asked may take long. */
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
