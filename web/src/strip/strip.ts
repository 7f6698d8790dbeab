import type { RoadEvent } from '../live/news';
import type { Traffic } from '../live/traffic';
import type { RoadPlan } from '../map/road_map';
import { el } from '../markup';
import palette from '../palette.json';
import type { RoadView } from '../road/view';
import { onLanguage, t } from '../words';
import * as fixed from './fixed_rows';
import { FONT, rowsIn, Scale } from './layout';
import { drawVehicles, drawWarnings } from './live_rows';
import { Overview } from './overview';
import { Hand } from './hand';

/** The straight-line diagram: three canvases on top of each other, redrawn only when what they show has changed. */
export class Strip {
  scale: Scale;
  events: RoadEvent[] = [];
  private rows = rowsIn(300);
  private stale = true;
  private posts: readonly [number, number][] = [];
  private readonly still: CanvasRenderingContext2D;
  private readonly lively: CanvasRenderingContext2D;
  private readonly top: CanvasRenderingContext2D;
  private readonly overview: Overview;

  constructor(
    private readonly container: HTMLElement,
    private readonly road: RoadPlan,
    private readonly view: RoadView,
    private readonly traffic: Traffic,
  ) {
    [this.still, this.lively, this.top] = [sheet(container), sheet(container), sheet(container)];
    this.scale = new Scale(view, container.clientWidth);
    this.overview = new Overview(road, view);
    const canvas = this.top.canvas;
    canvas.tabIndex = 0;
    canvas.setAttribute('role', 'application');
    canvas.setAttribute('aria-label', t('strip.title'));
    new Hand(canvas, this, view, road, this.overview);
    new ResizeObserver(() => this.resize()).observe(container);
    view.on('extent', () => this.redraw());
    view.on('cursor', () => this.drawCursor());
    onLanguage(() => {
      canvas.setAttribute('aria-label', t('strip.title'));
      this.redraw();
    });
    this.resize();
  }

  /** Show the open events. */
  warn(events: RoadEvent[]): void {
    this.events = events;
    this.redraw();
  }

  /** The row at a height, by its name. */
  rowAt(y: number): string | undefined {
    return Object.entries(this.rows).find(([, band]) => y >= band.top && y < band.top + band.height)?.[0];
  }

  /** Draw what moves, and what else has changed since. */
  drive(now_ms: number): void {
    if (this.stale) this.drawStill();
    const pen = this.clear(this.lively);
    drawVehicles(pen, this.rows.vehicles, this.scale, this.view, this.traffic, now_ms);
    drawWarnings(pen, this.rows.warnings, this.rows.overview.top, this.scale, this.events);
  }

  private redraw(): void {
    this.stale = true;
    this.drawCursor();
  }

  private drawStill(): void {
    this.stale = false;
    const pen = this.clear(this.still);
    const { rows, scale, road, view } = this;
    this.posts = fixed.drawAxis(pen, rows.axis, rows.overview.top, scale, road, view);
    for (const band of [rows.warnings, rows.vehicles, rows.coverage, rows.sites, rows.cable, rows.tolls]) {
      pen.fillStyle = palette.raised;
      pen.fillRect(0, Math.round(band.top), scale.width, 1);
    }
    fixed.drawGutter(pen, rows);
    fixed.drawCoverage(pen, rows.coverage, scale, road);
    fixed.drawSites(pen, rows.sites, scale, road);
    fixed.drawCable(pen, rows.cable, scale, road);
    fixed.drawTolls(pen, rows.tolls, scale, road);
    this.overview.draw(pen, rows.overview, scale, this.events);
  }

  private drawCursor(): void {
    const pen = this.clear(this.top);
    const { cursor_m } = this.view;
    if (cursor_m === null) return;
    const x = this.scale.x(cursor_m);
    if (!this.scale.holds(x)) return;
    pen.fillStyle = palette.bright;
    pen.fillRect(Math.round(x) - 0.75, this.rows.axis.top + 22, 1.5, this.rows.overview.top - 24);
    pen.font = `600 15px ${FONT}`;
    pen.textBaseline = 'middle';
    pen.textAlign = 'center';
    const text = this.road.labels.text(cursor_m);
    const half = pen.measureText(text).width / 2 + 9;
    const middle = Math.min(Math.max(x, half + 2), this.scale.width - half - 2);
    // a post's label is covered as a whole or not at all
    pen.fillStyle = palette.ground;
    for (const [from, to] of this.posts) if (from < middle + half + 6 && to > middle - half - 6) pen.fillRect(from - 2, 2, to - from + 4, 20);
    pen.fillStyle = palette.bright;
    pen.beginPath();
    pen.roundRect(middle - half, 2, half * 2, 22, 4);
    pen.fill();
    pen.fillStyle = palette.ground;
    pen.fillText(text, middle, 13.5);
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.container;
    const fine = window.devicePixelRatio || 1;
    for (const { canvas } of [this.still, this.lively, this.top]) {
      canvas.width = Math.round(width * fine);
      canvas.height = Math.round(height * fine);
    }
    this.scale = new Scale(this.view, width);
    this.rows = rowsIn(height);
    this.redraw();
  }

  private clear(pen: CanvasRenderingContext2D): CanvasRenderingContext2D {
    const fine = window.devicePixelRatio || 1;
    pen.setTransform(fine, 0, 0, fine, 0, 0);
    pen.clearRect(0, 0, this.container.clientWidth, this.container.clientHeight);
    return pen;
  }
}

function sheet(container: HTMLElement): CanvasRenderingContext2D {
  const canvas = el('canvas');
  container.append(canvas);
  const pen = canvas.getContext('2d');
  if (!pen) throw new Error('page: no 2D canvas');
  return pen;
}
