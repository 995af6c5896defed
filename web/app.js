/** The console: views, theme, the state of the link to the device, its name. */

import { $, setText } from "./dom.js";
import { ask, events, told } from "./device.js";
import * as device from "./devicepage.js";
import * as files from "./files.js";
import * as heart from "./heart.js";
import * as log from "./logview.js";
import * as network from "./network.js";
import * as pending from "./pending.js";
import * as pins from "./pins.js";
import * as settings from "./settings.js";
import * as streams from "./streams.js";
import * as terminal from "./terminal.js";
import { deviceName } from "./variables.js";

const VIEWS = { terminal, network, streams, files, settings, pins, device, log };
const LINK = { online: "Online", offline: "No answer", denied: "Access denied", wait: "Connecting" };
const AWAY = {
  offline: "The device does not answer. What is shown may be old. This page tries again.",
  denied: "The device wants a user name and a password: load this page again.",
};
const THEMES = ["auto", "light", "dark"];

let current = "";
let name = "OpenZentri";

/** Shows the view of the address: `#files`, or `#settings?wlan.` with a search text. */
function route() {
  const [view, query = ""] = decodeURIComponent(location.hash.slice(1)).split("?");
  const wanted = view in VIEWS ? view : current || "terminal";
  const moved = current && current !== wanted;
  current = wanted;
  for (const view of Object.keys(VIEWS)) {
    $(`view-${view}`).hidden = view !== current;
    const link = document.querySelector(`.pins a[href="#${view}"]`);
    if (view === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  setTitle();
  document.body.dataset.view = current;
  if (moved) {
    $("main").scrollTo(0, 0);
    $(`title-${current}`).focus({ preventScroll: true });
  }
  VIEWS[current].show(query);
}

function setTitle() {
  document.title = `${$(`title-${current}`).textContent} · ${name}`;
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

function showLink(state) {
  $("link").dataset.state = state;
  $("link").textContent = LINK[state];
  setText($("away"), AWAY[state] ?? "");
  $("away").hidden = !AWAY[state];
  if (AWAY[state]) log.mark("The device does not answer");
}

/** Shows version and name of the device. After a firmware change, loads the new console. */
async function greet() {
  const version = await ask("version");
  if ($("marking").title && $("marking").title !== version) location.reload();
  $("marking").textContent = version.split(",")[0];
  $("marking").title = version;
  terminal.greet(version);
  await readName();
}

async function readName() {
  name = (await deviceName()) || "OpenZentri";
  $("name").textContent = name;
  setTitle();
}

/** The device was away, or has restarted: after a restart unsaved changes are lost. */
function back(anew) {
  if (anew) pending.forget();
  return Promise.all([greet(), VIEWS[current].refresh?.()]);
}

const seen = (view) => () => current === view && heart.alive();
const lively = () => ["terminal", "log"].includes(current) || network.joining();

addEventListener("hashchange", route);
events.addEventListener("ran", ({ detail }) => /^set (md|mdns\.name) /.test(detail.command) && readName().catch(() => {}));
startTheme();
startKeys();
pending.start();
for (const [name, view] of Object.entries(VIEWS)) view.start(seen(name));
heart.start(lively, showLink, back);
route();
// During web setup the user wants to set a network.
if (!location.hash) told("setup status").then((text) => text === "1" && !location.hash && (location.hash = "network"), () => {});
greet().catch(() => {});
