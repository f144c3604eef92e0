/**
 * Sharpness and grain of a fill that is larger in the photo than the net drew it. Follows
 * `mask2face/detail.py`, where it is explained; the constants are the same.
 *
 * Planes are one Float32Array (height * width) a colour, in levels 0 to 255.
 */

import { boxBlur, gaussianBlur } from "./blur.js";
import { clamp, rint } from "./picture.js";

/** @typedef {import("./picture.js").Picture} Picture */

/** @type {Float32Array[] | undefined} made at the first use */
let noiseBands;

const { fround } = Math;
const AMOUNT = 0.6; // of unsharp masking
const MOST = [3.0, 2.0, 1.5, 1.0]; // levels
export const TILE = 512; // px: the noise repeats after so many
const FINEST = 0.8; // px
const WIDE = 32; // px
const AROUND = 9; // px
const SMOOTH = 20; // percent
const ENOUGH = 200; // px
const DEVIATION = fround(147.8); // of the sum of four bytes, each 0 to 255
const LUMA = [0.299, 0.587, 0.114].map(fround);
const MIDDLE = [0.5, 0.38]; // of the crop, in sides
const RADII = [0.24, 0.22]; // of the crop, in sides

/**
 * @param {number} side
 * @returns {Picture} floats (side x side), 1 where an aligned crop shows forehead and cheeks
 */
export function upperFace(side) {
  const data = new Float32Array(side * side);
  for (let at = 0; at < data.length; at++) {
    const x = ((at % side) + 0.5) / side;
    const y = (Math.floor(at / side) + 0.5) / side;
    const off = ((x - MIDDLE[0]) / RADII[0]) ** 2 + ((y - MIDDLE[1]) / RADII[1]) ** 2;
    data[at] = off < 1 ? 1 : 0;
  }
  return { data, width: side, height: side, channels: 1 };
}

/**
 * Steepen the edges of a picture that is to be enlarged.
 *
 * @param {Picture} crop RGB bytes
 * @param {number} scale how many times it will be enlarged; up to 1 it stays as it is
 * @returns {Picture} RGB bytes
 */
export function sharpened(crop, scale) {
  if (scale <= 1) return crop;
  const amount = fround(AMOUNT * Math.min(1, scale - 1));
  const { width, height } = crop;
  const data = new Uint8ClampedArray(crop.data.length);
  for (let colour = 0; colour < 3; colour++) {
    const plane = new Float32Array(width * height);
    for (let at = 0; at < plane.length; at++) plane[at] = crop.data[at * 3 + colour];
    gaussianBlur(plane, width, 1).forEach((soft, at) => {
      const edge = fround(amount * fround(plane[at] - soft));
      data[at * 3 + colour] = rint(clamp(fround(plane[at] + edge), 0, 255));
    });
  }
  return { data, width, height, channels: 3 };
}

/**
 * Compute the fine noise that a photo has on smooth skin and `fill` lacks.
 *
 * @param {Float32Array[]} fill planes of what is to be pasted
 * @param {Float32Array[]} photo planes of the photo there
 * @param {Float32Array} weight of the fill, in [0, 1]
 * @param {Uint8Array} skin 1 where the photo shows the upper face
 * @param {number} width of all these
 * @param {number} scale photo px in a px of the net
 * @returns {Float32Array} (TILE * TILE), to add to the photo's pixel (x, y) at (x % TILE, y % TILE)
 */
export function grain(fill, photo, weight, skin, width, scale) {
  const tile = new Float32Array(TILE * TILE);
  const filled = new Uint8Array(weight.map((value) => (value > 0.5 ? 1 : 0)));
  if (count(skin) < ENOUGH || !count(filled)) return tile;
  const octaves = Math.min(MOST.length, 2 + Math.floor(Math.log2(Math.max(scale, 1))));
  const there = strengths(photo, width, skin, octaves);
  const here = strengths(fill, width, filled, octaves);
  noiseBands ??= bandsOfNoise();
  for (let octave = 0; octave < octaves; octave++) {
    const lacking = Math.sqrt(Math.max(0, there[octave] ** 2 - here[octave] ** 2));
    const factor = fround(Math.min(MOST[octave], lacking));
    const band = noiseBands[octave];
    for (let at = 0; at < tile.length; at++) tile[at] += fround(band[at] * factor);
  }
  return tile;
}

/**
 * Make noise of mean 0 and deviation 1, the sum of four hashed bytes: lowbias32 of the place.
 *
 * @param {number} side
 * @returns {Float32Array} (side * side)
 */
export function noise(side) {
  const result = new Float32Array(side * side);
  for (let at = 0; at < result.length; at++) {
    let bits = Math.imul(at % side, 0x9e3779b1) ^ Math.imul(Math.floor(at / side), 0x85ebca77);
    bits = Math.imul(bits ^ (bits >>> 16), 0x7feb352d);
    bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
    bits ^= bits >>> 16;
    const total = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
    result[at] = (total - 510) / DEVIATION;
  }
  return result;
}

/** @returns {Float32Array[]} the bands of a tile of noise that goes on around it, deviation 1 each */
function bandsOfNoise() {
  const wide = TILE + 2 * WIDE;
  const source = noise(TILE);
  const wrapped = new Float32Array(wide * wide);
  for (let at = 0; at < wrapped.length; at++) {
    const x = ((at % wide) - WIDE + TILE) % TILE;
    const y = (Math.floor(at / wide) - WIDE + TILE) % TILE;
    wrapped[at] = source[y * TILE + x];
  }
  return bandsOf(wrapped, wide, MOST.length).map((band) => {
    const inner = part(band, wide, [WIDE, WIDE, WIDE + TILE, WIDE + TILE]);
    const spread = fround(deviation(inner));
    return inner.map((value) => value / spread);
  });
}

/**
 * @param {Float32Array[]} planes
 * @returns {Float32Array} their brightness
 */
function grey([red, green, blue]) {
  return red.map((value, at) => LUMA[0] * value + LUMA[1] * green[at] + LUMA[2] * blue[at]);
}

/**
 * @param {Float32Array} plane
 * @param {number} width
 * @param {number} octaves
 * @returns {Float32Array[]} bands of detail, the finest first
 */
function bandsOf(plane, width, octaves) {
  let finer = plane;
  return Array.from({ length: octaves }, (_, octave) => {
    const coarser = gaussianBlur(plane, width, FINEST * 2 ** octave);
    const band = finer.map((value, at) => value - coarser[at]);
    finer = coarser;
    return band;
  });
}

/**
 * @param {Float32Array[]} picture planes
 * @param {number} width
 * @param {Uint8Array} where 0 or 1, somewhere 1
 * @param {number} octaves
 * @returns {number[]} the standard deviation of each band where it is smooth, in the middle of `where`
 */
function strengths(picture, width, where, octaves) {
  const box = middle(where, width);
  const inside = part(where, width, box);
  const planes = picture.map((plane) => part(plane, width, box));
  const across = box[2] - box[0];
  return bandsOf(grey(planes), across, octaves).map((band) => {
    const means = boxBlur(band.map((value) => value * value), across, AROUND >> 1);
    const local = new Float32Array(count(inside));
    for (let at = 0, next = 0; at < inside.length; at++) if (inside[at]) local[next++] = means[at];
    return Math.sqrt(smoothest(local.sort()));
  });
}

/**
 * @param {Float32Array} sorted
 * @returns {number} its percentile `SMOOTH`; 0 of none
 */
function smoothest(sorted) {
  if (!sorted.length) return 0;
  const place = (SMOOTH / 100) * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
}

/**
 * @param {Uint8Array} where 0 or 1, somewhere 1
 * @param {number} width
 * @returns {number[]} x0, y0, x1, y1 of at most a tile around the middle of its box
 */
function middle(where, width) {
  let [x0, y0, x1, y1] = [width, where.length, 0, 0];
  for (let at = 0; at < where.length; at++) {
    if (!where[at]) continue;
    const [x, y] = [at % width, Math.floor(at / width)];
    x0 = Math.min(x0, x);
    x1 = Math.max(x1, x + 1);
    y0 = Math.min(y0, y);
    y1 = y + 1;
  }
  [x0, x1] = shortened(x0, x1);
  [y0, y1] = shortened(y0, y1);
  return [x0, y0, x1, y1];
}

/**
 * @param {number} first
 * @param {number} end
 * @returns {[number, number]} at most a tile in the middle of both
 */
function shortened(first, end) {
  if (end - first <= TILE) return [first, end];
  const start = Math.floor((first + end - TILE) / 2);
  return [start, start + TILE];
}

/**
 * @template {Float32Array | Uint8Array} T
 * @param {T} plane
 * @param {number} width
 * @param {number[]} box x0, y0, x1, y1
 * @returns {T} what is in the box
 */
function part(plane, width, [x0, y0, x1, y1]) {
  const kind = /** @type {new (length: number) => T} */ (plane.constructor);
  const result = new kind((x1 - x0) * (y1 - y0));
  for (let y = y0; y < y1; y++) {
    result.set(plane.subarray(y * width + x0, y * width + x1), (y - y0) * (x1 - x0));
  }
  return result;
}

/**
 * @param {Float32Array} values
 * @returns {number}
 */
function deviation(values) {
  let [sum, squares] = [0, 0];
  for (const value of values) sum += value;
  const mean = sum / values.length;
  for (const value of values) squares += (value - mean) ** 2;
  return Math.sqrt(squares / values.length);
}

/**
 * @param {Uint8Array} where 0 or 1
 * @returns {number} how many are 1
 */
function count(where) {
  let sum = 0;
  for (const value of where) sum += value;
  return sum;
}
