/** What went wrong, in words that a user can act on. */
export class Problem extends Error {
  /**
   * @param {string} message with the fix
   * @param {{status?: number, again?: boolean}} [about] HTTP status; whether trying again may help
   */
  constructor(message, { status = 0, again = false } = {}) {
    super(sentence(message));
    this.status = status;
    this.again = again;
  }
}

/**
 * @param {string} words
 * @returns {string} with a capital letter and a full stop
 */
export function sentence(words) {
  const text = words.trim();
  if (!text) return text;
  const first = text[0].toUpperCase() + text.slice(1);
  return /[.!?)]$/.test(first) ? first : `${first}.`;
}

/**
 * @param {number} bytes
 * @returns {string} "31 MB"
 */
export function size(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${Math.round(bytes / 1e5) / 10} MB`;
}
