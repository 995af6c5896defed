/** The variables: search, explain, edit. */

import { $, el, guarded, toast } from "./dom.js";
import { ask } from "./device.js";
import { restartDevice, restartOf } from "./pending.js";
import { choices, describe, setVariable, variables } from "./variables.js";

const SECRET = /(passkey|password|security_key)$/;
const WHEN = { network: "after a network restart", device: "after saving and restarting the device", "": "at once" };

/** Rows as drawn: `{ variable, element, value }`. */
let rows = [];

export function start() {
  $("settings-search").addEventListener("input", filter);
  $("settings-group").addEventListener("change", filter);
  $("settings-refresh").addEventListener("click", guarded(load));
  $("settings-reboot").addEventListener("click", guarded(restartDevice));
}

export function show(query) {
  if (query) {
    $("settings-search").value = query;
    $("settings-group").value = "";
  }
  if (rows.length) filter();
  else guarded(load)();
}

/** The values that `get all` prints, by name; of an indexed variable a list of index and value. */
async function readValues(table) {
  const values = new Map();
  const isName = new Set(table.map(({ name }) => name));
  for (const line of (await ask("get all")).split("\r\n")) {
    const [, name, index, value] = /^(\S+?)(?: (\S+))?: ?(.*)$/.exec(line) ?? [];
    if (!isName.has(name)) continue;
    if (index === undefined) values.set(name, value);
    else values.set(name, [...(values.get(name) ?? []), [index, value]]);
  }
  return values;
}

async function load() {
  $("settings-count").textContent = "Reading …";
  const table = await variables();
  const values = await readValues(table);
  rows = table.map((variable) => draw(variable, values.get(variable.name) ?? ""));
  const groups = Map.groupBy ? Map.groupBy(rows, groupOf) : groupBy(rows);
  $("settings-list").replaceChildren(...[...groups].map(([name, members]) =>
    el("section", { class: "group", "aria-label": name }, el("h2", {}, name), ...members.map(({ element }) => element))));
  const chosen = $("settings-group").value;
  $("settings-group").replaceChildren(el("option", { value: "" }, "all"), ...[...groups.keys()].map((name) => el("option", {}, name)));
  $("settings-group").value = chosen;
  filter();
}

const groupOf = ({ variable }) => variable.name.split(".")[0];

function groupBy(list) {
  const groups = new Map();
  for (const row of list) groups.set(groupOf(row), [...(groups.get(groupOf(row)) ?? []), row]);
  return groups;
}

function filter() {
  const wanted = $("settings-search").value.trim().toLowerCase();
  const group = $("settings-group").value;
  let count = 0;
  for (const row of rows) {
    const { name, abbr } = row.variable;
    const hit = (!group || groupOf(row) === group) && `${name} (${abbr}) ${row.value}`.toLowerCase().includes(wanted);
    row.element.hidden = !hit;
    count += hit;
  }
  for (const section of $("settings-list").children) section.hidden = !section.querySelector("details:not([hidden])");
  $("settings-count").textContent = `${count} of ${rows.length}`;
}

// --- one variable ---

const valueText = (value) => (Array.isArray(value) ? value.map(([index, text]) => `${index}: ${text}`).join(", ") : value);

function draw(variable, value) {
  const { name, access } = variable;
  const shown = el("span", { class: "value" });
  const lead = name.slice(0, name.lastIndexOf(".") + 1);
  const title = el("span", { class: "name" }, el("span", { class: "lead" }, lead), name.slice(lead.length));
  const body = el("div", { class: "body" }, el("p", { class: "small" }, "Reading …"));
  const element = el("details", { class: access === "g" ? "fixed" : "" }, el("summary", {}, title, shown), body);
  const row = { variable, element, value: "" };
  const put = (now) => {
    row.value = valueText(now);
    const hidden = !row.value && (SECRET.test(name) || access === "s");
    shown.textContent = hidden ? "not shown" : row.value || "empty";
    shown.classList.toggle("none", !row.value);
    row.raw = now;
  };
  put(value);
  element.addEventListener("toggle", () => {
    if (element.open) guarded(() => explain(row, body, put))();
  });
  return row;
}

async function explain(row, body, put) {
  const { name, abbr, access } = row.variable;
  const help = (await describe(name)) ?? { summary: "" };
  const facts = [["Short form", abbr], ["Values", help.values], ["Index", help.index], ["Default", help.default],
    ["Hidden", help.hidden], ["Differs", help.differs], ["Not in this build", help["not in this build"]]];
  const list = facts.filter(([, text]) => text)
    .flatMap(([label, text]) => [el("dt", {}, label), el("dd", { class: label.startsWith("Not") ? "missing" : "" }, text)]);
  if (access !== "g") list.push(el("dt", {}, "Takes effect"), el("dd", {}, WHEN[restartOf(help.effect)]));
  body.replaceChildren(el("p", {}, help.summary), el("dl", { class: "facts" }, ...list));
  if (access !== "g") body.append(editor(row, help, put));
}

function editor(row, help, put) {
  const { name, access } = row.variable;
  const secret = "hidden" in help || access === "s";
  const index = help.index ? field(help.index.replace(/[<>]/g, ""), "") : null;
  const input = field(help.values, Array.isArray(row.raw) ? "" : row.raw, secret);
  const label = (text, control) => el("label", {}, text, " ", control);
  const store = async (value) => {
    await setVariable(name, value, index?.value);
    if (access !== "s") put(await readBack(name, help));
    toast(`${name} is set`);
  };
  const buttons = [el("button", { class: "primary" }, "Set")];
  if (help.default !== undefined && !index) {
    buttons.push(el("button", { type: "button", onclick: guarded(async () => {
      await store(help.default);
      input.value = help.default;
    }) }, "Default"));
  }
  return el("form", { class: "edit", autocomplete: "off", onsubmit: guarded(() => store(input.value)) },
    ...(index ? [label("Index", index)] : []), label(`Value of ${name}`, input), ...buttons);
}

async function readBack(name, help) {
  if (!help.index) return ask(`get ${name}`);
  return (await ask(`get ${name} all`)).split("\r\n").filter(Boolean)
    .map((line) => [line.slice(name.length + 1, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]);
}

/** The control that fits what a variable takes. */
function field(values = "", value = "", secret = false) {
  const words = choices(values);
  if (words.length && (words.includes(value) || !value)) {
    const select = el("select", {}, ...words.map((word) => el("option", {}, word)));
    select.value = value || words[0];
    return select;
  }
  const [, min, max] = /^(-?\d+)-(-?\d+)$/.exec(values) ?? [];
  if (max !== undefined) return el("input", { type: "number", min, max, value, required: true });
  return el("input", { type: secret ? "password" : "text", value, autocapitalize: "none", spellcheck: false,
    autocomplete: secret ? "new-password" : "off" });
}
