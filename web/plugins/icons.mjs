// The product's mark as SVG and PNG: a road of two carriageways, its cable in the verge and one lit station.
import { deflateSync } from 'node:zlib';

const GROUND = [10, 14, 19];
const ROAD = [125, 150, 176];
const LINE = [10, 14, 19];
const CABLE = [47, 191, 166];
const LIGHT = [255, 178, 36];

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
<rect width="64" height="64" fill="#0a0e13"/>
<path d="M25 8h14l11 48H14z" fill="#7d96b0"/>
<path d="M32 10v9M32 25v11M32 43v13" stroke="#0a0e13" stroke-width="2.6"/>
<path d="M46 8l11 48" stroke="#2fbfa6" stroke-width="2.6"/>
<circle cx="21" cy="22" r="6.5" fill="#ffb224"/>
</svg>
`;

/** Colour of the mark at a point of its 64 × 64 drawing. */
function colourAt(x, y) {
  if (Math.hypot(x - 21, y - 22) < 6.5) return LIGHT;
  const share = (y - 8) / 48;
  if (share < 0 || share > 1) return GROUND;
  if (Math.abs(x - (46 + 11 * share)) < 1.35) return CABLE;
  const dashed = (y > 10 && y < 19) || (y > 25 && y < 36) || (y > 43 && y < 56);
  if (dashed && Math.abs(x - 32) < 1.3) return LINE;
  return x > 25 - 11 * share && x < 39 + 11 * share ? ROAD : GROUND;
}

/** A PNG of the mark; 3 × 3 samples to a pixel. */
function png(size) {
  const rows = Buffer.alloc(size * (size * 3 + 1));
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      const sum = [0, 0, 0];
      for (let part = 0; part < 9; part += 1) {
        const x = ((column + ((part % 3) + 0.5) / 3) * 64) / size;
        const y = ((row + (Math.floor(part / 3) + 0.5) / 3) * 64) / size;
        colourAt(x, y).forEach((value, index) => (sum[index] += value / 9));
      }
      sum.forEach((value, index) => (rows[row * (size * 3 + 1) + 1 + column * 3 + index] = Math.round(value)));
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name), data]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ -1) >>> 0;
}

/** Vite plugin: writes the icons beside the pages. */
export function icons() {
  return {
    name: 'trassa-icons',
    apply: 'build',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'icon.svg', source: SVG });
      for (const size of [180, 192, 512]) {
        this.emitFile({ type: 'asset', fileName: `icon-${size}.png`, source: png(size) });
      }
    },
  };
}
