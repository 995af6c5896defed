/** The device's own description of its commands and variables. Each table is read once. */

import { decode, quote } from "./bytes.js";
import { ask, run, told } from "./device.js";

const once = (load) => {
  let result;
  return () => (result ??= load().catch((error) => {
    result = undefined;
    throw error;
  }));
};

/** The commands: `{ name, abbr }`. */
export const commands = once(async () =>
  (await ask("help commands")).split("\r\n").map((line) => {
    const [name, abbr] = line.split(" : ");
    return { name, abbr: abbr ?? name };
  }));

/** The variables: `{ name, abbr, access }`, access being `g`, `s` or `g/s`. */
export const variables = once(async () =>
  (await ask("help variables")).split("\r\n").map((line) => {
    const [, access, name, abbr = ""] = /^(\S+)\s+(\S+)(?:\s+\((.*)\))?/.exec(line) ?? [];
    return { access, name, abbr };
  }).filter((row) => row.name));

/** The variables of a group by name. */
export async function group(name) {
  const lines = (await told(`get ${name}`)).split("\r\n");
  return Object.fromEntries(lines.map((line) => [line.split(": ")[0].trim(), line.slice(line.indexOf(": ") + 2)]));
}

/** The variables that `get all` prints: `{ name, index, value }` each. `read` turns bytes into text. */
export async function readAll(read = decode) {
  const names = new Set((await variables()).map(({ name }) => name));
  const { code, bytes, text } = await run("get all");
  if (code) throw new Error(text);
  const list = [];
  for (const line of read(bytes).replace(/\r\n$/, "").split("\r\n")) {
    const [, name, index, value] = /^(\S+?)(?: (\S+))?: ?([^]*)$/.exec(line) ?? [];
    if (names.has(name)) list.push({ name, index, value });
    // The name of a network may have any bytes, line ends too.
    else if (list.length) list.at(-1).value += `\r\n${line}`;
  }
  return list;
}

/** The device's own name: `#` stands for the end of its MAC. */
export async function deviceName() {
  const mac = await told("get wlan.mac");
  return (await told("get mdns.name")).replace(/#+$/, mac.replaceAll(":", "").slice(-3).toLowerCase());
}

/** Whether a variable can be set but not read. `shown` says whether passkeys can be read. */
export const isSecret = ({ name, access }, shown) => access === "s" || (/(passkey|password)$/.test(name) && !(shown && /passkey/.test(name)));

const described = new Map();

/**
 * Calls `take(name, summary, isMissing)` with the purpose of each variable. `help` lists them group by group, except
 * for those that have the name of a command.
 */
export async function summaries(take) {
  const left = new Set((await variables()).map(({ name }) => name));
  const asked = new Set();
  for (const name of left) {
    for (const topic of [name.split(".")[0], name]) {
      if (!left.has(name) || asked.has(topic)) continue;
      asked.add(topic);
      for (const line of (await told(`help ${topic}`)).split("\r\n")) {
        const [, row, summary, missing] = /^(\S+) \(.*?\): (.*?)( Not in this build\.)?$/.exec(line) ?? [];
        if (left.delete(row)) take(row, summary, missing);
      }
    }
  }
}

/** `help <name>` as lines: `title` is the first line, the others are keyed by their label in lower case. */
export async function describe(name) {
  if (!described.has(name)) {
    const answer = await run(`help ${name}`);
    described.set(name, answer.code ? null : readHelp(answer.text));
  }
  return described.get(name);
}

function readHelp(text) {
  const [title, ...lines] = text.split("\r\n").join("\n").split("\n");
  const help = { title, summary: title.replace(/^.*?\): /, ""), text };
  let label = "";
  for (const line of lines) {
    const [, name, rest] = /^([A-Z][a-z ]+): ?(.*)$/.exec(line) ?? [];
    // The further lines of a value have no label.
    if (name) help[(label = name.toLowerCase())] = rest;
    else if (label) help[label] += "\n" + line;
  }
  return help;
}

/** The words that a variable accepts, if its values are a list of words. */
export const choices = (values = "") => (/^[\w.*-]+(\|[\w.*-]+)+$/.test(values) ? values.split("|") : []);

/** Sets a variable. Sends values of several words, such as a speed and `raw`, as they are, and texts in quotes. */
export async function setVariable(name, value, index = "") {
  const { values = "" } = (await describe(name)) ?? {};
  const isText = /^<(text|up to|\d+-)/.test(values);
  const plain = !isText && /^[\w.:*+,|/-]+( [\w.:*+,|/-]+)*$/.test(value);
  return ask(["set", name, index, plain ? value : quote(value)].filter(Boolean).join(" "));
}

/** Finds the variable that the words of a `get` or `set` name, by its name or its abbreviation. */
export async function find(words) {
  const table = await variables();
  const named = table.find((row) => row.name === words[0]);
  if (named) return named;
  for (let count = Math.min(words.length, 4); count > 0; count--) {
    const abbr = words.slice(0, count).join(" ");
    const short = table.find((row) => row.abbr === abbr);
    if (short) return short;
  }
  return undefined;
}
