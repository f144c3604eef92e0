/** File names and media types. */

const SUFFIXES = {
  "image/jpeg": [".jpg", ".jpeg", ".jpe", ".jfif"],
  "image/png": [".png"],
  "image/webp": [".webp"],
  "image/tiff": [".tif", ".tiff"],
  "image/bmp": [".bmp"],
};

/**
 * Keep a photo's name, as the command line does: "Me.JPG" becomes "Me.unmasked.JPG".
 *
 * @param {string} name of the photo
 * @param {string} type media type of what is saved
 * @returns {string}
 */
export function savedName(name, type) {
  const [, stem, suffix] = /^(.*?)(\.[^.]*)?$/s.exec(name) ?? ["", name, ""];
  const known = SUFFIXES[type] ?? [".png"];
  const end = suffix && known.includes(suffix.toLowerCase()) ? suffix : known[0];
  return `${stem || "photo"}.unmasked${end}`;
}
