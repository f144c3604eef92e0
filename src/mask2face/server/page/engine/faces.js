/**
 * Faces of a photo: the aligned square crop, and the way back. Follows `mask2face/faces.py`; the
 * constants are the same and are explained there.
 */

import { TILE, grain, sharpened, upperFace } from "./detail.js";
import { clamp, inverted, rint } from "./picture.js";
import { shrink } from "./shrink.js";
import { warpCubic, warpFloats, warpLinear } from "./warp.js";

/** @typedef {import("./picture.js").Picture} Picture */
/** @typedef {import("./picture.js").Matrix} Matrix */

/**
 * @typedef {object} Face
 * @property {number[]} box x0, y0, x1, y1 in photo px
 * @property {number[][]} landmarks five points (x, y) in photo px: eye at image left, eye at image
 *   right, nose tip, mouth corner at image left, mouth corner at image right
 * @property {number} score of the detector, in [0, 1]
 */

const { fround } = Math;
const EYES_X = 0.5; // crop sides
const EYES_Y = 0.37; // crop sides
const EYE_DISTANCE = 0.27; // crop sides
const SIDE_PER_HEIGHT = 1.15;
const FINE = 16; // steps in a pixel, in which a face's place is known
const SHRINK = 1.5; // from this reduction on a plain bilinear warp would alias
const LEAST_WEIGHT = fround(1 / 510);

/** @param {number} value in photo px @returns {number} the nearest that is known */
function known(value) {
  return rint(value * FINE) / FINE;
}

/**
 * @param {Face} face
 * @param {number} side of the crop, px
 * @returns {number[]} the similarity from photo to crop pixels
 */
export function alignment({ box, landmarks }, side) {
  const [[x0, y0], [x1, y1]] = landmarks.map((point) => point.map(known));
  const distance = Math.hypot(x1 - x0, y1 - y0);
  const extent = Math.max(distance / EYE_DISTANCE, SIDE_PER_HEIGHT * known(box[3] - box[1]));
  if (!(extent > 0)) throw new RangeError("the eyes coincide and the box has no height");
  const scale = side / extent;
  const angle = distance > 0 ? Math.atan2(y1 - y0, x1 - x0) : 0; // of -0 it would be half a turn
  const a = scale * Math.cos(angle);
  const b = scale * Math.sin(angle);
  const x = (x0 + x1) / 2;
  const y = (y0 + y1) / 2;
  return [a, b, EYES_X * side - a * x - b * y, -b, a, EYES_Y * side + b * x - a * y];
}

/**
 * Cut the crop that `matrix` describes, without aliasing.
 *
 * @param {Picture} photo bytes, 3 or 4 channels
 * @param {Matrix} matrix from photo to crop px, as `alignment` gives it
 * @param {number} side of the crop, px
 * @returns {Picture} RGB bytes, side x side; past the photo's edge its last pixels go on
 */
export function cut(photo, matrix, side) {
  const reduction = 1 / Math.hypot(matrix[0], matrix[3]);
  if (reduction <= SHRINK) return warpLinear(photo, matrix, side, side);
  const small = shrunk(photo, matrix, side, reduction);
  return warpLinear(small.part, small.matrix, side, side);
}

/**
 * Area-average the part of `photo` under the crop to the crop's own scale.
 *
 * @param {Picture} photo
 * @param {Matrix} matrix
 * @param {number} side
 * @param {number} reduction photo px in a crop px
 * @returns {{part: Picture, matrix: number[]}}
 */
function shrunk(photo, matrix, side, reduction) {
  const { low, high } = extent(matrix, side);
  const margin = fround(2 * reduction); // so that the crop's border is interpolated as the rest
  const x0 = clamp(Math.floor(fround(low[0] - margin)), 0, photo.width - 1);
  const y0 = clamp(Math.floor(fround(low[1] - margin)), 0, photo.height - 1);
  const x1 = clamp(Math.ceil(fround(high[0] + margin)), x0 + 1, photo.width);
  const y1 = clamp(Math.ceil(fround(high[1] + margin)), y0 + 1, photo.height);
  const width = Math.max(1, rint((x1 - x0) / reduction));
  const height = Math.max(1, rint((y1 - y0) / reduction));
  const part = shrink(photo, width, height, [x0, y0, x1, y1]);
  const [across, down] = [(x1 - x0) / width, (y1 - y0) / height];
  // a small pixel centre u covers the large ones around x0 + (u + .5) * across - .5
  const [x, y] = [x0 + across / 2 - 0.5, y0 + down / 2 - 0.5];
  const [a, b, c, d, e, f] = matrix;
  const moved = [a * across, b * down, a * x + b * y + c, d * across, e * down, d * x + e * y + f];
  return { part, matrix: moved };
}

/**
 * Blend a crop into `photo`, in place, where its `weight` is above zero. A crop that is enlarged is
 * sharpened, and gets the grain of the skin around it; see detail.js.
 *
 * @param {Picture} photo bytes, 3 or 4 channels; changed
 * @param {Picture} crop RGB bytes, aligned by `matrix`
 * @param {Picture} weight floats in [0, 1], as large as the crop; soft edges feather the seam
 * @param {Matrix} matrix from photo to crop px
 * @param {Float32Array} hole (photo.height * photo.width); raised to the weight where that is more.
 *   Where the weight is 0, the photo stays as it is bit for bit; alpha always does
 */
export function paste(photo, crop, weight, matrix, hole) {
  const scale = 1 / Math.hypot(matrix[0], matrix[3]); // photo px in a crop px
  const fine = noFinerThanPhoto(sharpened(crop, scale), weight, matrix);
  const { low, high } = extent(fine.matrix, fine.weight.width);
  const x0 = clamp(Math.floor(low[0]) - 1, 0, photo.width);
  const y0 = clamp(Math.floor(low[1]) - 1, 0, photo.height);
  const x1 = clamp(Math.ceil(high[0]) + 2, 0, photo.width);
  const y1 = clamp(Math.ceil(high[1]) + 2, 0, photo.height);
  if (x0 >= x1 || y0 >= y1) return;
  const local = inverted(fine.matrix);
  local[2] -= x0;
  local[5] -= y0;
  const size = /** @type {const} */ ([x1 - x0, y1 - y0]);
  const shares = warpFloats(fine.weight, local, ...size).map(useful);
  const around = warpFloats(upperFace(fine.weight.width), local, ...size);
  const skin = new Uint8Array(around.map((value, at) => (value > 0.5 && shares[at] === 0 ? 1 : 0)));
  const old = planesOf(photo, x0, y0, ...size);
  const fill = warpCubic(fine.crop, local, ...size);
  const tile = grain(fill, old, shares, skin, size[0], scale);
  for (let at = 0; at < shares.length; at++) {
    const share = shares[at];
    if (share === 0) continue;
    const [x, y] = [x0 + (at % size[0]), y0 + Math.floor(at / size[0])];
    const place = y * photo.width + x;
    const added = tile[(y % TILE) * TILE + (x % TILE)];
    hole[place] = Math.max(hole[place], share);
    for (let colour = 0; colour < 3; colour++) {
      const before = old[colour][at];
      const change = clamp(fround(fill[colour][at] + added), 0, 255) - before;
      photo.data[place * photo.channels + colour] = rint(fround(before + fround(share * change)));
    }
  }
}

/**
 * @param {Picture} photo
 * @param {number} x0
 * @param {number} y0
 * @param {number} width
 * @param {number} height
 * @returns {Float32Array[]} one plane (height * width) a colour, of that part of the photo
 */
function planesOf(photo, x0, y0, width, height) {
  const planes = [0, 1, 2].map(() => new Float32Array(width * height));
  for (let at = 0; at < width * height; at++) {
    const place = (y0 + Math.floor(at / width)) * photo.width + x0 + (at % width);
    for (let colour = 0; colour < 3; colour++) {
      planes[colour][at] = photo.data[place * photo.channels + colour];
    }
  }
  return planes;
}

/**
 * @param {number} share
 * @returns {number} at most 1; 0 where it could not change an 8-bit pixel
 */
function useful(share) {
  return share < LEAST_WEIGHT ? 0 : Math.min(share, 1);
}

/**
 * Area-average a crop of a small face to the photo's own scale, so that it does not alias.
 *
 * @param {Picture} crop
 * @param {Picture} weight
 * @param {Matrix} matrix
 * @returns {{crop: Picture, weight: Picture, matrix: Matrix}}
 */
function noFinerThanPhoto(crop, weight, matrix) {
  const zoom = Math.hypot(matrix[0], matrix[3]); // crop px in a photo px
  if (zoom <= SHRINK) return { crop, weight, matrix };
  const side = Math.max(1, rint(crop.width / zoom));
  const factor = side / crop.width;
  const scaled = matrix.map((value) => value * factor);
  scaled[2] += (factor - 1) / 2; // the middle of zoom x zoom pixels goes into one
  scaled[5] += (factor - 1) / 2;
  return { crop: shrink(crop, side, side), weight: shrink(weight, side, side), matrix: scaled };
}

/**
 * @param {Matrix} matrix from photo to crop px
 * @param {number} side of the crop
 * @returns {{low: number[], high: number[]}} the least and the greatest x and y of the crop's
 *   corners in the photo, float32
 */
function extent(matrix, side) {
  const [a, b, c, d, e, f] = inverted(matrix);
  const corners = [[0, 0], [side, 0], [side, side], [0, side]];
  const xs = corners.map(([x, y]) => fround(x * a + y * b + c));
  const ys = corners.map(([x, y]) => fround(x * d + y * e + f));
  return { low: [Math.min(...xs), Math.min(...ys)], high: [Math.max(...xs), Math.max(...ys)] };
}
