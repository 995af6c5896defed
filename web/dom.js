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

/** A short message that goes away by itself; screen readers say it. */
export function toast(text, bad = false) {
  const node = el("p", { class: bad ? "toast bad" : "toast" }, text);
  $("toasts").append(node);
  setTimeout(() => node.remove(), bad ? 9000 : 4000);
}

/** Runs a reaction to the user; what goes wrong is told. */
export function guarded(work) {
  return (event) => {
    event?.preventDefault?.();
    return Promise.resolve(work(event)).catch((error) => toast(error.message, true));
  };
}

let asked = Promise.resolve();

/**
 * Asks before something that cannot be taken back. One question after the other: a dialog that closes says so later, and
 * the end of one question must not answer the next.
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

export const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

/** Calls `work` every `millis`, after the end of the last call, while the tab can be seen and `wanted()` holds. */
export function repeat(millis, wanted, work) {
  const tick = async () => {
    if (!document.hidden && wanted()) await work().catch(() => {});
    setTimeout(tick, millis);
  };
  tick();
}
