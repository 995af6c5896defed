/** Small helpers for the page. All text reaches the page as text, never as markup. */

export const $ = (id) => document.getElementById(id);

/** Makes an element: properties, listeners (`onclick`), attributes (`class`, `aria-…`), children. */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** Maximum number of messages shown at once. */
const TOASTS = 3;

/** A short message that disappears by itself; screen readers read it. It has its own row of the page. */
export function toast(text, bad = false) {
  const node = el("p", { class: bad ? "toast bad" : "toast" }, text);
  $("toasts").append(node);
  if ($("toasts").childElementCount > TOASTS) $("toasts").firstElementChild.remove();
  setTimeout(() => node.remove(), bad ? 9000 : 4000);
}

/** Wraps a reaction to the user; shows its errors as a message. */
export function guarded(work) {
  return (event) => {
    event?.preventDefault?.();
    return Promise.resolve(work(event)).catch((error) => toast(error.message, true));
  };
}

let asked = Promise.resolve();

/**
 * Asks before something that cannot be undone. Questions come one after another: a dialog sends its close event later,
 * and the end of one question must not answer the next.
 */
export function confirm(text, action) {
  asked = asked.then(() => question(text, action));
  return asked;
}

function question(text, action) {
  const dialog = $("confirm");
  $("confirm-text").textContent = text;
  $("confirm-yes").textContent = action;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Screen readers read a live region again after each write, so this writes only changed text. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Names and values in a definition list; names without a value are left out. */
export function facts(list, rows) {
  const known = rows.filter(([, value]) => value);
  list.replaceChildren(...known.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

/**
 * Replaces all rows. The button that had the focus keeps it. If it is gone, the row now at its place gets the focus
 * (after a deletion the next row), and after the last row the heading.
 */
export function redraw(list, rows) {
  const { activeElement } = document;
  const place = [...list.children].findIndex((row) => row.contains(activeElement));
  const label = activeElement.ariaLabel;
  list.replaceChildren(...rows);
  if (place < 0) return;
  const buttons = [...list.querySelectorAll("button")];
  const here = () => [...(list.children[place]?.querySelectorAll("button") ?? [])];
  const alike = here().find(({ textContent }) => textContent === activeElement.textContent) ?? here()[0];
  const next = buttons.find((button) => button.ariaLabel === label) ?? alike;
  (next ?? list.closest(".view").querySelector("h1")).focus();
}

/** A pane whose end stays in view, unless the user has scrolled away from it. Answers a function that adds to it. */
export function screen(output, most) {
  let atEnd = true;
  const toEnd = () => {
    output.scrollTop = output.scrollHeight;
  };
  // The elements below the pane may grow.
  new ResizeObserver(() => atEnd && toEnd()).observe(output);
  output.addEventListener("scroll", () => {
    atEnd = output.scrollHeight - output.scrollTop - output.clientHeight < 60;
  });
  return (...nodes) => {
    output.append(...nodes);
    while (output.childElementCount > most) output.firstElementChild.remove();
    if (atEnd) toEnd();
  };
}

/** Lets the user download a file. */
export function offer(name, content) {
  const url = URL.createObjectURL(new Blob([content]));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

/** Calls `work` every `millis` after the end of the last call, while the tab is visible and `wanted()` is true. */
export function repeat(millis, wanted, work) {
  const tick = async () => {
    if (!document.hidden && wanted()) await work().catch(() => {});
    setTimeout(tick, millis);
  };
  tick();
}
