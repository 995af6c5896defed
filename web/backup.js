/** The settings as a file, and back: a line for each variable that can be set, as it stands behind `set`. */

import { fromLetters, letters, quoteBytes } from "./bytes.js";
import { ask, run } from "./device.js";
import { describe, isSecret, readAll, variables } from "./variables.js";

/** How a file begins that has every variable in it. */
const HEAD = "# Settings of ";
/** Not settings, though they can be set: the clock, and other ways to say system.cmd.*. */
const NO_SETTINGS = ["time.rtc", "system.cmd.mode", "system.cmd.format"];
const LOCK = "system.variable_lock";
/** From these on the device may refuse what follows. */
const LAST = ["http.server.username", LOCK];

/** A value as the command line reads it. These two kinds are several words. */
function word({ name, value }) {
  if (name === "uart.baud") return `${value} raw`;
  return name === "gpio.init" || /^[\w.:*+,|/-]+$/.test(value) ? value : quoteBytes(fromLetters(value));
}

const nameOf = ({ name, index }) => (index === undefined ? name : `${name} ${index}`);
const lineOf = (entry) => `${nameOf(entry)} ${word(entry)}`;

/** What can be set and read, and the names of what cannot be read. */
async function settings() {
  const settable = (await variables()).filter(({ name, access }) => access.includes("s") && !NO_SETTINGS.includes(name));
  const all = await readAll(letters);
  const shown = all.some(({ name, value }) => name === "wlan.hide_passkey" && value === "0");
  const secrets = settable.filter((row) => isSecret(row, shown)).map(({ name }) => name);
  const names = new Set(settable.map(({ name }) => name).filter((name) => !secrets.includes(name)));
  return { entries: all.filter(({ name }) => names.has(name)), secrets };
}

/** The file: its text, and what it leaves out. */
export async function backUp(name) {
  const { entries, secrets } = await settings();
  const left = `Left out, because nobody can read them: ${secrets.join(", ")}`;
  return { left, text: [`${HEAD}${name}, ${await ask("version")}`, `# ${left}`, ...entries.map(lineOf), ""].join("\n") };
}

/** The lines that make this device's settings those of a file, as they stand behind `set`. */
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

/** Elements that have a value here, and none in the file: of a pin it is the default, else nothing. */
async function clearing(entries, lines) {
  const gone = entries.filter((entry) => entry.index !== undefined && !lines.some((line) => line.startsWith(`${nameOf(entry)} `)));
  return Promise.all(gone.map(async (entry) => {
    const help = await describe(entry.name);
    return `${nameOf(entry)} ${/GPIO/.test(help?.index) ? help.default || '""' : '""'}`;
  }));
}

/** The lock comes off first and is put on last. */
function inOrder(wanted, lock) {
  const place = (line) => LAST.indexOf(line.split(" ")[0]);
  const lines = [...wanted].sort((one, other) => place(one) - place(other));
  if (!lines.length || !lock?.value) return lines;
  return [`${LOCK} ""`, ...lines, ...(place(lines.at(-1)) === LAST.length - 1 ? [] : [lineOf(lock)])];
}

/** Sets the lines and saves. `progress(count)` hears how many were tried. Answers those that failed: `{ line, text }`. */
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

/** A pin may still have the use that another line takes from it, and two may change places: they have none for a while. */
async function letGo(failed) {
  for (const { line } of failed) {
    const help = await describe(line.split(" ")[0]);
    if (/^<GPIO/.test(help?.values)) await run(`set ${line.replace(/\S+$/, "-1")}`);
  }
}
