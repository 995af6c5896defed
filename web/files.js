/** The files of the device: list, upload, download, delete. */

import { crc16, quote, sizeText } from "./bytes.js";
import { $, confirm, el, guarded, offer, redraw, toast } from "./dom.js";
import { ask, fetchFile, fileUrl, run, runLast } from "./device.js";
import { setVariable } from "./variables.js";

/** Raw bytes per request: in base64 and with its frame, it stays below the 4096 bytes that every device accepts. */
const CHUNK = 2560;
const READ = 2048;
const VERSION = "1.0.0.0";
const TYPE = "0xFE";
/** Paths that are not files, whatever files there are. */
const RESERVED = /^(command|log|stream|zapstreams)(\/|$)|^\.console\//;

let names = new Set();
/** Number of uploads that have not ended yet, and the stream of the one that is being sent. */
let unfinished = 0;
let sending = null;

export function start() {
  $("files-refresh").addEventListener("click", guarded(refresh));
  $("upload-files").addEventListener("change", guarded(async (event) => {
    const chosen = [...event.target.files];
    event.target.value = "";
    await uploadAll(chosen);
  }));
  const drop = $("upload");
  drop.addEventListener("submit", (event) => event.preventDefault());
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", guarded((event) => {
    drop.classList.remove("over");
    return uploadAll([...event.dataTransfer.files]);
  }));
  addEventListener("beforeunload", (event) => unfinished && event.preventDefault());
  // A file that is closed too early disappears, and the one that it should replace stays.
  addEventListener("pagehide", () => sending === null || runLast(`stream_close ${sending}`));
}

export function show() {
  guarded(refresh)();
}

/** The files: `{ name, type, flags, size, version }`. */
export async function listFiles() {
  const lines = (await ask("ls -v")).split("\r\n").filter((line) => line.startsWith("#"));
  return lines.map((line) => {
    const [, type, flags, size, version, name] = /^#\s+\d+\s+(\S+)\s+(\S+)\s+\S+\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return { name, type, flags, size: Number(size), version };
  });
}

/** `2 files, 1.4 kB` */
export function sumOf(list) {
  const sum = list.reduce((bytes, { size }) => bytes + size, 0);
  return `${list.length} ${list.length === 1 ? "file" : "files"}, ${sizeText(sum)}`;
}

export async function refresh() {
  const list = await listFiles();
  names = new Set(list.map(({ name }) => name));
  redraw($("files-list"), list.map(row));
  $("files-empty").hidden = list.length > 0;
  $("files-sum").textContent = sumOf(list);
}

function row({ name, type, flags, size, version }) {
  const button = (text, work) =>
    el("button", { type: "button", "aria-label": `${text}: ${name}`, onclick: guarded(work) }, text);
  const page = /\.html?(\.gz)?$/.test(name);
  const open = RESERVED.test(name) ? name : el("a", { href: fileUrl(name), target: "_blank", rel: "noopener" }, name);
  const start = page ? [button("Start page", () => useAsStart(name))] : [];
  return el("li", { class: "file" }, el("span", { class: "name" }, open), el("span", { class: "size" }, sizeText(size)),
    el("span", { class: "small" }, `version ${version}, type ${type}, flags ${flags}`),
    el("span", { class: "actions" }, ...start, button("Download", () => download(name, size)), button("Delete", () => remove(name))));
}

async function useAsStart(name) {
  await setVariable("http.server.root_filename", name);
  toast(`The device now opens with ${name}; this console stays at /.console/`);
}

async function remove(name) {
  if (!(await confirm(`Delete ${name}?`, "Delete"))) return;
  await ask(`file_delete ${quote(name)}`);
  toast(`${name} is deleted`);
  await refresh();
}

// --- download ---

async function download(name, size) {
  const bytes = (await served(name, size)) ?? (await readFile(name, size));
  offer(name.split("/").pop(), bytes);
}

/** The file from the web server. The server does not serve every file, so the size is checked. */
async function served(name, size) {
  const bytes = RESERVED.test(name) ? null : await fetchFile(name);
  return bytes?.length === size ? bytes : null;
}

/** The file from a stream, which closes itself at the end. */
async function readFile(name, size) {
  const bytes = new Uint8Array(size);
  const handle = await ask(`file_open ${quote(name)}`);
  for (let at = 0; at < size; ) {
    const answer = await run(`stream_read ${handle} ${READ}`);
    const count = answer.bytes.length - 2;
    if (answer.code || count <= 0) throw new Error(`${name} ended after ${at} of ${size} bytes`);
    bytes.set(answer.bytes.subarray(0, count), at);
    at += count;
  }
  await run(`stream_close ${handle}`);
  return bytes;
}

// --- upload ---

async function uploadAll(chosen) {
  const prefix = $("upload-prefix").value;
  for (const file of chosen) {
    const name = prefix + file.name;
    if (names.has(name) && !(await confirm(`Replace ${name}?`, "Replace"))) continue;
    await uploadOne(file, name);
  }
  await refresh();
}

async function uploadOne(file, name) {
  const bar = el("progress", { max: Math.max(file.size, 1), value: 0, "aria-label": `Upload of ${name}` });
  const note = el("span", { class: "small" }, "0 %");
  const stop = new AbortController();
  const cancel = el("button", { type: "button", "aria-label": `Cancel: ${name}`, onclick: () => stop.abort() }, "Cancel");
  const row = el("li", { class: "file" }, el("span", { class: "name" }, name), bar, note, cancel);
  $("uploads").append(row);
  unfinished++;
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const start = performance.now();
    await upload(name, bytes, stop.signal, (done) => {
      const rate = (1000 * done) / Math.max(performance.now() - start, 1);
      bar.value = done;
      note.textContent = `${Math.floor((100 * done) / Math.max(file.size, 1))} %, ${sizeText(Math.round(rate))}/s`;
    });
    toast(`${name} is stored`);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    toast(`${name} is not sent`);
  } finally {
    unfinished--;
    row.remove();
  }
}

/**
 * Creates a file and writes it piece by piece. The stream closes after the last byte, and only then an older file of
 * that name is replaced.
 */
async function upload(name, bytes, stop, progress) {
  const crc = crc16(bytes).toString(16);
  const create = `${quote(name)} ${bytes.length} ${VERSION} ${TYPE}`;
  if (!bytes.length) return ask(`file_create -r ${create}`);
  sending = await ask(`file_create -o -r ${create} ${crc}`);
  try {
    for (let at = 0; at < bytes.length; at += CHUNK) {
      stop.throwIfAborted();
      const part = bytes.subarray(at, at + CHUNK);
      await ask(`stream_write ${sending} ${part.length}`, part);
      progress(at + part.length);
    }
  } catch (error) {
    await run(`stream_close ${sending}`).catch(() => {});
    throw error;
  } finally {
    sending = null;
  }
}
