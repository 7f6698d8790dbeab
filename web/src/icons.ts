import palette from './palette.json';
import type { Urgency } from './live/news';

/** Signs that are drawn on map, diagram and lists alike. Every urgency has its own shape as well as its colour. */
export type Sign = 'site' | 'hut' | 'toll' | 'service' | 'junction' | 'post' | `warning-${Urgency}`;
type Pen = CanvasRenderingContext2D;

/** Draw a sign with its middle at a point; `size_px` is its height. */
export function drawSign(pen: Pen, sign: Sign, x: number, y: number, size_px: number): void {
  pen.save();
  pen.translate(x, y);
  pen.scale(size_px / 24, size_px / 24);
  pen.lineJoin = 'round';
  pen.lineCap = 'round';
  if (sign.startsWith('warning-')) warning(pen, sign.slice(8) as Urgency);
  else DRAWN[sign as keyof typeof DRAWN](pen);
  pen.restore();
}

/** A sign as pixels, for the map's own image store; twice as fine as it is shown. */
export function signImage(sign: Sign, size_px: number): ImageData {
  const side = Math.ceil(size_px * 2.4);
  const canvas = new OffscreenCanvas(side, side);
  const pen = canvas.getContext('2d');
  if (!pen) throw new Error('page: no 2D canvas');
  drawSign(pen as unknown as Pen, sign, side / 2, side / 2, size_px * 2);
  return pen.getImageData(0, 0, side, side);
}

/** A sign as an element for a list. */
export function signElement(sign: Sign, size_px: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  const fine = 2;
  canvas.width = canvas.height = size_px * fine;
  canvas.style.width = canvas.style.height = `${size_px}px`;
  canvas.setAttribute('aria-hidden', 'true');
  const pen = canvas.getContext('2d');
  if (pen) drawSign(pen, sign, (size_px * fine) / 2, (size_px * fine) / 2, size_px * fine * 0.92);
  return canvas;
}

function path(pen: Pen, points: [number, number][], close = true): void {
  pen.beginPath();
  points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  if (close) pen.closePath();
}

const DRAWN = {
  site(pen: Pen): void {
    pen.strokeStyle = palette.site;
    pen.lineWidth = 2;
    path(pen, [[0, -5], [-5, 10], [5, 10]]);
    pen.fillStyle = palette.ground;
    pen.fill();
    pen.stroke();
    for (const radius of [4.5, 8.5]) {
      pen.beginPath();
      pen.arc(0, -5, radius, -0.9, 0.9);
      pen.moveTo(radius * Math.cos(Math.PI - 0.9), -5 + radius * Math.sin(Math.PI - 0.9));
      pen.arc(0, -5, radius, Math.PI - 0.9, Math.PI + 0.9);
      pen.stroke();
    }
  },
  hut(pen: Pen): void {
    pen.fillStyle = palette.ground;
    pen.strokeStyle = palette.cable;
    pen.lineWidth = 2.6;
    path(pen, [[-7, 8], [-7, -3], [0, -9], [7, -3], [7, 8]]);
    pen.fill();
    pen.stroke();
    pen.fillStyle = palette.cable;
    pen.fillRect(-2.4, 0, 4.8, 8);
  },
  toll(pen: Pen): void {
    pen.strokeStyle = palette.toll;
    pen.lineWidth = 2.6;
    pen.fillStyle = palette.ground;
    pen.fillRect(-9, -7, 18, 5.5);
    pen.strokeRect(-9, -7, 18, 5.5);
    path(pen, [[-8, -1], [-8, 9]], false);
    pen.stroke();
    path(pen, [[8, -1], [8, 9]], false);
    pen.stroke();
  },
  service(pen: Pen): void {
    pen.fillStyle = '#1d3a5c';
    pen.beginPath();
    pen.roundRect(-8, -8, 16, 16, 3);
    pen.fill();
    letter(pen, 'P', '#cfe2f7', 14, 0.6);
  },
  junction(pen: Pen): void {
    pen.strokeStyle = palette.dim;
    pen.fillStyle = palette.ground;
    pen.lineWidth = 2.2;
    pen.beginPath();
    pen.arc(0, 0, 4.5, 0, 7);
    pen.fill();
    pen.stroke();
  },
  post(pen: Pen): void {
    pen.fillStyle = palette.dim;
    pen.beginPath();
    pen.arc(0, 0, 2.2, 0, 7);
    pen.fill();
  },
};

function letter(pen: Pen, text: string, colour: string, size: number, down: number): void {
  pen.fillStyle = colour;
  pen.font = `bold ${size}px system-ui, sans-serif`;
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.fillText(text, 0, down);
}

function warning(pen: Pen, urgency: Urgency): void {
  const colour = palette.warning[urgency];
  if (urgency === 'reported') path(pen, [[0, -11], [11, 0], [0, 11], [-11, 0]]);
  else path(pen, [[0, -10.5], [11.5, 9.5], [-11.5, 9.5]]);
  const filled = urgency === 'new';
  pen.fillStyle = filled ? colour : palette.ground;
  pen.strokeStyle = colour;
  pen.lineWidth = 2.6;
  pen.fill();
  pen.setLineDash(urgency === 'unconfirmed' ? [3.4, 3.6] : []);
  pen.stroke();
  pen.setLineDash([]);
  const mark = { new: '!', acknowledged: '!', unconfirmed: '?', reported: 'i', ended: '–' }[urgency];
  letter(pen, mark, filled ? palette.ground : colour, 14, urgency === 'reported' ? 0.8 : 2.8);
}
