/** The console: views, theme, the state of the link to the device. */

import { $, toast } from "./dom.js";
import { events, run } from "./device.js";
import * as files from "./files.js";
import * as log from "./log.js";
import * as network from "./network.js";
import * as pending from "./pending.js";
import * as pins from "./pins.js";
import * as settings from "./settings.js";
import * as streams from "./streams.js";
import * as terminal from "./terminal.js";

const VIEWS = { terminal, network, streams, files, settings, pins };
const LINK = { online: "Online", offline: "No answer", denied: "Access denied", wait: "Connecting" };
const THEMES = ["auto", "light", "dark"];

let current = "";

/** Shows the view of the address: `#files`, or `#settings?wlan.` with what to look for. */
function route() {
  const [name, query = ""] = decodeURIComponent(location.hash.slice(1)).split("?");
  const wanted = name in VIEWS ? name : current || "terminal";
  const moved = current && current !== wanted;
  current = wanted;
  for (const view of Object.keys(VIEWS)) {
    $(`view-${view}`).hidden = view !== current;
    const link = document.querySelector(`.pins a[href="#${view}"]`);
    if (view === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${$(`title-${current}`).textContent} · OpenZentri`;
  document.body.dataset.view = current;
  if (moved) {
    scrollTo(0, 0);
    $(`title-${current}`).focus({ preventScroll: true });
  }
  VIEWS[current].show(query);
}

function setTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  $("theme").textContent = `Theme: ${theme}`;
  localStorage.setItem("openzentri.theme", theme);
}

function startTheme() {
  const kept = localStorage.getItem("openzentri.theme");
  setTheme(THEMES.includes(kept) ? kept : "auto");
  $("theme").addEventListener("click", () => {
    const now = document.documentElement.dataset.theme ?? "auto";
    setTheme(THEMES[(THEMES.indexOf(now) + 1) % THEMES.length]);
  });
}

function showLink(state) {
  const link = $("link");
  if (link.dataset.state === state) return;
  link.dataset.state = state;
  link.textContent = LINK[state];
}

function startKeys() {
  addEventListener("keydown", (event) => {
    const view = Object.keys(VIEWS)[Number(event.key) - 1];
    if (!event.altKey || event.ctrlKey || event.metaKey || !view) return;
    event.preventDefault();
    location.hash = view;
  });
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    $("main").focus();
  });
}

async function greet() {
  const { text } = await run("version");
  $("marking").textContent = text.split(",")[0];
  $("marking").title = text;
  terminal.greet(text);
}

const seen = (view) => () => current === view;

events.addEventListener("link", (event) => showLink(event.detail));
addEventListener("hashchange", route);
startTheme();
startKeys();
pending.start();
for (const [name, view] of Object.entries(VIEWS)) view.start(seen(name));
log.start(() => current === "terminal" || network.joining());
route();
// Who comes to set the device up wants to give it a network.
if (!location.hash) run("setup status").then(({ text }) => text === "1" && !location.hash && (location.hash = "network"), () => {});
greet().catch((error) => toast(error.message, true));
