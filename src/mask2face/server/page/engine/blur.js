/** Blurs of one plane of floats, as OpenCV computes them; the border is mirrored without its last pixel. */

import { rint } from "./picture.js";

/**
 * `cv2.GaussianBlur(plane, (0, 0), sigma)`: the kernel reaches four sigma each way.
 *
 * @param {Float32Array} plane (height * width)
 * @param {number} width
 * @param {number} sigma px
 * @returns {Float32Array} (height * width)
 */
export function gaussianBlur(plane, width, sigma) {
  return convolved(plane, width, halfGaussian(rint(sigma * 8 + 1) >> 1, sigma));
}

/**
 * `cv2.blur(plane, (2 * radius + 1, 2 * radius + 1))`: the mean of a square.
 *
 * @param {Float32Array} plane (height * width)
 * @param {number} width
 * @param {number} radius px
 * @returns {Float32Array} (height * width)
 */
export function boxBlur(plane, width, radius) {
  return convolved(plane, width, new Float32Array(radius + 1).fill(1 / (2 * radius + 1)));
}

/**
 * @param {number} radius
 * @param {number} sigma
 * @returns {Float32Array} (radius + 1) weights from the middle outwards; both halves sum to 1
 */
function halfGaussian(radius, sigma) {
  const raw = Array.from({ length: radius + 1 }, (_, at) => Math.exp(-(at ** 2) / (2 * sigma ** 2)));
  const sum = raw.reduce((total, value, at) => total + (at ? 2 : 1) * value, 0);
  return Float32Array.from(raw, (value) => value / sum);
}

/**
 * Convolve along rows, then along columns.
 *
 * @param {Float32Array} plane
 * @param {number} width
 * @param {Float32Array} kernel from the middle outwards
 * @returns {Float32Array}
 */
function convolved(plane, width, kernel) {
  const radius = kernel.length - 1;
  const height = plane.length / width;
  const across = new Float32Array(plane.length);
  const line = new Float32Array(width + 2 * radius);
  for (let start = 0; start < plane.length; start += width) {
    for (let at = 0; at < line.length; at++) line[at] = plane[start + mirrored(at - radius, width)];
    for (let x = 0; x < width; x++) {
      const middle = x + radius;
      let sum = kernel[0] * line[middle];
      for (let step = 1; step <= radius; step++) {
        sum += kernel[step] * (line[middle - step] + line[middle + step]);
      }
      across[start + x] = sum;
    }
  }
  const result = new Float32Array(plane.length);
  const sums = new Float64Array(width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) sums[x] = kernel[0] * across[y * width + x];
    for (let step = 1; step <= radius; step++) {
      const above = mirrored(y - step, height) * width;
      const below = mirrored(y + step, height) * width;
      const share = kernel[step];
      for (let x = 0; x < width; x++) sums[x] += share * (across[above + x] + across[below + x]);
    }
    result.set(sums, y * width);
  }
  return result;
}

/**
 * @param {number} at
 * @param {number} length
 * @returns {number} `at` reflected into [0, length)
 */
function mirrored(at, length) {
  if (length === 1) return 0;
  let place = at;
  while (place < 0 || place >= length) place = place < 0 ? -place : 2 * length - 2 - place;
  return place;
}
