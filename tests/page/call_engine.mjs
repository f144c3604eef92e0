// Call functions of the page's engine from Python: node call_engine.mjs FOLDER
//
// Each line of standard input is a call {module, name, args}; each line of standard output is its
// answer, {value} or {error}. A typed array is {"array": "Uint8Array", "base64": ...}.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const KINDS = { Uint8Array, Uint8ClampedArray, Float32Array };
const folder = pathToFileURL(`${process.argv[2]}/`);

function revive(_, value) {
  if (typeof value?.base64 !== "string") return value;
  const bytes = Buffer.from(value.base64, "base64");
  const own = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  return new KINDS[value.array](own);
}

function plain(_, value) {
  if (value instanceof Map) return Object.fromEntries(value);
  if (!ArrayBuffer.isView(value)) return value;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return { array: value.constructor.name, base64: bytes.toString("base64") };
}

async function answer({ module, name, args }) {
  try {
    const value = (await import(new URL(module, folder)))[name](...args);
    return { value: value === undefined ? args : value }; // what it changed in place
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line, revive)), plain)}\n`);
}
