/**
 * Copy what the page needs of onnxruntime-web into the Python package: the WebAssembly build (no
 * WebGL, no WebGPU) and its licence. Run by `npm run build`, after `npm ci`.
 */

import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";

const FILES = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"];
const SOURCE = new URL("node_modules/onnxruntime-web/", import.meta.url);
const TARGET = new URL("../src/mask2face/server/page/vendor/", import.meta.url);

const LICENCE = `MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
`;

const { license, version } = JSON.parse(await readFile(new URL("package.json", SOURCE), "utf8"));
if (license !== "MIT") throw new Error(`onnxruntime-web ${version} is ${license}, not MIT`);
await rm(TARGET, { recursive: true, force: true });
await mkdir(TARGET, { recursive: true });
for (const name of FILES) await copyFile(new URL(`dist/${name}`, SOURCE), new URL(name, TARGET));
// the npm package carries no licence file of its own
const head = `The other files here: onnxruntime-web ${version}, ONNX Runtime\n\n`;
await writeFile(new URL("LICENSE.txt", TARGET), head + LICENCE);
