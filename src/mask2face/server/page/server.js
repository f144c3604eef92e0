/** The server's side: the photo goes to it, and comes back. */

import { Problem, size } from "./problem.js";

/** @typedef {{box: number[], masked: boolean}} Face box: x0, y0, x1, y1 in px of the photo */
/** @typedef {{width: number, height: number, faces: Face[], picture: Blob}} Result */

export class Server {
  constructor() {
    this.key = ""; // in this memory only
    this.state = null;
  }

  /**
   * Ask the server what it is.
   *
   * @throws {Problem} status 401: it wants a key, or another one
   */
  async open() {
    this.state = await this.ask("/page/state.json");
  }

  /**
   * Find the faces of a photo and replace face masks.
   *
   * @param {Blob} file
   * @param {{only?: number[], signal?: AbortSignal}} [options] only: places of faces; default: all
   * @returns {Promise<Result>}
   */
  async unmask(file, { only, signal } = {}) {
    const query = only ? `&only=${only.join() || "none"}` : "";
    const facts = await this.facts(file, `?inline=true${query}`, signal);
    const { width, height, faces } = facts;
    return { width, height, faces, picture: decoded(facts) };
  }

  /**
   * Return a photo that this browser cannot show as a PNG.
   *
   * @param {Blob} file
   * @param {AbortSignal} [signal]
   * @returns {Promise<Blob>}
   */
  async converted(file, signal) {
    return decoded(await this.facts(file, "?inline=true&only=none&format=png", signal));
  }

  async facts(file, query, signal) {
    const most = this.state.limits.bytes;
    if (file.size > most) {
      const words = `The photo has ${size(file.size)}; this server takes up to ${size(most)}`;
      throw new Problem(`${words}: choose a smaller one`, { status: 413 });
    }
    const type = file.type.startsWith("image/") ? file.type : "application/octet-stream";
    const headers = { Accept: "application/json", "Content-Type": type };
    const options = { method: "POST", body: file, headers, signal };
    return this.ask(`/v1/unmask${query}`, options);
  }

  /**
   * @param {string} path
   * @param {RequestInit} [options]
   * @param {"json" | "arrayBuffer"} [kind] how to read the answer
   * @returns {Promise<any>} a good answer, whole
   */
  async ask(path, options = {}, kind = "json") {
    const headers = { ...options.headers };
    if (this.key) headers.Authorization = `Bearer ${this.key}`;
    let reply;
    try {
      reply = await fetch(path, { ...options, headers });
      if (reply.ok) return await reply[kind]();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem("The server does not answer: see whether it runs", { again: true });
    }
    throw await refusal(reply);
  }
}

async function refusal(reply) {
  const { status } = reply;
  const told = await reply.json().catch(() => ({}));
  if (status === 503) {
    const wait = reply.headers.get("Retry-After") ?? "a few";
    return new Problem(`The server is busy: try again in ${wait} s`, { status, again: true });
  }
  const words = told.detail ?? `The server answers ${status}`;
  return new Problem(words, { status, again: status === 408 || status >= 500 });
}

function decoded({ photo, media_type }) {
  const bytes = Uint8Array.fromBase64
    ? Uint8Array.fromBase64(photo)
    : Uint8Array.from(atob(photo), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: media_type });
}
