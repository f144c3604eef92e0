/**
 * An exported model as a callable: crop -> restored crop and hole. Follows `mask2face/restorer.py`.
 */

import { EngineError } from "./errors.js";
import { metadata } from "./onnx_file.js";
import { clamp, rint } from "./picture.js";

/** @typedef {import("./picture.js").Picture} Picture */

/**
 * What a model is and must not be used for; see `ModelCard` in `mask2face/restorer.py`.
 *
 * @typedef {{name: string, version: string, side: number, net: string, limits: string} &
 *   Record<string, unknown>} ModelCard
 */

const CARD_KEY = "mask2face.card";
const [INPUT, OUTPUT, NOISE] = ["crops", "restored", "noise"];

/**
 * @param {Uint8Array} model the bytes of an ONNX file
 * @returns {ModelCard}
 */
export function cardOf(model) {
  const text = metadata(model).get(CARD_KEY);
  if (text === undefined) {
    throw new EngineError(`the model has no ${CARD_KEY}: use one that mask2face exported`);
  }
  try {
    const card = JSON.parse(text);
    if (Number.isInteger(card?.side) && card.side > 0) return card;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new EngineError("the model card inside the file is broken: export the model again");
}

export class Restorer {
  /**
   * @param {any} ort the module onnxruntime-web
   * @param {any} session
   * @param {ModelCard} card
   * @param {number} noise numbers that the model takes beside a crop; 0 = none
   */
  constructor(ort, session, card, noise) {
    this.ort = ort;
    this.session = session;
    this.card = card;
    this.noise = noise;
  }

  /**
   * @param {any} ort the module onnxruntime-web
   * @param {Uint8Array} model an ONNX file that `mask2face export` wrote
   * @param {object} options of the session
   * @returns {Promise<Restorer>}
   */
  static async open(ort, model, options) {
    const card = cardOf(model);
    const session = await ort.InferenceSession.create(model, options);
    /** @type {{name: string, shape: number[]}[]} */
    const more = session.inputMetadata.filter((/** @type {any} */ { name }) => name !== INPUT);
    if (more.some(({ name }) => name !== NOISE)) {
      const names = more.map(({ name }) => name).join(", ");
      throw new EngineError(
        `model ${card.name} also wants "${names}", which a browser cannot make: use the server`,
      );
    }
    return new Restorer(ort, session, card, more.length ? more[0].shape[1] : 0);
  }

  /**
   * @param {Picture} crop RGB bytes, card.side x card.side
   * @returns {Promise<{restored: Picture, probability: Float32Array}>} the crop with its likeliest
   *   lower face, and the hole probability (side * side) in [0, 1]
   */
  async restore(crop) {
    const { width, height } = crop;
    const cells = width * height;
    const input = new Float32Array(3 * cells);
    for (let at = 0; at < cells; at++) {
      for (let colour = 0; colour < 3; colour++) {
        input[colour * cells + at] = crop.data[at * 3 + colour] / 255;
      }
    }
    const feeds = { [INPUT]: new this.ort.Tensor("float32", input, [1, 3, height, width]) };
    if (this.noise) {
      const zeros = new Float32Array(this.noise);
      feeds[NOISE] = new this.ort.Tensor("float32", zeros, [1, this.noise]);
    }
    const { [OUTPUT]: output } = await this.session.run(feeds, [OUTPUT]);
    /** @type {Float32Array} */
    const values = output.data.map((/** @type {number} */ value) => clamp(value, 0, 1));
    output.dispose();
    const data = new Uint8ClampedArray(3 * cells);
    for (let at = 0; at < cells; at++) {
      for (let colour = 0; colour < 3; colour++) {
        data[at * 3 + colour] = rint(Math.fround(values[colour * cells + at] * 255));
      }
    }
    return { restored: { data, width, height, channels: 3 }, probability: values.slice(3 * cells) };
  }
}
