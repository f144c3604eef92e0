/**
 * Affine warps: `cv2.warpAffine` of OpenCV 5, which computes coordinates in float32.
 *
 * (OpenCV 4 rounds them to 1/32 px; a server that runs on it differs by a few levels on sharp
 * edges.)
 */

import { clamp, inverted, rint } from "./picture.js";

/** @typedef {import("./picture.js").Picture} Picture */
/** @typedef {import("./picture.js").Matrix} Matrix */

const { fround } = Math;
const CUBIC = -0.75; // OpenCV's slope of the cubic kernel

/**
 * Warp bytes bilinearly; past the edge the last pixels go on.
 *
 * @param {Picture} picture bytes, 3 or 4 channels
 * @param {Matrix} matrix from `picture` to result
 * @param {number} width of the result
 * @param {number} height of the result
 * @returns {Picture} RGB bytes
 */
export function warpLinear(picture, matrix, width, height) {
  const { data, channels } = picture;
  const result = new Uint8ClampedArray(width * height * 3);
  const right = picture.width - 1;
  const bottom = picture.height - 1;
  let at = 0;
  eachSource(matrix, width, height, (x, y) => {
    const left = Math.floor(x);
    const top = Math.floor(y);
    const across = fround(x - left);
    const down = fround(y - top);
    const upper = clamp(top, 0, bottom) * picture.width;
    const lower = clamp(top + 1, 0, bottom) * picture.width;
    const here = clamp(left, 0, right);
    const next = clamp(left + 1, 0, right);
    const [a, b] = [(upper + here) * channels, (upper + next) * channels];
    const [c, d] = [(lower + here) * channels, (lower + next) * channels];
    for (let colour = 0; colour < 3; colour++) {
      const one = mixed(data[a + colour], data[b + colour], across);
      const two = mixed(data[c + colour], data[d + colour], across);
      result[at++] = rint(mixed(one, two, down));
    }
  });
  return { data: result, width, height, channels: 3 };
}

/**
 * Warp floats bilinearly; past the edge they are 0.
 *
 * @param {Picture} picture floats, 1 channel
 * @param {Matrix} matrix from `picture` to result
 * @param {number} width of the result
 * @param {number} height of the result
 * @returns {Float32Array} (height * width)
 */
export function warpFloats(picture, matrix, width, height) {
  const { data } = picture;
  const result = new Float32Array(width * height);
  /** @type {(x: number, y: number) => number} */
  const value = (x, y) =>
    x < 0 || y < 0 || x >= picture.width || y >= picture.height ? 0 : data[y * picture.width + x];
  let at = 0;
  eachSource(matrix, width, height, (x, y) => {
    const left = Math.floor(x);
    const top = Math.floor(y);
    const across = fround(x - left);
    const one = mixed(value(left, top), value(left + 1, top), across);
    const two = mixed(value(left, top + 1), value(left + 1, top + 1), across);
    result[at++] = mixed(one, two, fround(y - top));
  });
  return result;
}

/**
 * Warp bytes by cubic convolution; past the edge the last pixels go on.
 *
 * @param {Picture} picture bytes, 3 or 4 channels
 * @param {Matrix} matrix from `picture` to result
 * @param {number} width of the result
 * @param {number} height of the result
 * @returns {Float32Array[]} one plane (height * width) a colour, whole numbers 0 to 255
 */
export function warpCubic(picture, matrix, width, height) {
  const { data, channels } = picture;
  const planes = [0, 1, 2].map(() => new Float32Array(width * height));
  const across = new Float64Array(4);
  const down = new Float64Array(4);
  let at = 0;
  eachSource(matrix, width, height, (x, y) => {
    const left = Math.floor(x);
    const top = Math.floor(y);
    setCubic(across, x - left);
    setCubic(down, y - top);
    let [red, green, blue] = [0, 0, 0];
    for (let row = 0; row < 4; row++) {
      const line = clamp(top + row - 1, 0, picture.height - 1) * picture.width;
      for (let column = 0; column < 4; column++) {
        const from = (line + clamp(left + column - 1, 0, picture.width - 1)) * channels;
        const share = down[row] * across[column];
        red += data[from] * share;
        green += data[from + 1] * share;
        blue += data[from + 2] * share;
      }
    }
    planes[0][at] = clamp(rint(red), 0, 255);
    planes[1][at] = clamp(rint(green), 0, 255);
    planes[2][at] = clamp(rint(blue), 0, 255);
    at++;
  }, fround);
  return planes;
}

/**
 * Call `visit` with the point of the source under each pixel of the result, row by row.
 *
 * @param {Matrix} matrix from source to result
 * @param {number} width
 * @param {number} height
 * @param {(x: number, y: number) => void} visit float32 coordinates
 * @param {(product: number) => number} rounded what becomes of column * step before it is added:
 *   OpenCV adds it as it is in bilinear warps (fused multiply-add), and rounded to float32 in others
 */
function eachSource(matrix, width, height, visit, rounded = (product) => product) {
  const [xx, xy, x0, yx, yy, y0] = inverted(matrix).map(fround);
  for (let row = 0; row < height; row++) {
    const x = fround(fround(xy * row) + x0);
    const y = fround(fround(yy * row) + y0);
    for (let column = 0; column < width; column++) {
      visit(fround(rounded(xx * column) + x), fround(rounded(yx * column) + y));
    }
  }
}

/**
 * @param {number} one
 * @param {number} two
 * @param {number} share of `two`
 * @returns {number} the mean, in float32
 */
function mixed(one, two, share) {
  return fround(share * fround(two - one) + one);
}

/**
 * Compute the weights of four pixels in a row.
 *
 * @param {Float64Array} weights (4), overwritten
 * @param {number} past where the point lies between the second and the third, in [0, 1)
 */
function setCubic(weights, past) {
  weights[0] = far(past + 1);
  weights[1] = near(past);
  weights[2] = near(1 - past);
  weights[3] = 1 - weights[0] - weights[1] - weights[2];
}

/**
 * @param {number} distance 0 to 1 px
 * @returns {number}
 */
function near(distance) {
  return ((CUBIC + 2) * distance - (CUBIC + 3)) * distance * distance + 1;
}

/**
 * @param {number} distance 1 to 2 px
 * @returns {number}
 */
function far(distance) {
  return ((CUBIC * distance - 5 * CUBIC) * distance + 8 * CUBIC) * distance - 4 * CUBIC;
}
