// A web app as a product would bring it: a page, a style sheet, modules, settings of its own, a picture.

import { get, post } from "./device.js";

const show = (id, text) => (document.getElementById(id).textContent = text);

async function start() {
  const settings = await (await fetch("bench/settings.json")).json();
  show("customer", settings.customer);
  show("version", await get("version"));
  show("zone", await get(`get ${settings.variable}`));
  document.getElementById("east").addEventListener("click", () => east(settings.variable));
  await document.getElementById("picture").decode();
}

async function east(variable) {
  const zone = Number(await get(`get ${variable}`));
  await post(`set ${variable} ${zone + 1}`);
  show("zone", await get(`get ${variable}`));
}

start().then(() => show("state", "Running"), (error) => show("state", `Failed: ${error}`));
