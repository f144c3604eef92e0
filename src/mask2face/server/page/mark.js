/** Write the machine-readable mark of altered photos (an XMP packet) into a PNG or a JPEG. */

const PNG_HEAD = 33; // bytes of signature and IHDR; text may follow
const PNG_KEY = "XML:com.adobe.xmp";
const JPEG_KEY = "http://ns.adobe.com/xap/1.0/";

/**
 * @param {Blob} picture PNG or JPEG, without a mark
 * @param {string} packet XMP
 * @returns {Promise<Blob>} the same picture with the packet
 */
export async function marked(picture, packet) {
  const bytes = new Uint8Array(await picture.arrayBuffer());
  const text = new TextEncoder();
  const xmp = text.encode(packet);
  const [place, part] = picture.type === "image/jpeg"
    ? [jpegPlace(bytes), segment(text.encode(JPEG_KEY), xmp)]
    : [PNG_HEAD, chunk(text.encode(PNG_KEY), xmp)];
  return new Blob([bytes.subarray(0, place), part, bytes.subarray(place)], { type: picture.type });
}

/** Return where an APP1 may stand: after the start and a JFIF header. */
function jpegPlace(bytes) {
  const jfif = bytes[2] === 0xff && bytes[3] === 0xe0;
  return jfif ? 4 + (bytes[4] << 8 | bytes[5]) : 2;
}

/** Return an APP1: marker, length, name and a zero, packet. */
function segment(key, xmp) {
  const length = 2 + key.length + 1 + xmp.length;
  return joined([0xff, 0xe1, length >> 8, length & 0xff], key, [0], xmp);
}

/** Return an iTXt: length, kind, keyword and zeros for what it leaves out, text, checksum. */
function chunk(key, text) {
  const body = joined([0x69, 0x54, 0x58, 0x74], key, [0, 0, 0, 0, 0], text);
  return joined(word(body.length - 4), body, word(checksum(body)));
}

function joined(...parts) {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function word(value) {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

/** CRC-32 as PNG has it. */
function checksum(bytes) {
  let rest = 0xffffffff;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit += 1) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
  }
  return ~rest >>> 0;
}
