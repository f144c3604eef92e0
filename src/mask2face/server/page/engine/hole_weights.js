/**
 * The net's hole probability -> the weight of the paste, and how sure the net is. Follows
 * `mask2face/hole_weights.py`; the constants are the same and are explained there.
 */

import { gaussianBlur } from "./blur.js";
import { clamp, rint } from "./picture.js";

export const LEAST_HOLE = 0.025; // of the crop
export const LEAST_CERTAINTY = 0.8;
const LEAST_PIECE = 0.003; // of the crop
const REACH = 0.012; // of the crop's side
const FEATHER = 0.012; // of the crop's side
const BORDER = 0.03; // of the crop's side

/**
 * Turn the net's hole probability into the weight of the paste.
 *
 * @param {Float32Array} probability (side * side) in [0, 1]
 * @param {number} side
 * @param {number} threshold from which probability a pixel belongs to the face mask
 * @returns {{weight: Float32Array, fraction: number}} the weight (side * side) in [0, 1], and the
 *   share of the crop above the threshold after small islands are gone
 */
export function softHole(probability, side, threshold) {
  const inside = Uint8Array.from(probability, (value) => (value > Math.fround(threshold) ? 1 : 0));
  const kept = withoutIslands(inside, side, LEAST_PIECE * side * side);
  const fraction = kept.reduce((sum, value) => sum + value, 0) / kept.length;
  const grown = dilated(kept, side, Math.max(1, rint(REACH * side)));
  const weight = gaussianBlur(grown, side, FEATHER * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const at = y * side + x;
      weight[at] = Math.min(weight[at], 1) * Math.min(ramp(x, side), ramp(y, side));
    }
  }
  return { weight, fraction };
}

/**
 * @param {Float32Array} probability
 * @returns {number} the mean of the probabilities above one half, 0 if there are none
 */
export function certainty(probability) {
  let sum = 0;
  let count = 0;
  for (const value of probability) {
    if (value > 0.5) {
      sum += value;
      count++;
    }
  }
  return count ? sum / count : 0;
}

/**
 * @param {number} at
 * @param {number} side
 * @returns {number} float32; the weight falls to 0 at the crop's border, where the paste ends
 */
function ramp(at, side) {
  return Math.fround(clamp((Math.min(at, side - 1 - at) + 0.5) / (BORDER * side), 0, 1));
}

/**
 * @param {Uint8Array} inside 0 or 1, (side * side)
 * @param {number} side
 * @param {number} least pixels
 * @returns {Uint8Array} `inside` without its pieces of fewer pixels; diagonal neighbours touch
 */
function withoutIslands(inside, side, least) {
  const kept = new Uint8Array(inside.length);
  const seen = new Uint8Array(inside.length);
  for (let start = 0; start < inside.length; start++) {
    if (!inside[start] || seen[start]) continue;
    const piece = [start];
    seen[start] = 1;
    for (let next = 0; next < piece.length; next++) {
      for (const at of around(piece[next], side)) {
        if (inside[at] && !seen[at]) {
          seen[at] = 1;
          piece.push(at);
        }
      }
    }
    if (piece.length >= least) for (const at of piece) kept[at] = 1;
  }
  return kept;
}

/**
 * @param {number} place
 * @param {number} side
 * @returns {Generator<number, void>} the up to nine pixels around `place`, itself too
 */
function* around(place, side) {
  const [x, y] = [place % side, Math.floor(place / side)];
  for (let row = Math.max(y - 1, 0); row <= Math.min(y + 1, side - 1); row++) {
    for (let column = Math.max(x - 1, 0); column <= Math.min(x + 1, side - 1); column++) {
      yield row * side + column;
    }
  }
}

/**
 * Grow by an ellipse: `cv2.dilate` with `cv2.getStructuringElement(cv2.MORPH_ELLIPSE, ...)`.
 *
 * @param {Uint8Array} kept 0 or 1, (side * side)
 * @param {number} side
 * @param {number} radius px; the element is 2 * radius + 1 wide
 * @returns {Float32Array} 0 or 1, (side * side)
 */
function dilated(kept, side, radius) {
  const result = new Float32Array(kept.length);
  for (let down = -radius; down <= radius; down++) {
    const reach = rint(radius * Math.sqrt((radius * radius - down * down) / (radius * radius)));
    for (let at = 0; at < kept.length; at++) {
      const row = Math.floor(at / side) + down;
      if (!kept[at] || row < 0 || row >= side) continue;
      const x = at % side;
      const end = row * side + Math.min(x + reach, side - 1);
      result.fill(1, row * side + Math.max(x - reach, 0), end + 1);
    }
  }
  return result;
}
