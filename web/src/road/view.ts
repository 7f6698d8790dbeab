import type { Site, Hut, TollPoint, Place } from './plan';

export type Thing =
  | { kind: 'site'; site: Site }
  | { kind: 'hut'; hut: Hut }
  | { kind: 'toll'; point: TollPoint }
  | { kind: 'place'; place: Place }
  | { kind: 'event'; event_id: string }
  | { kind: 'vehicle'; handle: number }
  | { kind: 'charge'; charge_key: string }
  | { kind: 'bin'; measure_m: number };

export type Origin = 'map' | 'strip' | 'list';
type Listener = (origin: Origin) => void;

const SHORTEST_M = 300;

/** What map and diagram share: the stretch in view, the cursor on the road and the chosen thing. */
export class RoadView {
  start_m = 0;
  end_m: number;
  cursor_m: number | null = null;
  chosen: Thing | null = null;
  private readonly listeners = { extent: new Set<Listener>(), cursor: new Set<Listener>(), chosen: new Set<Listener>() };

  constructor(readonly length_m: number) {
    this.end_m = length_m;
  }

  get span_m(): number {
    return this.end_m - this.start_m;
  }

  on(what: 'extent' | 'cursor' | 'chosen', listener: Listener): void {
    this.listeners[what].add(listener);
  }

  /** Show a stretch; it is kept on the road and not shorter than 300 m. */
  show(start_m: number, end_m: number, origin: Origin): void {
    const span_m = Math.min(Math.max(end_m - start_m, SHORTEST_M), this.length_m);
    const middle_m = (start_m + end_m) / 2;
    const from_m = Math.min(Math.max(middle_m - span_m / 2, 0), this.length_m - span_m);
    if (Math.abs(from_m - this.start_m) < 0.01 && Math.abs(from_m + span_m - this.end_m) < 0.01) return;
    this.start_m = from_m;
    this.end_m = from_m + span_m;
    this.tell('extent', origin);
  }

  /** Zoom by a factor about a fixed measure. */
  zoom(factor: number, about_m: number, origin: Origin): void {
    const span_m = Math.min(Math.max(this.span_m * factor, SHORTEST_M), this.length_m);
    const share = (about_m - this.start_m) / this.span_m;
    this.show(about_m - share * span_m, about_m + (1 - share) * span_m, origin);
  }

  pan(by_m: number, origin: Origin): void {
    this.show(this.start_m + by_m, this.end_m + by_m, origin);
  }

  /** Bring a measure into the middle, closer in where the view is wide. */
  jump(measure_m: number, span_m: number, origin: Origin): void {
    const wanted_m = Math.min(this.span_m, span_m);
    this.show(measure_m - wanted_m / 2, measure_m + wanted_m / 2, origin);
    this.point(measure_m, origin);
  }

  point(measure_m: number | null, origin: Origin): void {
    if (measure_m !== null) measure_m = Math.min(Math.max(measure_m, 0), this.length_m);
    if (measure_m === this.cursor_m) return;
    this.cursor_m = measure_m;
    this.tell('cursor', origin);
  }

  choose(thing: Thing | null, origin: Origin): void {
    this.chosen = thing;
    this.tell('chosen', origin);
  }

  private tell(what: keyof typeof this.listeners, origin: Origin): void {
    for (const listener of this.listeners[what]) listener(origin);
  }
}
