/** The settings as a file, and back: a line for each variable that can be set, in the form of the words after `set`. */

import { fromLetters, letters, quoteBytes } from "./bytes.js";
import { ask, run } from "./device.js";
import { describe, isSecret, readAll, variables } from "./variables.js";

/** The start of a file that has every variable in it. */
const HEAD = "# Settings of ";
/** Not settings, although they can be set: the clock, and aliases of system.cmd.*. */
const NO_SETTINGS = ["time.rtc", "system.cmd.mode", "system.cmd.format"];
const LOCK = "system.variable_lock";
/** Once these are set, the device may refuse further changes. */
const LAST = ["http.server.username", LOCK];

/** A value as the command line reads it. Two kinds of values consist of several words. */
function word({ name, value }) {
  if (name === "uart.baud") return `${value} raw`;
  return name === "gpio.init" || /^[\w.:*+,|/-]+$/.test(value) ? value : quoteBytes(fromLetters(value));
}

const nameOf = ({ name, index }) => (index === undefined ? name : `${name} ${index}`);
const lineOf = (entry) => `${nameOf(entry)} ${word(entry)}`;

/** The variables that can be set and read, and the names of those that cannot be read. */
async function settings() {
  const settable = (await variables()).filter(({ name, access }) => access.includes("s") && !NO_SETTINGS.includes(name));
  const all = await readAll(letters);
  const shown = all.some(({ name, value }) => name === "wlan.hide_passkey" && value === "0");
  const secrets = settable.filter((row) => isSecret(row, shown)).map(({ name }) => name);
  const names = new Set(settable.map(({ name }) => name).filter((name) => !secrets.includes(name)));
  return { entries: all.filter(({ name }) => names.has(name)), secrets };
}

/** The file: its text, and a note about what it leaves out. */
export async function backUp(name) {
  const { entries, secrets } = await settings();
  const left = `Left out, because nobody can read them: ${secrets.join(", ")}`;
  return { left, text: [`${HEAD}${name}, ${await ask("version")}`, `# ${left}`, ...entries.map(lineOf), ""].join("\n") };
}

/** The lines that change this device's settings to those of a file, in the form of the words after `set`. */
export async function difference(text) {
  const lines = text.split(/\r?\n/).filter((line) => line && !line.startsWith("#"));
  const known = new Set((await variables()).map(({ name }) => name));
  if (!lines.some((line) => known.has(line.split(" ")[0]))) throw new Error("There are no settings in this file");
  const { entries } = await settings();
  const now = new Set(entries.map(lineOf));
  const wanted = lines.filter((line) => !now.has(line));
  if (text.startsWith(HEAD)) wanted.push(...(await clearing(entries, lines)));
  return inOrder(wanted, entries.find(({ name }) => name === LOCK));
}

/** Lines for elements that have a value here, but none in the file: a pin gets its default, others become empty. */
async function clearing(entries, lines) {
  const gone = entries.filter((entry) => entry.index !== undefined && !lines.some((line) => line.startsWith(`${nameOf(entry)} `)));
  return Promise.all(gone.map(async (entry) => {
    const help = await describe(entry.name);
    return `${nameOf(entry)} ${/GPIO/.test(help?.index) ? help.default || '""' : '""'}`;
  }));
}

/** Sorts the lines so that the lock is removed first and set last. */
function inOrder(wanted, lock) {
  const place = (line) => LAST.indexOf(line.split(" ")[0]);
  const lines = [...wanted].sort((one, other) => place(one) - place(other));
  if (!lines.length || !lock?.value) return lines;
  return [`${LOCK} ""`, ...lines, ...(place(lines.at(-1)) === LAST.length - 1 ? [] : [lineOf(lock)])];
}

/** Sets the lines and saves. `progress(count)` gets the number of tried lines. Answers the failed: `{ line, text }`. */
export async function restore(lines, progress) {
  let tried = 0;
  const pass = async (some) => {
    const failed = [];
    for (const line of some) {
      const { code, text } = await run(`set ${line}`);
      if (code) failed.push({ line, text });
      progress(++tried);
    }
    return failed;
  };
  let failed = await pass(lines);
  if (failed.length) {
    await letGo(failed);
    failed = await pass(failed.map(({ line }) => line));
  }
  await ask("save");
  return failed;
}

/** Frees the pins of failed lines: a pin may have the use that another line needs, or two pins may swap uses. */
async function letGo(failed) {
  for (const { line } of failed) {
    const help = await describe(line.split(" ")[0]);
    if (/^<GPIO/.test(help?.values)) await run(`set ${line.replace(/\S+$/, "-1")}`);
  }
}
