/** Shrink a picture by averaging areas: `cv2.resize(..., interpolation=cv2.INTER_AREA)`. */

import { rint } from "./picture.js";

/** @typedef {import("./picture.js").Picture} Picture */

const { fround } = Math;
/** px; a share of an old pixel below this is left out, as in OpenCV */
const LEAST_SHARE = 1e-3;

/**
 * What one axis takes from where: new pixel `to[i]` gets `share[i]` of old pixel `from[i]`.
 *
 * @typedef {object} Shares
 * @property {number[]} to
 * @property {number[]} from
 * @property {number[]} share
 */

/**
 * @param {number} before pixels along the axis
 * @param {number} after pixels wanted, at most `before`
 * @returns {Shares} that sum to 1 for each new pixel
 */
function shares(before, after) {
  const zoom = 1 / (after / before); // OpenCV's own way to the number
  /** @type {Shares} */
  const found = { to: [], from: [], share: [] };
  /** @type {(to: number, from: number, share: number) => void} */
  const add = (to, from, share) => {
    found.to.push(to);
    found.from.push(from);
    found.share.push(fround(share));
  };
  for (let index = 0; index < after; index++) {
    const start = index * zoom;
    const end = start + zoom;
    const extent = Math.min(zoom, before - start);
    const last = Math.min(Math.floor(end), before - 1);
    const first = Math.min(Math.ceil(start), last);
    if (first - start > LEAST_SHARE) add(index, first - 1, (first - start) / extent);
    for (let whole = first; whole < last; whole++) add(index, whole, 1 / extent);
    if (end - last > LEAST_SHARE) add(index, last, Math.min(end - last, 1, extent) / extent);
  }
  return found;
}

/**
 * @param {number} before pixels along the axis
 * @param {number} after pixels wanted, a divisor of `before`
 * @returns {Shares} that are all 1
 */
function sums(before, after) {
  const from = Array.from({ length: before }, (_, index) => index);
  return { to: from.map((at) => Math.floor((at * after) / before)), from, share: from.map(() => 1) };
}

/**
 * Add the pixels of one row, weighted, into `sums`.
 *
 * @param {Picture} picture
 * @param {number} offset of the row in `picture.data`
 * @param {Shares} across
 * @param {number} depth colours
 * @param {Float32Array} row (new width * depth), overwritten
 */
function sumRow({ data, channels }, offset, across, depth, row) {
  row.fill(0);
  const { to, from, share } = across;
  for (let index = 0; index < to.length; index++) {
    const at = to[index] * depth;
    const source = offset + from[index] * channels;
    for (let colour = 0; colour < depth; colour++) {
      row[at + colour] += fround(data[source + colour] * share[index]);
    }
  }
}

/**
 * Shrink a part of a picture to `width` x `height`, which are at most those of the part.
 *
 * @param {Picture} picture bytes or floats, 1, 3 or 4 channels
 * @param {number} width
 * @param {number} height
 * @param {readonly number[]} [part] x0, y0, x1, y1; the whole picture if left out
 * @returns {Picture} the same kind of numbers; its channels are the colours, at most 3
 */
export function shrink(picture, width, height, part = [0, 0, picture.width, picture.height]) {
  const [x0, y0, x1, y1] = part;
  const depth = Math.min(picture.channels, 3);
  const whole = !(picture.data instanceof Float32Array);
  const length = width * height * depth;
  const data = whole ? new Uint8ClampedArray(length) : new Float32Array(length);
  const plain = (x1 - x0) % width === 0 && (y1 - y0) % height === 0;
  const across = (plain ? sums : shares)(x1 - x0, width);
  const down = (plain ? sums : shares)(y1 - y0, height);
  const factor = plain ? fround((width * height) / ((x1 - x0) * (y1 - y0))) : 1;
  // OpenCV adds 2 and shifts by 2 when it halves both axes; all else it rounds halves to even
  const halved = x1 - x0 === 2 * width && y1 - y0 === 2 * height;
  const round = halved ? (/** @type {number} */ value) => Math.floor(value + 0.5) : rint;
  const row = new Float32Array(width * depth);
  const total = new Float32Array(width * depth);
  for (let index = 0; index < down.to.length; index++) {
    const line = down.to[index];
    const offset = ((y0 + down.from[index]) * picture.width + x0) * picture.channels;
    sumRow(picture, offset, across, depth, row);
    const share = down.share[index];
    for (let at = 0; at < total.length; at++) total[at] += fround(row[at] * share);
    if (down.to[index + 1] === line) continue;
    const start = line * total.length;
    for (let at = 0; at < total.length; at++) {
      const value = fround(total[at] * factor);
      data[start + at] = whole ? round(value) : value;
    }
    total.fill(0);
  }
  return { data, width, height, channels: depth };
}
