import type { RoadView } from '../road/view';

export const GUTTER_PX = 128;
const RIGHT_PX = 18;

export interface Band {
  top: number;
  height: number;
}

export type RowName = 'axis' | 'places' | 'coverage' | 'sites' | 'cable' | 'tolls' | 'vehicles' | 'warnings' | 'overview';

/** Share of the height that is free after each row's least height, and that least height in pixels. */
const ROWS: [RowName, number, number][] = [
  ['axis', 26, 0],
  ['warnings', 34, 0.12],
  ['vehicles', 66, 0.45],
  ['coverage', 54, 0.33],
  ['sites', 22, 0.04],
  ['cable', 20, 0.03],
  ['tolls', 22, 0.03],
  ['overview', 26, 0],
];

/** Where each row stands in a diagram of this height. */
export function rowsIn(height_px: number): Record<string, Band> & Record<RowName, Band> {
  const least = ROWS.reduce((sum, row) => sum + row[1], 0);
  const free = Math.max(0, height_px - least);
  let top = 0;
  const rows: Record<string, Band> = {};
  for (const [name, low, share] of ROWS) {
    const height = low + free * share;
    rows[name] = { top, height };
    top += height;
  }
  return rows as Record<RowName, Band>;
}

/** From measure to pixel and back for the stretch in view. */
export class Scale {
  readonly left = GUTTER_PX;
  readonly right: number;

  constructor(
    private readonly view: RoadView,
    readonly width: number,
  ) {
    this.right = Math.max(this.left + 1, width - RIGHT_PX);
  }

  x(measure_m: number): number {
    return this.left + ((measure_m - this.view.start_m) / this.view.span_m) * (this.right - this.left);
  }

  measure(x: number): number {
    return this.view.start_m + ((x - this.left) / (this.right - this.left)) * this.view.span_m;
  }

  get metresPerPixel(): number {
    return this.view.span_m / (this.right - this.left);
  }

  /** Whether a pixel lies on the road's own part of the row. */
  holds(x: number): boolean {
    return x >= this.left - 1 && x <= this.right + 1;
  }
}

export const FONT = 'system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';

/** Texts in a row that leave one out rather than overlap. */
export class Captions {
  readonly taken: [number, number][] = [];

  constructor(
    private readonly pen: CanvasRenderingContext2D,
    private readonly gap_px = 10,
  ) {}

  /** Write centred at x unless something is there already; returns whether it was written. */
  write(text: string, x: number, y: number, bounds: Scale): boolean {
    const half = this.pen.measureText(text).width / 2;
    const middle = Math.min(Math.max(x, bounds.left + half), bounds.right - half);
    if (!this.free(middle - half, middle + half)) return false;
    this.pen.textAlign = 'center';
    this.pen.fillText(text, middle, y);
    return true;
  }

  /** Reserve a place; false where it is taken already. */
  free(from: number, to: number): boolean {
    if (this.taken.some(([a, b]) => from < b + this.gap_px && to > a - this.gap_px)) return false;
    this.take(from, to);
    return true;
  }

  /** Reserve a place whatever is there. */
  take(from: number, to: number): void {
    this.taken.push([from, to]);
  }
}
