/**
 * The engine behind a worker: the same methods as `Engine` in engine.js, and a page that stays
 * responsive.
 */

import { EngineError } from "./errors.js";

/** @typedef {import("./engine.js").Photo} Photo */
/** @typedef {import("./engine.js").Found} Found */
/** @typedef {import("./engine.js").Filled} Filled */
/** @typedef {import("./engine.js").Progress} Progress */

/**
 * Start a worker and load both models in it.
 *
 * @param {object} options
 * @param {URL | string | ArrayBuffer} options.detector CenterFace's ONNX file
 * @param {URL | string | ArrayBuffer} options.restorer a model that mask2face exported
 * @param {(progress: Progress) => void} [options.onProgress] called while a file loads
 * @param {URL | string} [options.ort] the module onnxruntime-web; its .wasm file lies beside it
 * @returns {Promise<EngineClient>}
 * @throws {EngineError} a file is missing or broken, or the browser cannot run it
 */
export async function openInWorker({
  detector,
  restorer,
  onProgress = () => {},
  ort = new URL("../vendor/ort.wasm.min.mjs", import.meta.url),
}) {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const client = new EngineClient(worker, onProgress);
  try {
    const [finder, filler] = [detector, restorer].map(located);
    const about = { ort: located(ort), detector: finder, restorer: filler };
    return Object.assign(client, await client.ask("open", [about]));
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Made by `openInWorker`. */
export class EngineClient {
  /**
   * @param {Worker} worker
   * @param {(progress: Progress) => void} onProgress
   */
  constructor(worker, onProgress) {
    this.worker = worker;
    /** @type {import("./restorer.js").ModelCard} */
    this.card = { name: "", version: "", side: 0, net: "", limits: "" };
    this.backend = "";
    this.threads = 0;
    /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
    this.waiting = new Map();
    this.asked = 0;
    /** @type {EngineError | undefined} */
    this.ended = undefined;
    worker.addEventListener("message", ({ data }) => {
      if (data.progress) onProgress(data.progress);
      else this.settle(data);
    });
    worker.addEventListener("error", ({ message }) => {
      this.end(`the engine's worker stopped (${message || "it could not start"}): load the page again`);
    });
  }

  /**
   * Find every face of a photo, and restore those that wear a face mask; see `Engine.find`.
   *
   * @param {Photo} photo copied for the worker, never detached; the result refers to its pixels
   * @param {{faces?: "all" | "largest", threshold?: number}} [options]
   * @returns {Promise<Found>}
   */
  async find({ data, width, height }, options = {}) {
    const found = await this.ask("find", [{ data, width, height }, options]);
    return { data, width, height, ...found };
  }

  /**
   * Put lower faces into a photo; see `Engine.fill`.
   *
   * @param {Found} found what `find` gave
   * @param {{faces?: ReadonlySet<number>}} [options]
   * @returns {Promise<Filled>}
   */
  async fill(found, options = {}) {
    return this.ask("fill", [found, options]);
  }

  /** Stop the worker at once; what it was doing ends with an error. */
  close() {
    this.end("the engine was closed");
  }

  /**
   * @param {string} call
   * @param {any[]} args
   * @returns {Promise<any>}
   */
  ask(call, args) {
    const id = this.asked++;
    return new Promise((resolve, reject) => {
      if (this.ended) throw this.ended;
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, call, args });
    });
  }

  /** @param {{id: number, result?: any, error?: {name: string, message: string}}} answer */
  settle({ id, result, error }) {
    const asked = this.waiting.get(id);
    this.waiting.delete(id);
    if (!error) asked?.resolve(result);
    else asked?.reject(error.name === "EngineError" ? new EngineError(error.message) : named(error));
  }

  /** @param {string} message */
  end(message) {
    this.worker.terminate();
    this.ended = new EngineError(message);
    for (const { reject } of this.waiting.values()) reject(this.ended);
    this.waiting.clear();
  }
}

/**
 * @param {URL | string | ArrayBuffer} place
 * @returns {string | ArrayBuffer} an address that means the same inside the worker
 */
function located(place) {
  return place instanceof ArrayBuffer ? place : new URL(place, document.baseURI).href;
}

/**
 * @param {{name: string, message: string}} error
 * @returns {Error}
 */
function named({ name, message }) {
  return Object.assign(new Error(message), { name });
}
