import { drawSign, type Sign } from '../icons';
import { marginColour } from '../map/drawing';
import type { RoadPlan } from '../map/road_map';
import palette from '../palette.json';
import type { Coverage } from '../road/coverage';
import type { RoadView } from '../road/view';
import { number, t } from '../words';
import { Captions, FONT, type Band, type Scale } from './layout';

type Pen = CanvasRenderingContext2D;

/** Margin that fills a half row; more is drawn as that much, dB. */
const FULL_DB = 35;

/** Posts with their labels along the top, and their lines down through all rows; gives where the labels stand. */
export function drawAxis(pen: Pen, band: Band, bottom: number, scale: Scale, road: RoadPlan, view: RoadView): readonly [number, number][] {
  const wanted = Math.max(3, Math.floor((scale.right - scale.left) / 150));
  pen.font = `15px ${FONT}`;
  pen.textBaseline = 'middle';
  const captions = new Captions(pen, 16);
  pen.fillStyle = palette.road;
  for (const minor of road.labels.ticks(view.start_m, view.end_m, wanted * 6)) {
    pen.fillRect(Math.round(scale.x(minor.measure_m)), band.top + band.height - 4, 1, 4);
  }
  for (const tick of road.labels.ticks(view.start_m, view.end_m, wanted)) {
    const x = Math.round(scale.x(tick.measure_m)) + 0.5;
    pen.strokeStyle = palette.raised;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(x, band.top + band.height - 7);
    pen.lineTo(x, bottom);
    pen.stroke();
    pen.fillStyle = palette.text;
    captions.write(tick.text, x, band.top + band.height / 2, scale);
  }
  return captions.taken;
}

/** Margin as a mirrored profile about the road: rising measure upwards, falling measure downwards. */
export function drawCoverage(pen: Pen, band: Band, scale: Scale, road: RoadPlan): void {
  const middle = band.top + band.height / 2;
  const half = band.height / 2 - 4;
  for (const carriageway of road.axis.carriageways) {
    const sense = carriageway === 'increasing' ? -1 : 1;
    profile(pen, road.coverage[carriageway], scale, middle, sense, half);
  }
  pen.fillStyle = palette.ground;
  pen.fillRect(scale.left, middle - 1.5, scale.right - scale.left, 3);
  pen.font = `12px ${FONT}`;
  pen.fillStyle = palette.dim;
  pen.textAlign = 'right';
  pen.textBaseline = 'middle';
  for (const sense of [-1, 1]) pen.fillText(number(FULL_DB), scale.left - 8, middle + sense * (half - 5));
}

function profile(pen: Pen, coverage: Coverage, scale: Scale, middle: number, sense: number, half: number): void {
  const step_m = scale.metresPerPixel;
  let index = coverage.indexAt(scale.measure(scale.left));
  for (let x = scale.left; x < scale.right; x += 1) {
    const end_m = scale.measure(x) + step_m;
    // the worst run under this pixel: a short gap must stay in sight at any zoom
    let worst = coverage.runs[index];
    while (index < coverage.runs.length && (coverage.runs[index]?.end_m ?? Infinity) < end_m) {
      index += 1;
      const next = coverage.runs[index];
      if (next && next.start_m < end_m && rank(next) < rank(worst)) worst = next;
    }
    if (!worst || worst.start_m > end_m || worst.end_m < end_m - step_m) continue;
    const none = worst.grade === 0 && !worst.exempt;
    const height = none || worst.exempt ? half : 6 + (half - 6) * Math.min(1, (worst.margin_db ?? 0) / FULL_DB);
    pen.fillStyle = marginColour(worst.grade, worst.exempt);
    if (none) {
      // dashed across, so that it reads without its colour
      for (let y = 2; y < height; y += 6) pen.fillRect(x, middle + sense * y - (sense < 0 ? 4 : 0), 1, 4);
    } else pen.fillRect(x, sense < 0 ? middle - height : middle, 1, height);
  }
}

function rank(run: { margin_db: number | null; exempt: string } | undefined): number {
  if (!run || run.exempt) return 900;
  return run.margin_db ?? -900;
}

/** Radio sites: mast, name, and the stretch each serves on the rising carriageway. */
export function drawSites(pen: Pen, band: Band, scale: Scale, road: RoadPlan): void {
  const middle = band.top + band.height / 2;
  const size = Math.min(20, band.height - 2);
  pen.font = `13px ${FONT}`;
  pen.textBaseline = 'middle';
  const captions = new Captions(pen, 6);
  const inView = road.plan.sites.filter((site) => scale.holds(scale.x(site.measure_m)));
  const room_px = (scale.right - scale.left) / Math.max(1, inView.length);
  for (const site of inView) {
    const x = scale.x(site.measure_m);
    if (room_px < 34) {
      mast(pen, x, middle);
      continue;
    }
    drawSign(pen, 'site', x, middle, size);
    captions.take(x - 8, x + 8);
  }
  pen.fillStyle = palette.site;
  pen.textAlign = 'left';
  for (const site of room_px < 34 ? [] : inView) {
    const [x, width] = [scale.x(site.measure_m) + 14, pen.measureText(site.site).width];
    if (x + width < scale.right && captions.free(x + 1, x + width)) pen.fillText(site.site, x, middle);
  }
}

/** A site where there is no room for its sign. */
function mast(pen: Pen, x: number, middle: number): void {
  pen.fillStyle = palette.site;
  pen.beginPath();
  pen.moveTo(x, middle - 6);
  pen.lineTo(x - 3.5, middle + 5);
  pen.lineTo(x + 3.5, middle + 5);
  pen.fill();
}

/** The cable with its chambers and the technical buildings on it. */
export function drawCable(pen: Pen, band: Band, scale: Scale, road: RoadPlan): void {
  const middle = Math.round(band.top + band.height / 2) + 0.5;
  pen.strokeStyle = palette.cable;
  pen.lineWidth = 2;
  for (const cable of road.plan.cables) {
    pen.beginPath();
    pen.moveTo(Math.max(scale.x(cable.start_m), scale.left), middle);
    pen.lineTo(Math.min(scale.x(cable.end_m), scale.right), middle);
    pen.stroke();
  }
  pen.fillStyle = palette.cable;
  const dense = scale.metresPerPixel > 130;
  for (const chamber_m of dense ? [] : road.plan.chambers) {
    const x = scale.x(chamber_m);
    if (scale.holds(x)) pen.fillRect(Math.round(x) - 1, middle - 4, 2, 8);
  }
  pen.font = `13px ${FONT}`;
  pen.textBaseline = 'middle';
  const captions = new Captions(pen, 8);
  for (const hut of road.plan.huts) {
    const x = scale.x(hut.measure_m);
    if (!scale.holds(x)) continue;
    drawSign(pen, 'hut', x, middle, Math.min(19, band.height));
    const width = pen.measureText(hut.hut).width;
    const from = x + width + 20 < scale.right ? x + 13 : x - width - 13;
    if (!captions.free(from, from + width)) continue;
    pen.fillStyle = palette.ground;
    pen.fillRect(from - 2, band.top, width + 4, band.height);
    pen.fillStyle = palette.cable;
    pen.textAlign = 'left';
    pen.fillText(hut.hut, from, middle);
  }
}

const PLACE_SIGNS: Record<string, Sign> = { service_area: 'service', junction: 'junction', interchange: 'junction' };

/** Toll points, service areas and junctions with their names, toll points first. */
export function drawTolls(pen: Pen, band: Band, scale: Scale, road: RoadPlan): void {
  const middle = band.top + band.height / 2;
  pen.font = `13px ${FONT}`;
  pen.textBaseline = 'middle';
  const captions = new Captions(pen, 6);
  const tolls = road.plan.toll_points.map((point) => ({ ...point, sign: 'toll' as Sign }));
  const places = road.plan.places.flatMap((place) => {
    const sign = PLACE_SIGNS[place.kind];
    return sign ? [{ ...place, sign }] : [];
  });
  const inView = [...tolls, ...places].filter((thing) => scale.holds(scale.x(thing.measure_m)));
  const placed = inView.filter((thing) => {
    const x = scale.x(thing.measure_m);
    if (!captions.free(x - 8, x + 8)) return false;
    drawSign(pen, thing.sign, x, middle, Math.min(18, band.height - 2));
    return true;
  });
  for (const thing of placed) {
    const x = scale.x(thing.measure_m) + 13;
    const width = Math.min(pen.measureText(thing.name).width, 190);
    if (x + width > scale.right || !captions.free(x, x + width)) continue;
    pen.fillStyle = thing.sign === 'toll' ? palette.toll : palette.dim;
    pen.textAlign = 'left';
    pen.fillText(thing.name, x, middle, 190);
  }
}

/** Names of the rows in the gutter. */
export function drawGutter(pen: Pen, rows: Record<string, Band>): void {
  const names: [string, string][] = [
    ['warnings', t('row.warnings')],
    ['vehicles', t('row.vehicles')],
    ['coverage', t('row.coverage')],
    ['sites', t('row.sites')],
    ['cable', t('row.cable')],
    ['tolls', t('row.tolls')],
  ];
  pen.textBaseline = 'middle';
  for (const [row, name] of names) {
    const band = rows[row];
    if (!band) continue;
    const tall = band.height > 60;
    pen.textAlign = 'left';
    pen.fillStyle = palette.text;
    pen.font = `13.5px ${FONT}`;
    pen.fillText(name, 14, band.top + band.height / 2, 112);
    if (!tall) continue;
    pen.fillStyle = palette.dim;
    pen.font = `14px ${FONT}`;
    pen.fillText('→', 14, band.top + band.height / 2 - 22);
    pen.fillText('←', 14, band.top + band.height / 2 + 22);
  }
}
