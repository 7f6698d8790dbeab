import palette from '../palette.json';
import type { Carriageway, CoverageRuns, Plan } from './plan';

/** Classes of radio margin, from "nothing serves" to "plenty": the less margin, the lighter and the more in sight. */
export const MARGIN_CLASSES = palette.margin;

/** Class index of a margin in whole decibels; null means that no site is in reach. */
export function marginClass(margin_db: number | null): number {
  if (margin_db === null) return 0;
  return MARGIN_CLASSES.findLastIndex((entry) => entry.from_db === null || margin_db >= entry.from_db);
}

export interface CoverageRun {
  start_m: number;
  end_m: number;
  margin_db: number | null;
  server: string;
  exempt: string;
  grade: number;
}

/** The coverage of one carriageway, searchable by measure. */
export class Coverage {
  readonly runs: CoverageRun[];

  constructor(columns: CoverageRuns | undefined) {
    this.runs = (columns?.start_m ?? []).map((start_m, i) => {
      const margin_db = columns?.margin_db[i] ?? null;
      return {
        start_m,
        end_m: columns?.end_m[i] ?? start_m,
        margin_db,
        server: columns?.server[i] ?? '',
        exempt: columns?.exempt?.[i] ?? '',
        grade: marginClass(margin_db),
      };
    });
  }

  static of(plan: Plan): Record<Carriageway, Coverage> {
    return { increasing: new Coverage(plan.coverage.increasing), decreasing: new Coverage(plan.coverage.decreasing) };
  }

  /** Index of the run at a measure or the first after it. */
  indexAt(measure_m: number): number {
    let [low, high] = [0, this.runs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.runs[middle]?.end_m ?? 0) <= measure_m) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The run at a measure, where the carriageway has a bin there. */
  at(measure_m: number): CoverageRun | undefined {
    const run = this.runs[this.indexAt(measure_m)];
    return run && run.start_m <= measure_m ? run : undefined;
  }

  /** Neighbouring runs for which `same` gives one text, joined; `[start_m, end_m, first run]`. */
  joined(same: (run: CoverageRun) => string): { start_m: number; end_m: number; run: CoverageRun }[] {
    const found: { start_m: number; end_m: number; run: CoverageRun }[] = [];
    for (const run of this.runs) {
      const last = found.at(-1);
      if (last && last.end_m === run.start_m && same(last.run) === same(run)) last.end_m = run.end_m;
      else found.push({ start_m: run.start_m, end_m: run.end_m, run });
    }
    return found;
  }
}
