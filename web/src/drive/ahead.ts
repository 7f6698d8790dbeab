/** What `WS /api/drive/live` says once a second, and what becomes of it between two messages. */

export type Connection = 'good' | 'weak' | 'none';

export interface Stretch {
  from_m: number;
  to_m: number;
  state: Connection;
}

export interface Warning {
  event_id: string;
  cause_code: number;
  sub_cause_code: number;
  distance_m: number;
  label: string | null;
  state: string;
}

export interface Ahead {
  position: { label: string; carriageway: 'increasing' | 'decreasing'; measure_m: number } | null;
  warnings: Warning[];
  connection: Stretch[];
  toll: { amount_minor?: number | null; currency?: string | null; charges?: number; held?: number } | null;
  time_ms?: number;
}

const SMOOTH = 0.4;
const FASTEST_MPS = 80;

/** The newest word and the speed at which the vehicle nears what is ahead. */
export class Journey {
  ahead: Ahead | null = null;
  speed_mps = 0;
  heard_ms = 0;

  take(ahead: Ahead, now_ms: number): void {
    const [before, after] = [this.ahead?.position, ahead.position];
    const lapse_s = (now_ms - this.heard_ms) / 1000;
    if (before && after && before.carriageway === after.carriageway && lapse_s > 0.2 && lapse_s < 5) {
      const speed_mps = Math.abs(after.measure_m - before.measure_m) / lapse_s;
      if (speed_mps < FASTEST_MPS) this.speed_mps += SMOOTH * (speed_mps - this.speed_mps);
    } else this.speed_mps = 0;
    this.ahead = ahead;
    this.heard_ms = now_ms;
  }

  /** How far the vehicle has come since the newest word; nothing while the connection is lost. */
  driven_m(now_ms: number, connected: boolean): number {
    return connected ? this.speed_mps * Math.min((now_ms - this.heard_ms) / 1000, 2) : 0;
  }

  /** The next stretch without connection: where it begins and how long it is. */
  gap(driven_m: number): { from_m: number; length_m: number } | null {
    const next = this.ahead?.connection.find((stretch) => stretch.state === 'none' && stretch.to_m > driven_m);
    if (!next) return null;
    const from_m = Math.max(0, next.from_m - driven_m);
    return { from_m, length_m: next.to_m - driven_m - from_m };
  }
}

const KEPT = 'trassa.ahead';

/** Keep the last strip for a page that is opened where there is no connection. */
export function keep(connection: Stretch[], time_ms: number): void {
  localStorage.setItem(KEPT, JSON.stringify({ connection, time_ms }));
}

/** The strip that was kept. */
export function kept(): { connection: Stretch[]; time_ms: number } | null {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? 'null') as { connection: Stretch[]; time_ms: number } | null;
  } catch {
    return null;
  }
}
