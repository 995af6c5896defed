/**
 * The pairwise master key of a network: PBKDF2 with HMAC-SHA-1, 4096 rounds, 32 bytes (IEEE 802.11-2020, J.4.1).
 * Browsers offer PBKDF2 only on secure pages, and a device that is being set up has no secure pages.
 */

const rotate = (word, bits) => (word << bits) | (word >>> (32 - bits));

/** One block of SHA-1 (FIPS 180-4, 6.1.2): answers `state` updated with the sixteen words of `block`. */
function compress(state, block, words) {
  for (let at = 0; at < 16; at++) words[at] = block[at];
  for (let at = 16; at < 80; at++) words[at] = rotate(words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16], 1);
  let [a, b, c, d, e] = state;
  for (let at = 0; at < 80; at++) {
    const [f, k] = at < 20 ? [(b & c) | (~b & d), 0x5a827999]
      : at < 40 ? [b ^ c ^ d, 0x6ed9eba1]
        : at < 60 ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc] : [b ^ c ^ d, 0xca62c1d6];
    [a, b, c, d, e] = [(rotate(a, 5) + f + e + k + words[at]) | 0, a, rotate(b, 30), c, d];
  }
  return [(state[0] + a) | 0, (state[1] + b) | 0, (state[2] + c) | 0, (state[3] + d) | 0, (state[4] + e) | 0];
}

const START = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0].map((word) => word | 0);

/** Big-endian words of bytes that end with SHA-1's padding; `before` bytes were hashed already. */
function padded(bytes, before) {
  const size = Math.ceil((bytes.length + 9) / 64) * 64;
  const view = new DataView(new ArrayBuffer(size));
  bytes.forEach((byte, at) => view.setUint8(at, byte));
  view.setUint8(bytes.length, 0x80);
  view.setUint32(size - 4, (before + bytes.length) * 8);
  return Array.from({ length: size / 4 }, (_, at) => view.getInt32(at * 4));
}

/** HMAC-SHA-1 (RFC 2104) with a key of at most 64 bytes; answers a function that takes padded words. */
function hmac(key, words) {
  const block = (mask) => {
    const view = new DataView(new ArrayBuffer(64));
    for (let at = 0; at < 64; at++) view.setUint8(at, (key[at] ?? 0) ^ mask);
    return compress(START, Array.from({ length: 16 }, (_, at) => view.getInt32(at * 4)), words);
  };
  const [inner, outer] = [block(0x36), block(0x5c)];
  // The 20 bytes of a digest follow the 64 bytes of the key.
  const digest = (state) => [...state, 0x80000000 | 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (64 + 20) * 8];
  return (message) => {
    let state = inner;
    for (let at = 0; at < message.length; at += 16) state = compress(state, message.slice(at, at + 16), words);
    return compress(outer, digest(state), words);
  };
}

/** The key as 64 hexadecimal digits; passphrase and name are bytes. */
export function masterKey(passphrase, ssid) {
  const words = new Int32Array(80);
  const sign = hmac(passphrase, words);
  const key = [];
  for (const number of [1, 2]) {
    let last = sign(padded([...ssid, 0, 0, 0, number], 64));
    const sum = [...last];
    for (let round = 1; round < 4096; round++) {
      last = sign([...last, 0x80000000 | 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (64 + 20) * 8]);
      for (let at = 0; at < 5; at++) sum[at] ^= last[at];
    }
    key.push(...sum);
  }
  return key.slice(0, 8).map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}
