/** A photo, a model or a browser does not serve; the message says what to do. */
export class EngineError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "EngineError";
  }
}
