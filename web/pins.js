/** The pins: their uses, levels and directions. */

import { $, el, guarded, redraw, repeat } from "./dom.js";
import { ask, idle } from "./device.js";

let shown;

export function start(seen) {
  $("pin-form").addEventListener("submit", guarded(() => direct($("pin-name").value.trim(), $("pin-direction").value)));
  repeat(1000, () => seen() && idle(), refresh);
}

export function show() {
  guarded(refresh)();
}

async function direct(pin, direction) {
  await ask(`gpio_dir ${pin} ${direction}`);
  await refresh();
}

async function drive(pin, level) {
  await ask(`gpio_set ${pin} ${level}`);
  await refresh();
}

export async function refresh() {
  const usage = await ask("get gpio.usage");
  const levels = await ask("gpios_get");
  if (shown === usage + levels) return;
  shown = usage + levels;
  const rows = usage.split("\r\n").map((line) => /^#\s*(\d+) (.*)$/.exec(line)).filter(Boolean);
  redraw($("pins-list"), rows.map(([, pin, text]) => row(pin, text, levels[pin] === "1")));
  $("pins-empty").hidden = rows.length > 0;
}

function row(pin, text, high) {
  const level = Number(!high);
  const button = (name, what, onclick) =>
    el("button", { type: "button", id: `pin-${name}-${pin}`, "aria-label": `${what} pin ${pin}`, onclick: guarded(onclick) }, what);
  const actions = el("div", { class: "actions" });
  if (text.startsWith("GPIO output")) actions.append(button("set", level ? "Raise" : "Lower", () => drive(pin, level)));
  if (text.startsWith("GPIO ")) actions.append(button("free", "Release", () => direct(pin, "none")));
  return el("li", { class: "stream" }, el("span", { class: "handle" }, pin), el("span", {}, high ? "high" : "low"),
    el("span", {}, text), actions);
}
