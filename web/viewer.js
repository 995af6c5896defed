/** A pane with received and sent data, as text or hexadecimal, and a form to send. */

import { decode, encode, hexDump, parseHex, printable, sizeText } from "./bytes.js";
import { el, guarded } from "./dom.js";

/** Bytes that a pane keeps. */
const KEPT = 65_536;
const ENDS = { none: "", crlf: "\r\n", lf: "\n" };

const option = (value, text) => el("option", { value }, text);

export class Viewer {
  /**
   * A pane with this title. `send(bytes)` sends; `tools` are further buttons. A viewer without `send` only shows data.
   */
  constructor(title, send, tools = []) {
    this.chunks = [];
    this.counts = { in: 0, out: 0 };
    this.count = el("p", { class: "small" }, "Nothing yet");
    this.format = el("select", { onchange: () => this.draw() }, option("text", "Text"), option("hex", "Hex"));
    this.pane = el("div", { class: "exchange", role: "log", tabIndex: 0, "aria-label": `Data of ${title}` });
    const show = el("label", { class: "inline" }, "Show as ", this.format);
    const head = el("div", { class: "row" }, el("h2", { tabIndex: -1 }, title), show, ...tools);
    this.element = el("section", { class: "card viewer", "aria-label": title }, head, this.count, this.pane);
    if (send) this.element.append(this.sendForm(send));
  }

  sendForm(send) {
    const sendNow = (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form.requestSubmit();
    const text = el("textarea", { rows: 2, spellcheck: false, placeholder: "Ctrl-Enter sends", onkeydown: sendNow });
    const format = el("select", {}, option("text", "Text"), option("hex", "Hex"));
    const end = el("select", {}, option("none", "nothing"), option("crlf", "CR LF"), option("lf", "LF"));
    const submit = guarded(async () => {
      const bytes = format.value === "hex" ? parseHex(text.value) : encode(text.value + ENDS[end.value]);
      if (!bytes) throw new Error("Hexadecimal is pairs of 0-9 and a-f");
      if (!bytes.length) return;
      await send(bytes, format.value === "text");
      this.add("out", bytes);
      text.value = "";
    });
    const go = el("button", { class: "primary" }, "Send");
    return el("form", { class: "send", onsubmit: submit }, el("label", { class: "wide" }, "To send", text),
      el("label", {}, "As ", format), el("label", {}, "Then ", end), go);
  }

  /** Adds data that came `in` or went `out`. */
  add(direction, bytes) {
    const last = this.chunks.at(-1);
    this.counts[direction] += bytes.length;
    if (last?.direction === direction && last.bytes.length + bytes.length < 4096) {
      const joined = new Uint8Array(last.bytes.length + bytes.length);
      joined.set(last.bytes);
      joined.set(bytes, last.bytes.length);
      last.bytes = joined;
    } else {
      this.chunks.push({ direction, bytes });
    }
    while (this.chunks.length > 1 && this.chunks.reduce((sum, { bytes }) => sum + bytes.length, 0) > KEPT) {
      this.chunks.shift();
    }
    this.draw();
  }

  draw() {
    const width = matchMedia("(min-width: 46rem)").matches ? 16 : 8;
    const body = (bytes) => (this.format.value === "hex" ? hexDump(bytes, width) : printable(decode(bytes)));
    this.pane.replaceChildren(...this.chunks.map(({ direction, bytes }) =>
      el("pre", { class: direction }, el("b", { class: "unseen" }, direction === "in" ? "received" : "sent"), body(bytes))));
    this.pane.scrollTop = this.pane.scrollHeight;
    this.count.textContent = `${sizeText(this.counts.in)} received, ${sizeText(this.counts.out)} sent`;
  }
}
