import { mostUrgentLast, urgency, type RoadEvent } from '../live/news';
import { marginColour } from '../map/drawing';
import type { RoadPlan } from '../map/road_map';
import palette from '../palette.json';
import type { RoadView } from '../road/view';
import type { Band, Scale } from './layout';

/** The whole road in one bar: where the view is, where the margin is thin, where the warnings are. */
export class Overview {
  constructor(
    private readonly road: RoadPlan,
    private readonly view: RoadView,
  ) {}

  x(measure_m: number, scale: Scale): number {
    return scale.left + (measure_m / this.view.length_m) * (scale.right - scale.left);
  }

  measure(x: number, scale: Scale): number {
    return ((x - scale.left) / (scale.right - scale.left)) * this.view.length_m;
  }

  draw(pen: CanvasRenderingContext2D, band: Band, scale: Scale, events: RoadEvent[]): void {
    const top = band.top + 8;
    const height = band.height - 14;
    pen.fillStyle = palette.raised;
    pen.fillRect(scale.left, top, scale.right - scale.left, height);
    for (const carriageway of this.road.axis.carriageways) {
      const y = carriageway === 'increasing' ? top : top + height / 2;
      for (const { start_m, end_m, run } of this.road.coverage[carriageway].joined((run) => (run.exempt ? 'x' : String(run.grade)))) {
        if (run.grade > 1 || run.exempt) continue;
        pen.fillStyle = marginColour(run.grade, run.exempt);
        pen.fillRect(this.x(start_m, scale), y, Math.max(1, this.x(end_m, scale) - this.x(start_m, scale)), height / 2);
      }
    }
    const [from, to] = [this.x(this.view.start_m, scale), this.x(this.view.end_m, scale)];
    pen.fillStyle = 'rgba(10, 14, 19, 0.6)';
    pen.fillRect(scale.left, top, from - scale.left, height);
    pen.fillRect(to, top, scale.right - to, height);
    for (const event of mostUrgentLast(events)) {
      if (event.anchor_m === null) continue;
      pen.fillStyle = palette.warning[urgency(event)];
      pen.fillRect(this.x(event.anchor_m, scale) - 1.5, top - 3, 3, height + 6);
    }
    pen.strokeStyle = palette.text;
    pen.lineWidth = 1.5;
    pen.strokeRect(from, top - 2, Math.max(3, to - from), height + 4);
  }
}
