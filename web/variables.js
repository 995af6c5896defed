/** What the device says about its own commands and variables. Each table is asked for once. */

import { quote } from "./bytes.js";
import { ask, run } from "./device.js";

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

const described = new Map();

/** `help <name>` as lines: `title` is the first, the others are found by their label in small letters. */
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
    // A value of several lines goes on without a label.
    if (name) help[(label = name.toLowerCase())] = rest;
    else if (label) help[label] += "\n" + line;
  }
  return help;
}

/** The words that a variable takes, when it takes words out of a list. */
export const choices = (values = "") => (/^[\w.*-]+(\|[\w.*-]+)+$/.test(values) ? values.split("|") : []);

/** Sets a variable. Values of several words, such as a speed and `raw`, go out as they are; texts go in quotes. */
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
