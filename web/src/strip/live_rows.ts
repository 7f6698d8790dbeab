import { drawSign } from '../icons';
import { mostUrgentLast, urgency, type RoadEvent } from '../live/news';
import type { Traffic, Vehicle } from '../live/traffic';
import palette from '../palette.json';
import type { RoadView } from '../road/view';
import { number, t } from '../words';
import { FONT, type Band, type Scale } from './layout';

type Pen = CanvasRenderingContext2D;

const TOP_MPS = 130 / 3.6;
const SLOW_MPS = 30 / 3.6;
/** Below this many metres to a pixel each vehicle is drawn by itself. */
const SINGLE_M = 60;
const STEPS_M = [500, 1000, 2000, 5000, 10_000];

/** Vehicles: single ones by speed when close, density and median speed per stretch when far; mirrored as the margin is. */
export function drawVehicles(pen: Pen, band: Band, scale: Scale, view: RoadView, traffic: Traffic, now_ms: number): void {
  const middle = band.top + band.height / 2;
  const half = band.height / 2 - 6;
  const single = scale.metresPerPixel < SINGLE_M;
  guides(pen, scale, middle, half);
  const vehicles = [...traffic.between(view.start_m, view.end_m, now_ms)];
  if (single) for (const vehicle of vehicles) dot(pen, vehicle, scale, middle, half);
  else density(pen, vehicles, scale, view, middle, half);
}

function guides(pen: Pen, scale: Scale, middle: number, half: number): void {
  pen.fillStyle = palette.rule;
  pen.fillRect(scale.left, middle - 0.5, scale.right - scale.left, 1);
  pen.fillStyle = palette.raised;
  for (const sense of [-1, 1]) pen.fillRect(scale.left, Math.round(middle + sense * half), scale.right - scale.left, 1);
  pen.font = `12px ${FONT}`;
  pen.fillStyle = palette.dim;
  pen.textAlign = 'right';
  pen.textBaseline = 'middle';
  for (const sense of [-1, 1]) pen.fillText('130', scale.left - 8, middle + sense * (half - 3));
  pen.fillText(t('unit.kmh'), scale.left - 8, middle - half + 13);
}

function dot(pen: Pen, vehicle: Vehicle, scale: Scale, middle: number, half: number): void {
  const sense = vehicle.carriageway === 'increasing' ? -1 : 1;
  const speed = Number.isNaN(vehicle.speed_mps) ? 0 : Math.min(vehicle.speed_mps, TOP_MPS * 1.1);
  const y = middle + sense * (5 + (half - 5) * (speed / TOP_MPS));
  const long = vehicle.kind === 'truck' || vehicle.kind === 'bus';
  pen.fillStyle = vehicle.standing ? palette.standing : speed < SLOW_MPS ? palette.slow : palette.vehicle;
  const x = scale.x(vehicle.measure_m);
  pen.beginPath();
  if (long) pen.rect(x - 5, y - 2.5, 10, 5);
  else pen.arc(x, y, vehicle.standing ? 4.5 : 3.2, 0, 7);
  pen.fill();
  pen.strokeStyle = palette.ground;
  pen.lineWidth = 1;
  pen.stroke();
}

function density(pen: Pen, vehicles: Vehicle[], scale: Scale, view: RoadView, middle: number, half: number): void {
  const step_m = STEPS_M.find((step) => step / scale.metresPerPixel >= 7) ?? 20_000;
  const first = Math.floor(view.start_m / step_m);
  const bins = Math.ceil(view.end_m / step_m) - first;
  for (const sense of [-1, 1]) {
    const speeds: number[][] = Array.from({ length: bins }, () => []);
    for (const vehicle of vehicles) {
      if ((vehicle.carriageway === 'increasing') !== (sense === -1)) continue;
      speeds[Math.floor(vehicle.measure_m / step_m) - first]?.push(vehicle.speed_mps);
    }
    const perKm = speeds.map((list) => list.length / (step_m / 1000));
    const top = usualTop(perKm);
    pen.fillStyle = '#34475a';
    perKm.forEach((count, i) => {
      const [x, end] = [Math.max(scale.x((first + i) * step_m), scale.left), Math.min(scale.x((first + i + 1) * step_m), scale.right)];
      const height = (half - 4) * Math.min(1, count / top);
      if (count) pen.fillRect(x, sense < 0 ? middle - height : middle, Math.max(1, end - x - 1), height);
    });
    speedLine(pen, speeds, (i) => scale.x((first + i + 0.5) * step_m), (speed) => middle + sense * (half - 2) * Math.min(1, speed / TOP_MPS));
    pen.fillStyle = '#6e8ba8';
    pen.font = `12px ${FONT}`;
    pen.textAlign = 'left';
    pen.fillText(`${number(top)} ${t('row.density')}`, 14, middle + sense * (half - 3));
  }
}

/** A density that few stretches exceed: one queue must not flatten all the others; its own bar is cut off. */
function usualTop(perKm: number[]): number {
  const sorted = perKm.toSorted((a, b) => a - b);
  return Math.max(4, 1.6 * (sorted[Math.floor(sorted.length * 0.95)] ?? 0));
}

/** Median speed of each stretch; amber where the stretch is slow. */
function speedLine(pen: Pen, speeds: number[][], x: (bin: number) => number, y: (speed_mps: number) => number): void {
  let before: [number, number] | null = null;
  pen.lineWidth = 2;
  speeds.forEach((list, i) => {
    const known = list.filter((speed) => !Number.isNaN(speed)).toSorted((a, b) => a - b);
    const median = known[known.length >> 1];
    if (median === undefined) {
      before = null;
      return;
    }
    const at: [number, number] = [x(i), y(median)];
    pen.strokeStyle = pen.fillStyle = median < SLOW_MPS ? palette.slow : palette.vehicle;
    if (before) {
      pen.beginPath();
      pen.moveTo(before[0], before[1]);
      pen.lineTo(at[0], at[1]);
      pen.stroke();
    } else pen.fillRect(at[0] - 1, at[1] - 1, 2, 2);
    before = at;
  });
}

/** Warnings: the relevance as a bar on its carriageway, the place itself as a sign, a faint band through all rows. */
export function drawWarnings(pen: Pen, band: Band, bottom: number, scale: Scale, events: RoadEvent[]): void {
  const lane = band.height / 2;
  for (const event of mostUrgentLast(events)) {
    if (event.anchor_m === null) continue;
    const state = urgency(event);
    const colour = palette.warning[state];
    const y = band.top + (event.carriageway === 'decreasing' ? lane * 1.5 : lane * 0.5);
    const [from, to] = [scale.x(event.start_m ?? event.anchor_m), scale.x(event.end_m ?? event.anchor_m)];
    const [left, right] = [Math.max(from, scale.left), Math.min(to, scale.right)];
    pen.fillStyle = colour;
    if (right > left) {
      pen.globalAlpha = 0.07;
      pen.fillRect(left, band.top, right - left, bottom - band.top);
      pen.globalAlpha = 0.85;
      pen.fillRect(left, y - 3, Math.max(2, right - left), 6);
      pen.globalAlpha = 1;
    }
    const x = scale.x(event.anchor_m);
    if (scale.holds(x)) drawSign(pen, `warning-${state}`, x, y, Math.min(24, lane + 4));
  }
}
