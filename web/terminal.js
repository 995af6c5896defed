/** The terminal: commands with their answers, the log between them, history and completion. */

import { encode, printable } from "./bytes.js";
import { common, complete, fullName } from "./completion.js";
import { $, el, guarded, screen } from "./dom.js";
import { run } from "./device.js";
import { follow } from "./heart.js";
import { describe } from "./variables.js";

/** Maximum number of entries on the screen, of commands in the history, and of completions offered at once. */
const ENTRIES = 600;
const HISTORY = 100;
const OFFERED = 12;
const KEY = "openzentri.history";
/** Lines that may hold secrets: they are not kept in the history. */
const SECRET = /pass|secur|key|wl p|so p|ht s w|em s w/i;
const READS_DATA = ["stream_write", "file_create", "smtp_send", "http_post", "udp_server"];

const input = $("terminal-input");
const output = $("terminal-output");
const options = $("terminal-options");
const put = screen(output, ENTRIES);

let history = [];
/** Place in the history; the length of the history stands for the line that is being written. */
let place = 0;
let draft = "";
let offer = { start: 0, words: [] };
let active = -1;
/** The number of the last request for completions; results of older ones are ignored. */
let asked = 0;

export function start(seen) {
  try {
    history = JSON.parse(sessionStorage.getItem(KEY)) ?? [];
  } catch {
    history = [];
  }
  place = history.length;
  $("terminal-form").addEventListener("submit", guarded(submit));
  $("terminal-clear").addEventListener("click", () => output.replaceChildren());
  $("terminal-data").addEventListener("input", showDataSize);
  input.addEventListener("keydown", key);
  input.addEventListener("input", () => suggest().catch(() => {}));
  input.addEventListener("blur", () => setTimeout(() => document.activeElement === input || close(), 150));
  follow((lines) => $("terminal-log").checked && lines.forEach((line) => put(el("p", { class: "logged" }, line))));
}

export function show() {
  // Opening the keyboard of a phone is the user's choice.
  if (matchMedia("(pointer: fine)").matches) input.focus({ preventScroll: true });
}

export function greet(text) {
  put(el("p", { class: "greeting" }, text));
}

/** Scrolls to the end: the user wants to see the answer to a command, wherever the screen was. */
function toEnd() {
  output.scrollTop = output.scrollHeight;
}

async function submit() {
  if (active >= 0) return accept(offer.words[active]);
  const line = input.value.trim();
  if (!line) return;
  const data = $("terminal-data-label").hidden ? undefined : encode($("terminal-data").value);
  remember(line);
  input.value = "";
  close();
  await showUsage();
  await execute(line, data);
}

async function execute(line, data) {
  const body = el("pre", {}, "…");
  const began = performance.now();
  put(el("div", { class: "entry-pair" }, el("p", { class: "command" }, line), body));
  try {
    const { code, text } = await run(line, data?.length ? data : undefined);
    body.textContent = printable(text);
    body.hidden = !text;
    if (code) body.classList.add("bad");
    body.title = `Code ${code}, ${Math.round(performance.now() - began)} ms`;
  } catch (error) {
    body.textContent = error.message;
    body.classList.add("bad");
  }
  toEnd();
}

// --- history ---

function remember(line) {
  if (!SECRET.test(line) && history.at(-1) !== line) history = [...history, line].slice(-HISTORY);
  sessionStorage.setItem(KEY, JSON.stringify(history));
  place = history.length;
  draft = "";
}

function recall(step) {
  if (place === history.length) draft = input.value;
  place = Math.min(history.length, Math.max(0, place + step));
  input.value = history[place] ?? draft;
  input.setSelectionRange(input.value.length, input.value.length);
  close();
  showUsage().catch(() => {});
}

// --- completion ---

function key(event) {
  if (event.key === "ArrowUp" || event.key === "ArrowDown") {
    event.preventDefault();
    recall(event.key === "ArrowUp" ? -1 : 1);
  } else if (event.key === "Escape") {
    close();
  } else if (event.key === "Tab" && !options.hidden && !event.ctrlKey && !event.altKey) {
    event.preventDefault();
    tab(event.shiftKey ? -1 : 1);
  }
}

/** Completes as far as the text is certain; then walks through the offered words. */
function tab(step) {
  const written = input.value.slice(offer.start);
  const shared = common(offer.words);
  if (offer.words.length === 1) accept(offer.words[0]);
  else if (active < 0 && shared.length > written.length) {
    input.value = input.value.slice(0, offer.start) + shared;
    suggest().catch(() => {});
  } else {
    const count = options.childElementCount;
    activate((active + step + count + (active < 0 && step < 0 ? 1 : 0)) % count);
  }
}

function activate(index) {
  active = index;
  [...options.children].forEach((option, at) => option.setAttribute("aria-selected", at === index));
  if (index < 0) input.removeAttribute("aria-activedescendant");
  else {
    input.setAttribute("aria-activedescendant", options.children[index].id);
    options.children[index].scrollIntoView({ block: "nearest" });
  }
}

function accept(word) {
  input.value = input.value.slice(0, offer.start) + word + " ";
  input.focus();
  suggest().catch(() => {});
}

async function suggest() {
  const line = input.value;
  const number = ++asked;
  const found = line.trim() ? await complete(line) : { start: 0, words: [] };
  if (number !== asked) return;
  offer = found;
  const isWritten = found.words.length === 1 && found.words[0] === line.slice(found.start);
  open(isWritten ? [] : found.words.slice(0, OFFERED));
  await showUsage();
}

function open(words) {
  options.replaceChildren(...words.map((word, at) => {
    const accepts = (event) => {
      event.preventDefault();
      accept(word);
    };
    return el("li", { role: "option", id: `option-${at}`, "aria-selected": "false", onmousedown: accepts }, word);
  }));
  options.hidden = !words.length;
  options.scrollTop = 0;
  input.setAttribute("aria-expanded", String(words.length > 0));
  activate(-1);
}

function close() {
  asked++;
  open([]);
}

/** Shows the usage of the command that is being written, and the field for data if it reads any. */
async function showUsage() {
  const [word = "", ...rest] = input.value.trimStart().split(/\s+/);
  const name = rest.length ? await fullName(word) : undefined;
  const needsData = READS_DATA.includes(name) && !rest.includes("-o");
  if ($("terminal-data-label").hidden === needsData) $("terminal-data").value = "";
  $("terminal-data-label").hidden = !needsData;
  showDataSize();
  if (!name) {
    $("terminal-usage").textContent = "Tab completes, ↑ and ↓ recall, Esc closes the list.";
    return;
  }
  const row = (name === "set" || name === "get") && rest.length > 1 ? rest[0] : name;
  const help = (await describe(row)) ?? (await describe(name));
  if (!help || input.value.trimStart().split(/\s+/)[0] !== word) return;
  const takes = help.values ? `Values: ${help.values}` : help.usage?.split("\n")[0];
  $("terminal-usage").textContent = `${takes ?? row} · ${help.summary}`;
}

function showDataSize() {
  $("terminal-data-size").textContent = `${encode($("terminal-data").value).length} bytes`;
}
