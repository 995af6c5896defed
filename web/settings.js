/** The variables: search, explain, edit. */

import { $, el, facts, guarded, toast } from "./dom.js";
import { ask } from "./device.js";
import { restartOf } from "./pending.js";
import { choices, describe, isSecret, readAll, setVariable, summaries, variables } from "./variables.js";

/** The variables that most users look for, in this order. */
const COMMON = ["wlan.ssid", "wlan.passkey", "wlan.auto_join.enabled", "wlan.dhcp.enabled", "mdns.name", "http.server.username",
  "http.server.password", "softap.ssid", "softap.passkey", "tcp.server.port", "uart.baud", "time.zone"];

const WHEN = { network: "after a network restart", device: "after saving and restarting the device", "": "at once" };

/** Rows as drawn: `{ variable, element, value, raw, summary, put, mark }`. */
let rows = [];

export function start() {
  $("settings-search").addEventListener("input", filter);
  $("settings-group").addEventListener("change", filter);
  $("settings-refresh").addEventListener("click", guarded(refresh));
  $("settings-all").addEventListener("click", () => {
    look("");
    $("settings-search").focus();
  });
}

export function show(query) {
  if (query) look(query);
  guarded(refresh)();
}

function look(query) {
  $("settings-search").value = query;
  $("settings-group").value = "";
  filter();
}

/** Reads the values again; text that the user is editing stays. */
export async function refresh() {
  const first = !rows.length;
  if (first) {
    $("settings-count").textContent = "Reading …";
    rows = (await variables()).map(draw);
  }
  const values = new Map();
  for (const { name, index, value } of await readAll()) {
    values.set(name, index === undefined ? value : [...(values.get(name) ?? []), [index, value]]);
  }
  rows.forEach((row) => row.put(values.get(row.variable.name) ?? ""));
  if (first) place();
  filter();
  if (first) await summaries(note).then(filter);
}

function note(name, summary, isMissing) {
  const row = rows.find(({ variable }) => variable.name === name);
  row.summary = summary;
  if (isMissing) row.mark();
}

const groupOf = ({ variable }) => variable.name.split(".")[0];

/** Puts the rows on the page; the common variables come first. */
function place() {
  const common = COMMON.map((name) => rows.find(({ variable }) => variable.name === name)).filter(Boolean);
  const groups = new Map();
  for (const row of rows) groups.set(groupOf(row), [...(groups.get(groupOf(row)) ?? []), row]);
  const sections = [["Most wanted", common], ...[...groups].map(([name, all]) => [name, all.filter((row) => !common.includes(row))])];
  $("settings-list").replaceChildren(...sections.map(([name, members]) =>
    el("section", { class: "group", "aria-label": name }, el("h2", {}, name), ...members.map(({ element }) => element))));
  $("settings-group").append(...[...groups.keys()].map((name) => el("option", {}, name)));
}

function filter() {
  const wanted = $("settings-search").value.trim().toLowerCase();
  const group = $("settings-group").value;
  let count = 0;
  for (const row of rows) {
    const { name, abbr } = row.variable;
    const text = `${name} (${abbr}) ${row.value} ${row.summary}`.toLowerCase();
    const hit = (!group || groupOf(row) === group) && text.includes(wanted);
    row.element.hidden = !hit;
    count += hit;
  }
  for (const section of $("settings-list").children) section.hidden = !section.querySelector("details:not([hidden])");
  $("settings-empty").hidden = count > 0 || !rows.length;
  $("settings-count").textContent = `${count} of ${rows.length}`;
}

// --- one variable ---

const valueText = (value) => (Array.isArray(value) ? value.map(([index, text]) => `${index}: ${text}`).join(", ") : value);

function draw(variable) {
  const { name, access } = variable;
  const shown = el("span", { class: "value" });
  const lead = name.slice(0, name.lastIndexOf(".") + 1);
  const title = el("span", { class: "name" }, el("span", { class: "lead" }, lead), name.slice(lead.length));
  const body = el("div", { class: "body" }, el("p", { class: "small" }, "Reading …"));
  const element = el("details", { class: access === "g" ? "fixed" : "" }, el("summary", {}, title, shown), body);
  const row = { variable, element, value: "", summary: "" };
  row.mark = () => title.append(" ", el("span", { class: "badge" }, "not yet"));
  row.put = (now) => {
    row.raw = now;
    row.value = valueText(now);
    shown.textContent = row.value || (isSecret(variable) ? "not shown" : "empty");
    shown.classList.toggle("none", !row.value);
    row.follow?.(now);
  };
  element.addEventListener("toggle", () => {
    if (element.open) guarded(() => explain(row, body))();
  });
  return row;
}

async function explain(row, body) {
  const { name, abbr, access } = row.variable;
  const help = (await describe(name)) ?? { summary: "" };
  const list = el("dl", { class: "facts" });
  facts(list, [["Short form", abbr], ["Values", help.values], ["Index", help.index], ["Default", help.default], ["Hidden", help.hidden],
    ["Differs", help.differs], ["Not in this build", help["not in this build"]], ["Takes effect", access !== "g" && WHEN[restartOf(help.effect)]]]);
  body.replaceChildren(el("p", {}, help.summary), list);
  if (access !== "g") body.append(editor(row, help));
}

// --- the form ---

/** The form for a row of the settings. `row.follow` gets values that were changed elsewhere. */
function editor(row, help) {
  const { name, access } = row.variable;
  const index = help.index ? field(help.index.replace(/[<>]/g, "")) : null;
  const isSwitch = help.values === "0|1" && !index;
  const input = isSwitch ? toggle(row.raw) : field(help.values, index ? "" : row.raw, isSecret(row.variable));
  const wrong = el("p", { class: "wrong", role: "alert", id: `wrong-${name}`, hidden: true });
  let known = input.value;
  row.follow = (now) => {
    // Does not overwrite text that the user is editing.
    if (index) return;
    if (input.value === known) input.value = now;
    known = now;
  };
  const store = (value) => attempt(input, wrong, async () => {
    await setVariable(name, value, index?.value);
    known = input.value;
    if (access !== "s") row.put(await readBack(name, help));
    toast(`${name} is set`);
  });
  if (isSwitch) input.onchange = async () => (await store(input.value)) || (input.value = known);
  const form = el("form", { class: "edit", autocomplete: "off", onsubmit: (event) => {
    event.preventDefault();
    store(input.value);
  } });
  if (index) form.append(label("Index", index));
  form.append(label(`Value of ${name}`, input, isSwitch ? "check" : ""));
  if (!isSwitch) form.append(el("button", { class: "primary" }, "Set"));
  if (help.default !== undefined && !index) form.append(el("button", { type: "button", onclick: () => store(help.default) }, "Default"));
  form.append(wrong);
  return form;
}

const label = (text, control, kind = "") => el("label", { class: kind }, text, " ", control);

/** Does something with a field. Shows an error of the device at the field. Answers whether it succeeded. */
async function attempt(input, wrong, work) {
  wrong.hidden = true;
  input.ariaInvalid = null;
  try {
    await work();
    return true;
  } catch (error) {
    wrong.textContent = error.message.replace(/ \(set .*/, "");
    wrong.hidden = false;
    input.ariaInvalid = "true";
    input.setAttribute("aria-describedby", wrong.id);
    return false;
  }
}

async function readBack(name, help) {
  if (!help.index) return ask(`get ${name}`);
  return (await ask(`get ${name} all`)).split("\r\n").filter(Boolean)
    .map((line) => [line.slice(name.length + 1, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]);
}

/** A switch whose value is `1` or `0`. */
function toggle(value) {
  const node = el("input", { type: "checkbox", role: "switch" });
  Object.defineProperty(node, "value", { get: () => String(+node.checked), set: (now) => (node.checked = now === "1") });
  node.value = value;
  return node;
}

/** The control for the values that a variable accepts. */
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
