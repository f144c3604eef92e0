/**
 * The engine in a module worker: answers what client.js asks, one request after the other.
 *
 * A request is `{id, call, args}`, an answer `{id, result}`, `{id, error: {name, message}}` or,
 * while the models load, `{progress}`.
 */

import { open } from "./engine.js";
import { EngineError } from "./errors.js";

/** @type {Promise<import("./engine.js").Engine>} */
let opened;

const CALLS = {
  /** @param {{ort: string, detector: any, restorer: any}} options */
  async open({ ort, detector, restorer }) {
    const onProgress = (/** @type {any} */ progress) => postMessage({ progress });
    opened = runtime(ort).then((module) => open({ ort: module, detector, restorer, onProgress }));
    const { card, backend, threads } = await opened;
    return { result: { card, backend, threads }, transfer: [] };
  },
  /** @type {(photo: any, options: any) => Promise<any>} */
  async find(photo, options) {
    // the caller has the pixels
    const { faces, fillings } = await (await opened).find(photo, options);
    return { result: { faces, fillings }, transfer: [] };
  },
  /** @type {(found: any, options: any) => Promise<any>} */
  async fill(found, options) {
    const result = await (await opened).fill(found, options);
    return { result, transfer: [result.data.buffer, result.hole.buffer] };
  },
};

/**
 * @param {string} address
 * @returns {Promise<any>} the module onnxruntime-web
 */
async function runtime(address) {
  try {
    return await import(address);
  } catch (error) {
    throw new EngineError(`onnxruntime-web cannot be loaded from ${address} (${error})`);
  }
}

let last = Promise.resolve();

addEventListener("message", ({ data }) => {
  last = last.then(() => answer(data));
});

/** @param {{id: number, call: keyof typeof CALLS, args: any[]}} request */
async function answer({ id, call, args }) {
  try {
    // @ts-expect-error each call knows its own arguments
    const { result, transfer } = await CALLS[call](...args);
    postMessage({ id, result }, { transfer });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: "Error", message: `${error}` };
    postMessage({ id, error: { name, message } });
  }
}
