import type { RoadPlan } from '../map/road_map';
import type { RoadView, Thing } from '../road/view';
import type { Overview } from './overview';
import type { Strip } from './strip';

const CLICK_PX = 4;
const REACH_PX = 12;

/** Pointer, wheel and keys on the diagram. */
export class Hand {
  private from: { x: number; start_m: number; end_m: number; moved: boolean; overview: boolean } | null = null;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly strip: Strip,
    private readonly view: RoadView,
    private readonly road: RoadPlan,
    private readonly overview: Overview,
  ) {
    canvas.addEventListener('pointerdown', (event) => this.press(event));
    canvas.addEventListener('pointermove', (event) => this.move(event));
    canvas.addEventListener('pointerup', (event) => this.release(event));
    canvas.addEventListener('pointerleave', () => this.from ?? view.point(null, 'strip'));
    canvas.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    canvas.addEventListener('keydown', (event) => this.key(event));
    canvas.addEventListener('dblclick', (event) => view.zoom(0.4, this.strip.scale.measure(event.offsetX), 'strip'));
  }

  private press(event: PointerEvent): void {
    this.canvas.setPointerCapture(event.pointerId);
    const overview = this.strip.rowAt(event.offsetY) === 'overview';
    const { start_m, end_m } = this.view;
    this.from = { x: event.offsetX, start_m, end_m, moved: false, overview };
    if (!overview) return;
    const middle_m = this.overview.measure(event.offsetX, this.strip.scale);
    if (middle_m < start_m || middle_m > end_m) {
      this.view.show(middle_m - this.view.span_m / 2, middle_m + this.view.span_m / 2, 'strip');
      Object.assign(this.from, { start_m: this.view.start_m, end_m: this.view.end_m });
    }
  }

  private move(event: PointerEvent): void {
    const { scale } = this.strip;
    const held = this.from;
    if (!held) {
      const onRoad = scale.holds(event.offsetX) && this.strip.rowAt(event.offsetY) !== 'overview';
      this.view.point(onRoad ? scale.measure(event.offsetX) : null, 'strip');
      return;
    }
    const by = event.offsetX - held.x;
    held.moved ||= Math.abs(by) > CLICK_PX;
    if (!held.moved) return;
    const perPixel_m = held.overview ? this.view.length_m / (scale.right - scale.left) : -scale.metresPerPixel;
    this.view.show(held.start_m + by * perPixel_m, held.end_m + by * perPixel_m, 'strip');
  }

  private release(event: PointerEvent): void {
    const held = this.from;
    this.from = null;
    if (!held || held.moved || held.overview || !this.strip.scale.holds(event.offsetX)) return;
    this.view.point(this.strip.scale.measure(event.offsetX), 'strip');
    this.view.choose(this.thingAt(event.offsetX, event.offsetY), 'strip');
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const { scale } = this.strip;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.view.pan(event.deltaX * scale.metresPerPixel, 'strip');
      return;
    }
    this.view.zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), scale.measure(event.offsetX), 'strip');
  }

  private key(event: KeyboardEvent): void {
    const { view, strip } = this;
    const middle_m = (view.start_m + view.end_m) / 2;
    const cursor_m = view.cursor_m ?? middle_m;
    const step_m = strip.scale.metresPerPixel * (event.altKey ? 1 : 10);
    const actions: Record<string, () => void> = {
      ArrowLeft: () => (event.shiftKey ? view.pan(-view.span_m / 5, 'strip') : view.point(cursor_m - step_m, 'strip')),
      ArrowRight: () => (event.shiftKey ? view.pan(view.span_m / 5, 'strip') : view.point(cursor_m + step_m, 'strip')),
      '+': () => view.zoom(0.6, cursor_m, 'strip'),
      '=': () => view.zoom(0.6, cursor_m, 'strip'),
      '-': () => view.zoom(1 / 0.6, cursor_m, 'strip'),
      Home: () => view.show(0, view.length_m, 'strip'),
      Enter: () => view.choose({ kind: 'bin', measure_m: cursor_m }, 'strip'),
      Escape: () => view.choose(null, 'strip'),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  private thingAt(x: number, y: number): Thing {
    const { plan } = this.road;
    const near = <T>(things: T[], measure: (thing: T) => number | null): T | undefined => {
      const ranked = things
        .map((thing) => ({ thing, gap: Math.abs(this.strip.scale.x(measure(thing) ?? Infinity) - x) }))
        .toSorted((a, b) => a.gap - b.gap)[0];
      return ranked && ranked.gap <= REACH_PX ? ranked.thing : undefined;
    };
    const measure_m = this.strip.scale.measure(x);
    const row = this.strip.rowAt(y);
    const event =
      row === 'warnings'
        ? (near(this.strip.events, (one) => one.anchor_m) ??
          this.strip.events.find((one) => (one.start_m ?? Infinity) <= measure_m && (one.end_m ?? -Infinity) >= measure_m))
        : undefined;
    if (event) return { kind: 'event', event_id: event.event_id };
    const site = row === 'sites' && near(plan.sites, (one) => one.measure_m);
    if (site) return { kind: 'site', site };
    const hut = row === 'cable' && near(plan.huts, (one) => one.measure_m);
    if (hut) return { kind: 'hut', hut };
    const point = row === 'tolls' && near(plan.toll_points, (one) => one.measure_m);
    if (point) return { kind: 'toll', point };
    const place = row === 'tolls' && near(plan.places, (one) => one.measure_m);
    if (place) return { kind: 'place', place };
    return { kind: 'bin', measure_m };
  }
}
