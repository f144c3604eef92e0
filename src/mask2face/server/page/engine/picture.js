/**
 * A picture as the engine holds it: pixels row by row, `channels` numbers a pixel.
 *
 * Photos are RGBA bytes, as a canvas gives them (not premultiplied), or RGB; crops are RGB bytes;
 * holes are one float a pixel, in [0, 1], 1 = replace. Colours are the first three channels.
 *
 * @typedef {object} Picture
 * @property {Uint8ClampedArray | Uint8Array | Float32Array} data
 * @property {number} width px
 * @property {number} height px
 * @property {number} channels 1, 3 or 4
 */

/**
 * A 2x3 affine map as six numbers: (x, y) -> (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]).
 *
 * @typedef {readonly number[]} Matrix
 */

/**
 * Round to the nearest whole number, halves to the even one, as Python's `round` and OpenCV do.
 *
 * @param {number} value
 * @returns {number}
 */
export function rint(value) {
  const down = Math.floor(value);
  const past = value - down;
  if (past !== 0.5) return past < 0.5 ? down : down + 1;
  return down % 2 === 0 ? down : down + 1;
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @returns {number} `value` brought into [low, high]
 */
export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/**
 * Undo an affine map, with OpenCV's order of operations.
 *
 * @param {Matrix} matrix
 * @returns {number[]} the inverse; of a map without one, what OpenCV gives: zeros
 */
export function inverted([a, b, c, d, e, f]) {
  const determinant = a * e - b * d;
  const scale = determinant === 0 ? 0 : 1 / determinant;
  const [xx, xy, yx, yy] = [e * scale, -b * scale, -d * scale, a * scale];
  return [xx, xy, -xx * c - xy * f, yx, yy, -yx * c - yy * f];
}
