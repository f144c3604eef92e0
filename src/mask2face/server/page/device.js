/** This device's side: the same models run in the browser, and the photo stays in it. */

import { marked } from "./mark.js";
import { Problem } from "./problem.js";

const QUALITY = 0.95; // of JPEG, as the server's where the photo does not say

export class Device {
  /** @param {import("./server.js").Server} server where the models come from, once */
  constructor(server) {
    this.server = server;
    this.opening = null;
    this.last = null;
  }

  /**
   * Load the models; at the second time they are there.
   *
   * @param {(share: number) => void} onProgress share in [0, 1]
   * @throws {Problem} they cannot be loaded or run
   */
  open(onProgress) {
    this.opening ??= this.load(onProgress).catch((error) => {
      this.opening = null;
      const words = "The models cannot run in this browser, and the photo was not sent";
      throw new Problem(`${words} (${error.message})`, { again: true });
    }).finally(() => onProgress(1));
    return this.opening;
  }

  async load(onProgress) {
    const { openInWorker } = await import("./engine/client.js");
    const loaded = {};
    const all = this.server.state.device_bytes;
    const tell = (progress) => {
      loaded[progress.part] = progress.loaded;
      onProgress(Math.min(1, Object.values(loaded).reduce((sum, one) => sum + one, 0) / all));
    };
    const [detector, restorer] = await Promise.all(["detector", "restorer"].map((name) => this.model(name)));
    return openInWorker({ detector, restorer, onProgress: tell });
  }

  /** Return where a model is; behind a key, the model itself. */
  async model(name) {
    const path = `/page/models/${name}.onnx`;
    return this.server.key ? this.server.ask(path, {}, "arrayBuffer") : path;
  }

  /**
   * Find the faces of a photo and replace face masks; as `Server.unmask`.
   *
   * @param {Blob} file
   * @param {{only?: number[], signal?: AbortSignal, onProgress?: (share: number) => void}} options
   * @returns {Promise<import("./server.js").Result>}
   */
  async unmask(file, { only, signal, onProgress = () => {} } = {}) {
    const pixels = this.last?.file === file ? null : await this.pixels(file);
    const engine = await this.open(onProgress);
    signal?.throwIfAborted();
    if (pixels) this.last = { file, found: await engine.find(pixels, { faces: "all", threshold: 0.5 }) };
    signal?.throwIfAborted();
    const { found } = this.last;
    const { width, height, faces } = found;
    const places = only ?? faces.keys();
    const chosen = new Set([...places].filter((place) => faces[place].masked));
    if (!chosen.size) return { width, height, faces, picture: file };
    const filled = await engine.fill(found, { faces: chosen });
    signal?.throwIfAborted();
    return { width, height, faces, picture: await this.encoded(filled, file.type) };
  }

  async pixels(file) {
    const bitmap = await createImageBitmap(file).catch(() => {
      throw new Problem("This browser cannot read the file as a photo: choose a JPEG, PNG or WebP");
    });
    const { width, height } = bitmap;
    const most = this.server.state.limits.pixels;
    if (width * height > most) {
      const limit = most / 1e6;
      const words = `The photo has ${width} × ${height} pixels; the limit is ${limit} million`;
      throw new Problem(`${words}: choose a smaller one`);
    }
    const context = canvas(width, height);
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    return context.getImageData(0, 0, width, height);
  }

  async encoded({ data, width, height }, type) {
    const context = canvas(width, height);
    context.putImageData(new ImageData(new Uint8ClampedArray(data), width, height), 0, 0);
    const target = type === "image/jpeg" ? type : "image/png"; // PNG keeps every pixel
    const blob = await context.canvas.convertToBlob({ type: target, quality: QUALITY });
    return marked(blob, this.server.state.mark);
  }
}

function canvas(width, height) {
  return new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
}
