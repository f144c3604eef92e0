/** What the page says of a result, and of where photos go. */

/**
 * @param {{masked: boolean}[]} faces
 * @param {number} replaced face masks
 * @returns {string} "2 faces, 1 face mask replaced, 1 kept"
 */
export function found(faces, replaced) {
  if (!faces.length) return "No face found";
  const masks = faces.filter((face) => face.masked).length;
  const said = [count(faces.length, "face")];
  if (!masks) return `${said[0]}, no face mask found`;
  if (replaced) said.push(`${count(replaced, "face mask")} replaced`);
  if (replaced < masks) said.push(replaced ? `${masks - replaced} kept` : `${count(masks, "face mask")} kept`);
  return said.join(", ");
}

/**
 * @param {boolean} first there is no photo yet
 * @returns {string} how photos come in; fingers neither drop nor paste
 */
export function invitation(first) {
  const touch = matchMedia("(hover: none)").matches;
  if (first) return touch ? "Which photo?" : "Drop a photo here";
  return touch ? "Another photo" : "Another photo: drop or paste it, or";
}

/** @returns {string} what the user may do next */
export function whatToDo(faces, replaced) {
  if (!faces.length) return "Nothing was changed. Faces that are upright, large and not cut off are found best.";
  if (!faces.some((face) => face.masked)) return "Nothing was changed.";
  if (!replaced) return "Press a face to replace its face mask.";
  return "Drag over the photo to compare. Press a face to keep its face mask.";
}

/**
 * @param {{local: boolean, on_device: boolean, obstacle: string | null, device_bytes: number}} state of the server
 * @param {boolean} here the switch is on
 * @param {(bytes: number) => string} size
 * @returns {string} where photos go
 */
export function whereTo(state, here, size) {
  if (here) return `Photos do not leave this browser. It loads the models once (${size(state.device_bytes)}).`;
  const place = state.local ? "the mask2face server on this computer" : `the server ${location.host}`;
  const goes = `Off: photos go to ${place}.`;
  return state.on_device ? goes : `${goes} They cannot stay in the browser: ${state.obstacle}.`;
}

function count(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}
