import type { Carriageway, Plan, RoadLine, Sides } from './plan';
import { CARRIAGEWAYS } from './plan';

const METRES_PER_DEGREE = 111_195;

export type LonLat = [number, number];

/** The road in the plane: from measure to longitude and latitude on each carriageway, and back. */
export class Axis {
  readonly lines: Partial<Record<Carriageway, RoadLine>>;

  private readonly increasing_side: 1 | -1;

  constructor(plan: Plan) {
    this.lines = plan.lines;
    this.increasing_side = plan.road.traffic === 'left' ? -1 : 1;
  }

  /** Where a carriageway and its verge lie: +1 on the right of rising measure, -1 on the left; without one, as increasing. */
  side(carriageway: Sides | null | undefined): number {
    return carriageway === 'decreasing' ? -this.increasing_side : this.increasing_side;
  }

  /** The carriageways that the road has. */
  get carriageways(): Carriageway[] {
    return CARRIAGEWAYS.filter((name) => (this.lines[name]?.measure_m.length ?? 0) > 1);
  }

  /** Where a measure lies, moved `right_m` to the right of the sense of increasing measure. */
  at(carriageway: Carriageway, measure_m: number, right_m = 0): LonLat {
    const line = this.line(carriageway);
    const index = segmentOf(line.measure_m, measure_m);
    const from = point(line, index);
    const to = point(line, index + 1);
    const length = (line.measure_m[index + 1] ?? 0) - (line.measure_m[index] ?? 0) || 1;
    const share = Math.min(1, Math.max(0, (measure_m - (line.measure_m[index] ?? 0)) / length));
    const place: LonLat = [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
    return right_m === 0 ? place : beside(place, from, to, right_m);
  }

  /** Compass direction of increasing measure, degrees clockwise from north. */
  bearing(carriageway: Carriageway, measure_m: number): number {
    const line = this.line(carriageway);
    const index = segmentOf(line.measure_m, measure_m);
    const [from, to] = [point(line, index), point(line, index + 1)];
    const east = (to[0] - from[0]) * Math.cos((from[1] * Math.PI) / 180);
    return (Math.atan2(east, to[1] - from[1]) * 180) / Math.PI;
  }

  /** The line between two measures, ends included. */
  slice(carriageway: Carriageway, start_m: number, end_m: number): LonLat[] {
    const line = this.line(carriageway);
    const inside: LonLat[] = [];
    for (let i = segmentOf(line.measure_m, start_m) + 1; i < line.measure_m.length; i += 1) {
      const measure_m = line.measure_m[i] ?? 0;
      if (measure_m >= end_m) break;
      if (measure_m > start_m) inside.push(point(line, i));
    }
    return [this.at(carriageway, start_m), ...inside, this.at(carriageway, end_m)];
  }

  /** The measure nearest to a place, and how far the place is from the road there. */
  nearest(place: LonLat): { carriageway: Carriageway; measure_m: number; distance_m: number } {
    let best = { carriageway: this.carriageways[0] ?? ('increasing' as Carriageway), measure_m: 0, distance_m: Infinity };
    const squeeze = Math.cos((place[1] * Math.PI) / 180);
    for (const carriageway of this.carriageways) {
      const line = this.line(carriageway);
      for (let i = 0; i + 1 < line.measure_m.length; i += 1) {
        const [a, b] = [point(line, i), point(line, i + 1)];
        const [bx, by] = [(b[0] - a[0]) * squeeze, b[1] - a[1]];
        const [px, py] = [(place[0] - a[0]) * squeeze, place[1] - a[1]];
        const share = Math.min(1, Math.max(0, (px * bx + py * by) / (bx * bx + by * by || 1)));
        const distance_m = Math.hypot(px - share * bx, py - share * by) * METRES_PER_DEGREE;
        if (distance_m >= best.distance_m) continue;
        const [from, to] = [line.measure_m[i] ?? 0, line.measure_m[i + 1] ?? 0];
        best = { carriageway, measure_m: from + share * (to - from), distance_m };
      }
    }
    return best;
  }

  /** South-west and north-east corner of the road between two measures. */
  bounds(start_m: number, end_m: number): [LonLat, LonLat] {
    const all = this.carriageways.flatMap((carriageway) => this.slice(carriageway, start_m, end_m));
    const [lon, lat] = [all.map((p) => p[0]), all.map((p) => p[1])];
    return [
      [Math.min(...lon), Math.min(...lat)],
      [Math.max(...lon), Math.max(...lat)],
    ];
  }

  private line(carriageway: Carriageway): RoadLine {
    const line = this.lines[carriageway] ?? this.lines.increasing ?? this.lines.decreasing;
    if (!line) throw new Error('plan: the road has no line');
    return line;
  }
}

/** Index of the segment that holds a measure, by bisection. */
function segmentOf(measures: number[], measure_m: number): number {
  let [low, high] = [0, measures.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((measures[middle] ?? 0) <= measure_m) low = middle;
    else high = middle;
  }
  return low;
}

function point(line: RoadLine, index: number): LonLat {
  return [line.longitude_deg[index] ?? 0, line.latitude_deg[index] ?? 0];
}

function beside(place: LonLat, from: LonLat, to: LonLat, right_m: number): LonLat {
  const squeeze = Math.cos((place[1] * Math.PI) / 180);
  const east = (to[0] - from[0]) * squeeze;
  const north = to[1] - from[1];
  const length = Math.hypot(east, north) || 1;
  const step = right_m / METRES_PER_DEGREE / length;
  return [place[0] + (north * step) / squeeze, place[1] - east * step];
}
