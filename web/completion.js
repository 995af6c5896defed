/** Completion of a command line: names from the device's own tables. */

import { ask } from "./device.js";
import { choices, commands, describe, find, variables } from "./variables.js";

const FILE_COMMANDS = ["file_delete", "file_open", "file_stat", "load", "http_upload"];
const STREAM_COMMANDS = ["stream_read", "stream_write", "stream_close", "stream_poll", "stream_list",
  "http_read_status", "http_add_header"];

/** The full name of a command that was given by its full or short name. */
export async function fullName(word) {
  const row = (await commands()).find(({ name, abbr }) => word === name || word === abbr);
  return row?.name;
}

/**
 * The completions at the end of `line`: the start of the word that is being written, and the words that can replace it;
 * those that begin with it come first.
 */
export async function complete(line) {
  const words = line.trimStart().split(/\s+/);
  const word = words.pop() ?? "";
  const start = line.length - word.length;
  const found = words.length ? await argumentsOf(words) : await commandNames(word);
  return { start, words: matching([...new Set(found)], word) };
}

function matching(words, start) {
  const wanted = start.toLowerCase();
  const begins = (word) => word.toLowerCase().startsWith(wanted);
  const holds = (word) => wanted.length > 1 && word.toLowerCase().includes(wanted);
  return [...words.filter(begins), ...words.filter((word) => !begins(word) && holds(word))];
}

async function commandNames(word) {
  const table = await commands();
  const short = table.find(({ abbr }) => abbr === word);
  return [...(short ? [short.name] : []), ...table.map(({ name }) => name)];
}

/** What can follow a command and its first arguments. */
async function argumentsOf([first, ...rest]) {
  const name = await fullName(first);
  if (!name) return [];
  if (name === "get" || name === "set") return rest.length ? values(name, rest) : variableNames(name);
  if (name === "help") return rest.length ? [] : helpTopics();
  if (rest.length === 0 && FILE_COMMANDS.includes(name)) return fileNames();
  if (rest.length === 0 && STREAM_COMMANDS.includes(name)) return [...(await handles()), ...(await keywords(name))];
  return keywords(name);
}

async function variableNames(command) {
  const wanted = command === "get" ? "g" : "s";
  const names = (await variables()).filter(({ access }) => access.includes(wanted)).map(({ name }) => name);
  const groups = names.map((name) => name.split(".")[0]);
  return command === "get" ? [...names, ...groups, "all"] : names;
}

async function values(command, words) {
  const row = await find(words);
  const help = row && (await describe(row.name));
  if (!help) return [];
  const index = choices(help.index?.replace(/[<>]/g, ""));
  if (index.length && words.length === 1) return index;
  if (command === "get") return [];
  return /file/.test(row.name) ? fileNames() : choices(help.values);
}

async function helpTopics() {
  const names = [...(await commands()), ...(await variables())].map(({ name }) => name);
  return ["commands", "variables", "all", ...names];
}

/** The literal words of a command's usage, such as `start|stop`; names in `<>` are placeholders. */
async function keywords(name) {
  const usage = (await describe(name))?.usage ?? "";
  const words = usage.split(" ").slice(1).map((word) => word.replace(/[[\];]/g, "").replace(/^<([\w|]*\|\w+)>$/, "$1"));
  return words.flatMap((word) => word.split("|")).filter((word) => /^\w+$/.test(word));
}

async function fileNames() {
  const lines = (await ask("ls")).split("\r\n").filter((line) => line.startsWith("#"));
  return lines.map((line) => line.slice(23)).map((name) => (/\s/.test(name) ? `"${name}"` : name));
}

async function handles() {
  const lines = (await ask("stream_list")).split("\r\n").filter((line) => line.startsWith("#"));
  return lines.map((line) => line.split(/\s+/)[1]);
}

/** The longest text that all words begin with. */
export function common(words) {
  let start = words[0] ?? "";
  while (!words.every((word) => word.startsWith(start))) start = start.slice(0, -1);
  return start;
}
