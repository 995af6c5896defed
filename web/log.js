/** Follows the device's log: one request a second while somebody listens and the tab can be seen. */

import { repeat } from "./dom.js";
import { readLog } from "./device.js";

const followers = new Set();
let seen = [];

/** Calls `take` with lines as they come. Answers how to stop that. */
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

/** Begins to follow; `wanted` says whether anybody can see the lines. */
export const start = (wanted) => repeat(1000, () => followers.size > 0 && wanted(), refresh);
