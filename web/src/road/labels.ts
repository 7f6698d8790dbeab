import type { LabelInterval, Plan } from './plan';

const NICE_M = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000];

/** Kilometre labels of the road: what the posts say, linear inside each interval and never arithmetic outside it. */
export class Labels {
  private readonly word: string;

  constructor(
    private readonly intervals: LabelInterval[],
    script: Plan['road']['script'],
  ) {
    this.word = script === 'Cyrl' ? 'км' : 'km';
  }

  /** `км 258+350`, rounded to the whole metre. */
  text(measure_m: number): string {
    const metres = Math.floor(this.km(measure_m) * 1000 + 0.5);
    return `${this.word} ${Math.floor(metres / 1000)}+${String(metres % 1000).padStart(3, '0')}`;
  }

  /** The label of a measure as a decimal kilometre. */
  km(measure_m: number): number {
    const at = this.intervals.find((interval) => measure_m <= interval.end_m) ?? this.intervals.at(-1);
    if (!at) return measure_m / 1000;
    const share = (measure_m - at.start_m) / (at.end_m - at.start_m || 1);
    return at.start_km + share * (at.end_km - at.start_km);
  }

  /** Round labels inside `[start_m, end_m]`, at most about `wanted` of them, with the measure each stands at. */
  ticks(start_m: number, end_m: number, wanted: number): { measure_m: number; text: string; major: boolean }[] {
    const step_m = NICE_M.find((nice) => (end_m - start_m) / nice <= wanted) ?? 500_000;
    const found: { measure_m: number; text: string; major: boolean }[] = [];
    for (const at of this.intervals) {
      if (at.end_m < start_m || at.start_m > end_m || at.end_km === at.start_km) continue;
      const low = Math.min(at.start_km, at.end_km);
      const high = Math.max(at.start_km, at.end_km);
      for (let n = Math.ceil((low * 1000) / step_m - 1e-6); n * step_m <= high * 1000 + 1e-6; n += 1) {
        const share = ((n * step_m) / 1000 - at.start_km) / (at.end_km - at.start_km);
        const measure_m = at.start_m + share * (at.end_m - at.start_m);
        if (measure_m < start_m - 1e-6 || measure_m > end_m + 1e-6) continue;
        const last = found.at(-1);
        if (last && Math.abs(last.measure_m - measure_m) < step_m * 0.3) continue;
        found.push({ measure_m, text: this.text(measure_m), major: n % 5 === 0 });
      }
    }
    return found;
  }
}
