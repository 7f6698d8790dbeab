/** Shapes of `GET /api/plan`: everything that does not change while the platform runs. */

export type Carriageway = 'increasing' | 'decreasing';
export type Sides = Carriageway | 'both';

export interface RoadLine {
  measure_m: number[];
  longitude_deg: number[];
  latitude_deg: number[];
}

export interface CoverageRuns {
  start_m: number[];
  end_m: number[];
  margin_db: (number | null)[];
  server: string[];
  exempt?: string[];
}

export interface LabelInterval {
  start_m: number;
  end_m: number;
  start_km: number;
  end_km: number;
}

interface OnRoad {
  measure_m: number;
  carriageway?: Sides;
  label?: string;
}

export interface Located extends OnRoad {
  latitude_deg: number | null;
  longitude_deg: number | null;
}

export interface Site extends Located {
  site: string;
  height_m: number;
  needed_for: string;
}

export interface Hut extends Located {
  hut: string;
  name: string;
  role: string;
}

export interface TollPoint extends OnRoad {
  id: string;
  name: string;
  systems?: string[];
  at?: string;
}

export interface Place extends Located {
  kind: string;
  name: string;
}

export interface Cable {
  cable: string;
  start_m: number;
  end_m: number;
  carriageway: Carriageway;
}

export interface Plan {
  road: { ref: string; name?: string; axis: string; length_m: number; schematic: boolean; traffic: 'left' | 'right'; script: 'Cyrl' | 'Latn' };
  holds: string;
  lines: Partial<Record<Carriageway, RoadLine>>;
  labels: LabelInterval[];
  coverage: Partial<Record<Carriageway, CoverageRuns>>;
  sites: Site[];
  cables: Cable[];
  huts: Hut[];
  chambers: number[];
  toll_points: TollPoint[];
  places: Place[];
  credit: string;
  simulated: boolean;
  /** Zone of the clocks on the road; empty or missing: the browser's own. */
  time_zone?: string;
  notice: string;
}

export const CARRIAGEWAYS: readonly Carriageway[] = ['increasing', 'decreasing'];

/** The arrow that stands for a carriageway in labels: `М-11 км 258+350 ←`. */
export function arrow(carriageway: Sides | undefined): string {
  if (carriageway === 'increasing') return '→';
  return carriageway === 'decreasing' ? '←' : '↔';
}
