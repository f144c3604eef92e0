/**
 * CenterFace: photo -> faces. Follows `mask2face/detectors/centerface.py`, where paper, weights and
 * constants are explained.
 */

import { freeShapes } from "./onnx_file.js";
import { clamp, rint } from "./picture.js";
import { shrink } from "./shrink.js";

/** @typedef {import("./picture.js").Picture} Picture */
/** @typedef {import("./faces.js").Face} Face */

const { fround } = Math;
const STRIDE = 4; // input px per cell of the heat map
const MULTIPLE = 32; // the network halves its input five times
const LONG_SIDE = 800; // px; photos are shrunk to it for the search
const SECOND_LOOK = 160; // px; a photo is searched at half size too unless that is smaller
const MARGIN = 0.25; // of the longer side, around a photo in which nothing was found
const GREY = 127; // level of that margin
const OVERLAP = 0.3; // intersection over union from which two boxes are one face
const INSIDE = 0.7; // share of the smaller box inside the other from which they are one face
const THRESHOLD = 0.4; // lowest score of a face, as `mask2face.pipeline` sets it
const [HEAT, SIZE, OFFSET, POINTS] = ["537", "538", "539", "540"];

export class CenterFace {
  /**
   * @param {any} ort the module onnxruntime-web
   * @param {any} session
   */
  constructor(ort, session) {
    this.ort = ort;
    this.session = session;
  }

  /**
   * @param {any} ort the module onnxruntime-web
   * @param {Uint8Array} model the detector's file
   * @param {object} options of the session
   * @returns {Promise<CenterFace>}
   */
  static async open(ort, model, options) {
    return new CenterFace(ort, await ort.InferenceSession.create(freeShapes(model), options));
  }

  /**
   * Find every face of a photo. Where there is none, a margin is put around the photo: a face that
   * the photo cuts on several sides is found so.
   *
   * @param {Picture} photo bytes, 3 or 4 channels
   * @returns {Promise<Face[]>} the highest score first
   */
  async find(photo) {
    let candidates = await this.search(photo);
    if (!candidates.length) candidates = await this.searchWithMargin(photo);
    const faces = [];
    for (const { box, landmarks, score } of surest(candidates)) {
      const [x0, x1] = [box[0], box[2]].map((value) => clamp(value, 0, photo.width));
      const [y0, y1] = [box[1], box[3]].map((value) => clamp(value, 0, photo.height));
      if (Math.min(x1 - x0, y1 - y0) >= 1) {
        faces.push({ box: [x0, y0, x1, y1], landmarks, score: Math.min(1, score) });
      }
    }
    return faces;
  }

  /**
   * Search with grey around; shrunk first: around a large photo it would take gigabytes.
   *
   * @param {Picture} photo
   * @returns {Promise<Face[]>} in px of `photo`, not yet suppressed
   */
  async searchWithMargin(photo) {
    const longest = Math.max(photo.width, photo.height);
    const small = shrunk(photo, Math.min(1, LONG_SIDE / ((1 + 2 * MARGIN) * longest)));
    const margin = rint(MARGIN * Math.max(small.width, small.height));
    const found = await this.search(framed(small, margin));
    return found.map((face) => moved(face, margin, photo, small));
  }

  /**
   * Look from one or two distances.
   *
   * @param {Picture} photo
   * @returns {Promise<Face[]>} in px of `photo`, not yet suppressed
   */
  async search(photo) {
    const longest = Math.min(Math.max(photo.width, photo.height), LONG_SIDE);
    const half = Math.floor(longest / 2);
    const found = await this.look(photo, longest);
    // a face that fills the photo is found only from further away
    return half >= SECOND_LOOK ? [...found, ...(await this.look(photo, half))] : found;
  }

  /**
   * Search a photo shrunk to `longSide` px.
   *
   * @param {Picture} photo
   * @param {number} longSide
   * @returns {Promise<Face[]>} in px of `photo`, not yet suppressed
   */
  async look(photo, longSide) {
    const small = shrunk(photo, Math.min(1, longSide / Math.max(photo.width, photo.height)));
    const input = planes(small);
    const tensor = new this.ort.Tensor("float32", input.data, [1, 3, input.height, input.width]);
    const outputs = await this.session.run({ "input.1": tensor }, [HEAT, SIZE, OFFSET, POINTS]);
    const found = decoded(outputs).map((face) => moved(face, 0, photo, small));
    for (const output of Object.values(outputs)) output.dispose();
    return found;
  }
}

/**
 * @param {Picture} photo
 * @param {number} scale at most 1
 * @returns {Picture}
 */
function shrunk(photo, scale) {
  if (scale === 1) return photo;
  const width = Math.max(1, rint(photo.width * scale));
  const height = Math.max(1, rint(photo.height * scale));
  return shrink(photo, width, height);
}

/**
 * @param {Face} face in px of `small` with a margin
 * @param {number} margin px
 * @param {Picture} photo
 * @param {Picture} small `photo`, shrunk
 * @returns {Face} in px of `photo`
 */
function moved({ box: [x0, y0, x1, y1], landmarks, score }, margin, photo, small) {
  const across = fround(photo.width / small.width); // one factor an axis: rounding makes them differ
  const down = fround(photo.height / small.height);
  const x = (/** @type {number} */ value) => fround(fround(value - margin) * across);
  const y = (/** @type {number} */ value) => fround(fround(value - margin) * down);
  const points = landmarks.map((point) => [x(point[0]), y(point[1])]);
  return { box: [x(x0), y(y0), x(x1), y(y1)], landmarks: points, score };
}

/**
 * @param {Picture} photo
 * @param {number} margin px
 * @returns {Picture} RGB bytes, grey around the photo
 */
function framed(photo, margin) {
  const width = photo.width + 2 * margin;
  const height = photo.height + 2 * margin;
  const data = new Uint8ClampedArray(3 * width * height).fill(GREY);
  for (let y = 0; y < photo.height; y++) {
    for (let x = 0; x < photo.width; x++) {
      const from = (y * photo.width + x) * photo.channels;
      const to = ((y + margin) * width + x + margin) * 3;
      for (let colour = 0; colour < 3; colour++) data[to + colour] = photo.data[from + colour];
    }
  }
  return { data, width, height, channels: 3 };
}

/**
 * @param {Picture} photo
 * @returns {{data: Float32Array, width: number, height: number}} its colours one after the other,
 *   0 to 255, with zeros at the right and below up to a multiple of 32 px
 */
function planes(photo) {
  const width = Math.ceil(photo.width / MULTIPLE) * MULTIPLE;
  const height = Math.ceil(photo.height / MULTIPLE) * MULTIPLE;
  const data = new Float32Array(3 * width * height);
  for (let y = 0; y < photo.height; y++) {
    for (let x = 0; x < photo.width; x++) {
      const from = (y * photo.width + x) * photo.channels;
      for (let colour = 0; colour < 3; colour++) {
        data[(colour * height + y) * width + x] = photo.data[from + colour];
      }
    }
  }
  return { data, width, height };
}

/**
 * @param {Record<string, {data: Float32Array, dims: readonly number[]}>} outputs
 * @returns {Face[]} the cells above the threshold, in px of the network's input
 */
function decoded(outputs) {
  const [rows, columns] = outputs[HEAT].dims.slice(2);
  const cells = rows * columns;
  const faces = [];
  for (let cell = 0; cell < cells; cell++) {
    const score = outputs[HEAT].data[cell];
    if (!(score > fround(THRESHOLD))) continue;
    /** @type {(name: string, plane: number) => number} */
    const at = (name, plane) => outputs[name].data[plane * cells + cell];
    const [tall, wide] = [0, 1].map((plane) => fround(fround(Math.exp(at(SIZE, plane))) * STRIDE));
    const y = (Math.floor(cell / columns) + at(OFFSET, 0) + 0.5) * STRIDE - tall / 2;
    const x = ((cell % columns) + at(OFFSET, 1) + 0.5) * STRIDE - wide / 2;
    const landmarks = [0, 1, 2, 3, 4].map((point) => [
      fround(at(POINTS, 2 * point + 1) * wide + Math.max(x, 0)),
      fround(at(POINTS, 2 * point) * tall + Math.max(y, 0)),
    ]);
    faces.push({ box: [x, y, x + wide, y + tall].map(fround), landmarks, score });
  }
  return faces;
}

/**
 * Non-maximum suppression.
 *
 * @param {Face[]} candidates
 * @returns {Face[]} the best first
 */
function surest(candidates) {
  let rest = [...candidates].sort((one, two) => two.score - one.score);
  const kept = [];
  while (rest.length) {
    const [best, ...others] = rest;
    kept.push(best);
    rest = others.filter((other) => !same(best.box, other.box));
  }
  return kept;
}

/**
 * @param {number[]} one box
 * @param {number[]} two box
 * @returns {boolean} whether they are one face
 */
function same(one, two) {
  const across = Math.min(one[2], two[2]) - Math.max(one[0], two[0]);
  const down = Math.min(one[3], two[3]) - Math.max(one[1], two[1]);
  const shared = Math.max(across, 0) * Math.max(down, 0);
  const [first, second] = [one, two].map(([x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0));
  return shared / (first + second - shared) >= OVERLAP || shared / Math.min(first, second) >= INSIDE;
}
