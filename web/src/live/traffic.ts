import type { Carriageway } from '../road/plan';
import { isDecreasing, isStanding, kindName, type Frame } from './frame';

export interface Vehicle {
  handle: number;
  carriageway: Carriageway;
  measure_m: number;
  offset_m: number;
  speed_mps: number;
  standing: boolean;
  kind: ReturnType<typeof kindName>;
}

interface Track extends Vehicle {
  from_m: number;
  to_m: number;
}

const USUAL_GAP_MS = 500;

/** Farther than this from where it was expected a vehicle is put, not moved. */
const JUMP_M = 120;
/** Share of what a position differs from the expected one that is believed at once; the rest is the receiver's noise. */
const BELIEF = 0.25;

/** Where a vehicle is: where its speed has taken it since, drawn a little towards the position it says. */
function expected(old: Track, said_m: number, speed_mps: number, lapse_s: number): number {
  const sense = old.carriageway === 'increasing' ? 1 : -1;
  if (Number.isNaN(speed_mps) || lapse_s > 3) return said_m;
  const rolled_m = old.to_m + sense * speed_mps * lapse_s;
  const moved_m = rolled_m + BELIEF * (said_m - rolled_m);
  // nobody who drives rolls backwards because a receiver says so
  return speed_mps > 1 && sense * (moved_m - old.to_m) < 0 ? old.to_m : moved_m;
}

/** All vehicles on the road, moved evenly from where they were drawn to where the newest frame has them. */
export class Traffic {
  time_ms = 0;
  private tracks = new Map<number, Track>();
  private arrived_ms = 0;
  private gap_ms = USUAL_GAP_MS;

  /** How many vehicles are on the road. */
  get count(): number {
    return this.tracks.size;
  }

  /** Take a new frame; `now_ms` is the page's own time. Vehicles that are not in it are gone. */
  take(frame: Frame, now_ms: number): void {
    const share = this.share(now_ms);
    const before = this.tracks;
    const lapse_s = Math.max(0, frame.time_ms - this.time_ms) / 1000;
    this.tracks = new Map();
    for (let i = 0; i < frame.count; i += 1) {
      const kind = frame.kind[i] ?? 0;
      const said_m = frame.measure_m[i] ?? 0;
      const carriageway = isDecreasing(kind) ? 'decreasing' : 'increasing';
      const handle = frame.handle[i] ?? 0;
      const old = before.get(handle);
      const drawn_m = old ? old.from_m + (old.to_m - old.from_m) * share : said_m;
      const speed_mps = frame.speed_mps[i] ?? NaN;
      const jumped = !old || old.carriageway !== carriageway || Math.abs(old.to_m - said_m) > JUMP_M;
      const to_m = jumped ? said_m : expected(old, said_m, speed_mps, lapse_s);
      const from_m = jumped ? to_m : drawn_m;
      this.tracks.set(handle, {
        handle,
        carriageway,
        measure_m: from_m,
        from_m,
        to_m,
        offset_m: frame.offset_m[i] ?? 0,
        speed_mps,
        standing: isStanding(kind),
        kind: kindName(kind),
      });
    }
    const gap_ms = now_ms - this.arrived_ms;
    if (gap_ms < 3000) this.gap_ms = 0.7 * this.gap_ms + 0.3 * Math.max(gap_ms, 100);
    this.arrived_ms = now_ms;
    this.time_ms = frame.time_ms;
  }

  /** Every vehicle between two measures as it is to be drawn now. */
  *between(start_m: number, end_m: number, now_ms: number): Generator<Vehicle> {
    const share = this.share(now_ms);
    for (const track of this.tracks.values()) {
      track.measure_m = track.from_m + (track.to_m - track.from_m) * share;
      if (track.measure_m >= start_m && track.measure_m <= end_m) yield track;
    }
  }

  /** One vehicle by its handle, while it is on the road. */
  vehicle(handle: number, now_ms: number): Vehicle | undefined {
    const track = this.tracks.get(handle);
    if (track) track.measure_m = track.from_m + (track.to_m - track.from_m) * this.share(now_ms);
    return track;
  }

  private share(now_ms: number): number {
    return Math.min(1, (now_ms - this.arrived_ms) / this.gap_ms);
  }
}
