/** Bytes and texts: base64, the CRC of files, hexadecimal, words of a command line. No I/O. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const encode = (text) => encoder.encode(text);
export const decode = (bytes) => decoder.decode(bytes);

/** Text for display: control characters other than line ends and tabs become visible symbols. */
export const printable = (text) => text.replaceAll("\r\n", "\n")
  .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, (letter) => String.fromCharCode(0x2400 + letter.charCodeAt(0)));

/** Bytes as a text with one letter for each byte, and back. */
export const letters = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
export const fromLetters = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

export function toBase64(bytes) {
  return btoa(letters(bytes));
}

export function fromBase64(text) {
  return fromLetters(atob(text));
}

/** The CRC-16 of the device's files: polynomial 0x1021, start 0xFFFF, input bits reversed, result not. */
export function crc16(bytes) {
  let crc = 0xffff;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const carry = ((crc >> 15) ^ (byte >> bit)) & 1;
      crc = ((crc << 1) & 0xffff) ^ (carry ? 0x1021 : 0);
    }
  }
  return crc;
}

/** A word of a command line in quotes. */
export function quote(word) {
  const escape = (letter) => "\\x" + letter.charCodeAt(0).toString(16).padStart(2, "0");
  return '"' + word.replace(/["\\]/g, "\\$&").replace(/[\x00-\x1f\x7f]/g, escape) + '"';
}

/** A word of a command line in quotes, from bytes that need not be text. */
export function quoteBytes(bytes) {
  const plain = (byte) => byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
  return `"${[...bytes].map((byte) => (plain(byte) ? String.fromCharCode(byte) : `\\x${hex(byte, 2)}`)).join("")}"`;
}

/**
 * The bytes of a network's name as a scan shows it: bytes that a terminal must not get are shown as `\xNN`. `length`
 * distinguishes this from a name that has these characters itself.
 */
export function nameBytes(shown, length) {
  const all = encode(shown);
  if (all.length === length) return all;
  const bytes = [];
  const escapes = /\\x([01][0-9A-F]|7F|[89A-F][0-9A-F])/g;
  let end = 0;
  for (const found of shown.matchAll(escapes)) {
    bytes.push(...encode(shown.slice(end, found.index)), parseInt(found[1], 16));
    end = found.index + found[0].length;
  }
  return Uint8Array.from([...bytes, ...encode(shown.slice(end))]);
}

const hex = (number, digits) => number.toString(16).padStart(digits, "0");

/** Lines of offset, hexadecimal and text. */
export function hexDump(bytes, width, start = 0) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += width) {
    const row = [...bytes.subarray(at, at + width)];
    const digits = row.map((byte) => hex(byte, 2)).join(" ").padEnd(width * 3 - 1);
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
    lines.push(`${hex(start + at, 4)}  ${digits}  ${text}`);
  }
  return lines.join("\n");
}

/** Bytes from `48 65 6c` or `48656c`; null for any other text. */
export function parseHex(text) {
  const digits = text.replace(/0x|[\s,:]/gi, "");
  if (digits.length % 2 || /[^0-9a-f]/i.test(digits)) return null;
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** `1.4 kB` */
export function sizeText(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;
}
