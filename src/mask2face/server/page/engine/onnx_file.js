/**
 * Read and change an ONNX file without an ONNX library: protobuf's wire format, see
 * https://protobuf.dev/programming-guides/encoding. Follows `mask2face/detectors/onnx_shapes.py`.
 *
 * onnxruntime-web shows no metadata of a model, so the model card is read here: it is the value of
 * `mask2face.card` among ModelProto.metadata_props, JSON. Weights are never looked at.
 */

import { EngineError } from "./errors.js";

const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5]; // wire types
const GRAPH = 7; // ModelProto.graph
const PROPERTIES = 14; // ModelProto.metadata_props
const [KEY, VALUE] = [1, 2]; // StringStringEntryProto.key, .value
const [INITIALIZER, INPUT, OUTPUT] = [5, 11, 12]; // GraphProto
const INITIALIZER_NAME = 8; // TensorProto.name
const VALUE_NAME = 1; // ValueInfoProto.name
const SHAPE_PATH = [2, 1]; // ValueInfoProto.type, TypeProto.tensor_type
const SHAPE = 2; // TypeProto.Tensor.shape

/**
 * @typedef {object} Field
 * @property {number} number
 * @property {number} kind wire type
 * @property {Uint8Array} value payload
 * @property {Uint8Array} raw tag, length and payload
 */

/**
 * @param {Uint8Array} model the bytes of an ONNX file
 * @returns {Map<string, string>} its metadata
 */
export function metadata(model) {
  return parsed(() => {
    const text = new TextDecoder();
    const found = new Map();
    for (const { number, value } of fields(model)) {
      if (number === PROPERTIES) {
        found.set(text.decode(first(value, KEY)), text.decode(first(value, VALUE)));
      }
    }
    return found;
  });
}

/**
 * Drop the declared shapes of inputs and outputs, so that one file serves photos of any size, and
 * the inputs that merely name an initializer.
 *
 * @param {Uint8Array} model the bytes of an ONNX file
 * @returns {Uint8Array} the changed file
 */
export function freeShapes(model) {
  return parsed(() =>
    joined(
      Array.from(fields(model), ({ number, kind, value, raw }) =>
        number === GRAPH && kind === BYTES ? tagged(number, freeGraph(value)) : raw,
      ),
    ),
  );
}

/**
 * @param {Uint8Array} graph
 * @returns {Uint8Array}
 */
function freeGraph(graph) {
  const all = [...fields(graph)];
  const text = new TextDecoder();
  const initializers = new Set(
    all
      .filter(({ number }) => number === INITIALIZER)
      .map(({ value }) => text.decode(first(value, INITIALIZER_NAME))),
  );
  const parts = [];
  for (const { number, value, raw } of all) {
    if (number === INPUT && initializers.has(text.decode(first(value, VALUE_NAME)))) continue;
    const free = number === INPUT || number === OUTPUT;
    parts.push(free ? tagged(number, without(value, SHAPE_PATH, SHAPE)) : raw);
  }
  return joined(parts);
}

/**
 * @param {Uint8Array} message
 * @param {readonly number[]} path field numbers down to a sub-message
 * @param {number} drop
 * @returns {Uint8Array} `message` without field `drop` of the sub-message at `path`
 */
function without(message, path, drop) {
  const parts = [];
  for (const { number, value, raw } of fields(message)) {
    if (path.length) {
      parts.push(number === path[0] ? tagged(number, without(value, path.slice(1), drop)) : raw);
    } else if (number !== drop) {
      parts.push(raw);
    }
  }
  return joined(parts);
}

/**
 * @param {Uint8Array} message
 * @param {number} wanted
 * @returns {Uint8Array} the first field of that number, empty if there is none
 */
function first(message, wanted) {
  for (const { number, value } of fields(message)) if (number === wanted) return value;
  return new Uint8Array();
}

/**
 * @param {Uint8Array} message
 * @returns {Generator<Field, void>}
 */
function* fields(message) {
  let at = 0;
  while (at < message.length) {
    const start = at;
    const [tag, past] = varint(message, at);
    const kind = tag % 8;
    let size;
    [size, at] = payload(message, past, kind);
    if (at + size > message.length) throw new RangeError(`field at byte ${start} runs past the end`);
    const value = message.subarray(at, at + size);
    at += size;
    yield { number: Math.floor(tag / 8), kind, value, raw: message.subarray(start, at) };
  }
}

/**
 * @param {Uint8Array} message
 * @param {number} at
 * @param {number} kind
 * @returns {[number, number]} size and start of the payload, bytes
 */
function payload(message, at, kind) {
  if (kind === BYTES) return varint(message, at);
  if (kind === VARINT) return [varint(message, at)[1] - at, at];
  if (kind === FIXED32) return [4, at];
  if (kind === FIXED64) return [8, at];
  throw new RangeError(`unknown wire type ${kind} before byte ${at}`);
}

/**
 * @param {Uint8Array} message
 * @param {number} at
 * @returns {[number, number]} the number (rounded where it passes 2^53) and where it ends
 */
function varint(message, at) {
  let value = 0;
  for (let factor = 1; ; factor *= 128) {
    if (at >= message.length) throw new RangeError("a number runs past the end");
    const byte = message[at++];
    value += (byte % 128) * factor;
    if (byte < 128) return [value, at];
  }
}

/**
 * @param {number} number
 * @param {Uint8Array} value
 * @returns {Uint8Array} the field
 */
function tagged(number, value) {
  return joined([encoded(number * 8 + BYTES), encoded(value.length), value]);
}

/**
 * @param {number} number
 * @returns {Uint8Array} as varint
 */
function encoded(number) {
  const bytes = [];
  let rest = number;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.from([...bytes, rest]);
}

/**
 * @param {Uint8Array[]} parts
 * @returns {Uint8Array}
 */
function joined(parts) {
  const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/**
 * @template T
 * @param {() => T} read
 * @returns {T}
 */
function parsed(read) {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new EngineError(`not an ONNX file: ${error.message}; load the page again`);
  }
}
