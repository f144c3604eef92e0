/**
 * Photo -> the same photo with a plausible, invented lower face where each face mask was, in the
 * browser: the detector's and the restorer's ONNX files, run by onnxruntime-web. Follows
 * `mask2face/pipeline.py`, whose results it gives within 2/255.
 */

import { CenterFace } from "./centerface.js";
import { EngineError } from "./errors.js";
import { alignment, cut, paste } from "./faces.js";
import { LEAST_CERTAINTY, LEAST_HOLE, certainty, softHole } from "./hole_weights.js";
import { Restorer } from "./restorer.js";

const MOST_THREADS = 4; // more gain little on nets of this size
const LEAST_SIDE = 16; // px, as `mask2face.decoding` has it

/** @typedef {import("./picture.js").Picture} Picture */
/** @typedef {import("./picture.js").Matrix} Matrix */

/**
 * A photo: RGBA bytes, not premultiplied, as `ImageData` has them (an `ImageData` will do).
 *
 * @typedef {object} Photo
 * @property {Uint8ClampedArray} data
 * @property {number} width px
 * @property {number} height px
 */

/**
 * @typedef {object} FoundFace
 * @property {number[]} box x0, y0, x1, y1 in photo px
 * @property {number[][]} landmarks five points (x, y) in photo px
 * @property {number} score of the detector, in [0, 1]
 * @property {boolean} masked whether a face mask was found, and so is replaced
 * @property {number} holeFraction share of the aligned crop that the face mask covers
 */

/**
 * What `find` saw: enough to fill the photo several times. It refers to the photo's pixels.
 *
 * @typedef {object} Found
 * @property {Uint8ClampedArray} data the photo's, not a copy
 * @property {number} width px
 * @property {number} height px
 * @property {FoundFace[]} faces every face found, the surest first
 * @property {Filling[]} fillings one for each masked face
 */

/**
 * @typedef {object} Filling
 * @property {number} face index in `faces`
 * @property {Matrix} matrix from photo to crop px
 * @property {Picture} restored RGB bytes
 * @property {Picture} weight of the paste, floats in [0, 1]
 */

/**
 * @typedef {object} Filled
 * @property {Uint8ClampedArray} data RGBA; where `hole` is 0, the photo's bit for bit
 * @property {number} width px
 * @property {number} height px
 * @property {Float32Array} hole (height * width) in [0, 1], 1 = replaced
 */

/**
 * @typedef {object} Progress
 * @property {"detector" | "restorer"} part the file that is loading
 * @property {number} loaded bytes
 * @property {number} total bytes; 0 if the server does not say
 */

/**
 * Load both models. In a page use `openInWorker` of client.js, which keeps the page responsive.
 *
 * @param {object} options
 * @param {any} options.ort the module onnxruntime-web
 * @param {URL | string | ArrayBuffer} options.detector CenterFace's ONNX file
 * @param {URL | string | ArrayBuffer} options.restorer a model that mask2face exported
 * @param {(progress: Progress) => void} [options.onProgress] called while a file loads
 * @returns {Promise<Engine>}
 * @throws {EngineError} a file is missing, broken or needs what a browser does not have
 */
export async function open({ ort, detector, restorer, onProgress = () => {} }) {
  const [finder, filler] = await Promise.all([
    bytes(detector, "detector", onProgress),
    bytes(restorer, "restorer", onProgress),
  ]);
  // threads share memory, which a browser allows only to pages that are cross-origin isolated
  const threads = crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1;
  ort.env.wasm.numThreads = threads;
  const options = { executionProviders: ["wasm"], logSeverityLevel: 3 };
  try {
    // one after the other: the first starts the WebAssembly module
    const centerFace = await CenterFace.open(ort, finder, options);
    return new Engine(centerFace, await Restorer.open(ort, filler, options), threads);
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw new EngineError(`this browser cannot run the models (${error}): use the server`);
  }
}

/** Made by `open`. */
export class Engine {
  /**
   * @param {CenterFace} detector
   * @param {Restorer} restorer
   * @param {number} threads
   */
  constructor(detector, restorer, threads) {
    this.detector = detector;
    this.restorer = restorer;
    /** The model's card. */
    this.card = restorer.card;
    /** What computes. */
    this.backend = "wasm";
    /** How many threads it uses: more than one only where the page is cross-origin isolated. */
    this.threads = threads;
  }

  /**
   * Find every face of a photo, and restore those that wear a face mask.
   *
   * @param {Photo} photo
   * @param {object} [options]
   * @param {"all" | "largest"} [options.faces]
   * @param {number} [options.threshold] hole probability in (0, 1) above which a pixel belongs to
   *   the face mask
   * @returns {Promise<Found>}
   * @throws {EngineError} the photo is too small
   */
  async find(photo, { faces = "all", threshold = 0.5 } = {}) {
    checked(photo, faces, threshold);
    const { data, width, height } = photo;
    const pixels = { data, width, height, channels: 4 };
    let detected = await this.detector.find(pixels);
    if (faces === "largest" && detected.length) {
      detected = [detected.reduce((best, face) => (area(face) > area(best) ? face : best))];
    }
    const { side } = this.card;
    /** @type {Found} */
    const found = { data, width, height, faces: [], fillings: [] };
    for (const [index, face] of detected.entries()) {
      const matrix = alignment(face, side);
      const { restored, probability } = await this.restorer.restore(cut(pixels, matrix, side));
      const { weight, fraction } = softHole(probability, side, threshold);
      const masked = fraction >= LEAST_HOLE && certainty(probability) >= LEAST_CERTAINTY;
      found.faces.push({ ...face, masked, holeFraction: fraction });
      const hole = { data: weight, width: side, height: side, channels: 1 };
      if (masked) found.fillings.push({ face: index, matrix, restored, weight: hole });
    }
    return found;
  }

  /**
   * Put lower faces into a photo.
   *
   * @param {Found} found what `find` gave
   * @param {object} [options]
   * @param {ReadonlySet<number>} [options.faces] indices in `found.faces`; all if left out
   * @returns {Promise<Filled>}
   */
  async fill({ data, width, height, fillings }, { faces } = {}) {
    const photo = { data: new Uint8ClampedArray(data), width, height, channels: 4 };
    const hole = new Float32Array(width * height);
    for (const { face, matrix, restored, weight } of fillings) {
      if (!faces || faces.has(face)) paste(photo, restored, weight, matrix, hole);
    }
    return { data: photo.data, width, height, hole };
  }

  /** Give the models' memory back. */
  async close() {
    await this.detector.session.release();
    await this.restorer.session.release();
  }
}

/**
 * @param {Photo} photo
 * @param {string} faces
 * @param {number} threshold
 */
function checked({ data, width, height }, faces, threshold) {
  if (!(width > 0 && height > 0) || data.length !== 4 * width * height) {
    throw new RangeError(`a photo of ${width} x ${height} px has ${data.length} bytes, not RGBA`);
  }
  if (Math.min(width, height) < LEAST_SIDE) {
    throw new EngineError(
      `the photo has ${width} x ${height} pixels, too small: give one of at least 16 x 16`,
    );
  }
  if (faces !== "all" && faces !== "largest") {
    throw new RangeError(`faces is ${faces}: choose "all" or "largest"`);
  }
  if (!(threshold > 0 && threshold < 1)) {
    throw new RangeError(`threshold is ${threshold}: give a number between 0 and 1`);
  }
}

/**
 * @param {import("./faces.js").Face} face
 * @returns {number} px²
 */
function area({ box: [x0, y0, x1, y1] }) {
  return (x1 - x0) * (y1 - y0);
}

/**
 * @param {URL | string | ArrayBuffer} source
 * @param {Progress["part"]} part
 * @param {(progress: Progress) => void} onProgress
 * @returns {Promise<Uint8Array>}
 */
async function bytes(source, part, onProgress) {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  const response = await answer(source);
  const total = Number(response.headers.get("content-length") ?? 0);
  const chunks = [];
  let loaded = 0;
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    const chunk = /** @type {Uint8Array} */ (value);
    chunks.push(chunk);
    loaded += chunk.length;
    onProgress({ part, loaded, total });
  }
  return new Uint8Array(await new Blob(/** @type {BlobPart[]} */ (chunks)).arrayBuffer());
}

/**
 * @param {URL | string} source
 * @returns {Promise<Response>} a good one
 */
async function answer(source) {
  let response;
  try {
    response = await fetch(source);
  } catch (error) {
    throw new EngineError(`${source} cannot be loaded (${error}): is the server still running?`);
  }
  if (!response.ok) {
    throw new EngineError(`${source} cannot be loaded: the server says ${response.status}`);
  }
  return response;
}
