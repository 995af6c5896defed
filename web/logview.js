/** The log of the device, line by line. */

import { $, el, offer, screen, setText } from "./dom.js";
import { follow } from "./heart.js";

/** Lines that are kept. */
const KEPT = 1000;

const output = $("log-output");
const put = screen(output, KEPT);

export function start() {
  // Lines do not say when they were logged; those from before the page was opened get no time.
  let began = false;
  follow((lines) => {
    lines.forEach((line) => add(line, began ? new Date().toLocaleTimeString() : ""));
    began = true;
  });
  $("log-search").addEventListener("input", filter);
  $("log-clear").addEventListener("click", () => {
    output.replaceChildren();
    filter();
  });
  $("log-keep").addEventListener("click", () =>
    offer("log.txt", [...output.children].map(({ textContent }) => `${textContent}\n`).join("")));
  filter();
}

export function show() {
  output.scrollTop = output.scrollHeight;
}

/** Adds a line about something that the page itself has noticed. */
export function mark(text) {
  add(text, new Date().toLocaleTimeString(), "greeting");
}

function add(text, time, kind = "logged") {
  put(el("p", { class: kind }, el("time", {}, time), time && " ", text));
  filter();
}

function filter() {
  const wanted = $("log-search").value.toLowerCase();
  let count = 0;
  for (const line of output.children) count += !(line.hidden = !line.textContent.toLowerCase().includes(wanted));
  $("log-empty").hidden = count > 0;
  setText($("log-empty"), output.childElementCount ? "No line has this in it." : "Nothing was logged yet.");
}
