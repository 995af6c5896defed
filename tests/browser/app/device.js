// What the page says to the device, from which it comes.

/** Runs a command by its path. */
export async function get(line) {
  return text(await fetch(`/command/${encodeURIComponent(line)}`));
}

/** Runs a command in a body. */
export async function post(command) {
  const headers = { "Content-Type": "application/json" };
  return text(await fetch("/command", { method: "POST", headers, body: JSON.stringify({ command }) }));
}

async function text(answer) {
  const { code, response } = await answer.json();
  if (code !== 0) throw new Error(response);
  return response.trim();
}
