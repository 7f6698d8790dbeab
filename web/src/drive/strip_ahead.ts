import { urgencyAhead } from './warnings_ahead';
import { drawSign } from '../icons';
import { el } from '../markup';
import { number, t } from '../words';
import type { Connection, Stretch, Warning } from './ahead';

export const AHEAD_M = 20_000;
const FONT = 'system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';

/** The next 20 km as a strip: the state of the connection by colour and height, warnings as signs above it. */
export class StripAhead {
  readonly frame = el('div', { class: 'strip' });
  private readonly canvas = el('canvas');

  constructor() {
    this.frame.append(this.canvas);
  }

  draw(connection: Stretch[], warnings: Warning[], driven_m: number): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return;
    const fine = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * fine);
    this.canvas.height = Math.round(height * fine);
    const pen = this.canvas.getContext('2d');
    if (!pen) return;
    pen.scale(fine, fine);
    const style = getComputedStyle(this.canvas);
    const colour = (name: string): string => style.getPropertyValue(name);
    const x = (distance_m: number): number => 8 + (Math.min(Math.max(distance_m - driven_m, 0), AHEAD_M) / AHEAD_M) * (width - 16);
    const foot = height - 30;
    pen.fillStyle = colour('--bare');
    pen.fillRect(8, 44, width - 16, foot - 44);
    for (const stretch of connection) bar(pen, stretch.state, x(stretch.from_m), x(stretch.to_m), 44, foot, colour);
    pen.fillStyle = colour('--ink');
    pen.fillRect(8, foot, width - 16, 2);
    pen.font = `17px ${FONT}`;
    pen.textBaseline = 'top';
    for (const km of [0, 5, 10, 15, 20]) {
      pen.textAlign = km === 0 ? 'left' : km === 20 ? 'right' : 'center';
      const at = 8 + (km / 20) * (width - 16);
      pen.fillRect(Math.min(at, width - 10), foot, 2, 7);
      pen.fillText(km === 20 ? `${number(km)} ${t('unit.km')}` : number(km), at, foot + 9);
    }
    for (const warning of warnings.toReversed()) {
      const at = Math.min(Math.max(x(warning.distance_m), 20), width - 20);
      pen.fillStyle = colour('--ink');
      pen.fillRect(at - 1, 36, 2, foot - 36);
      drawSign(pen, `warning-${urgencyAhead(warning)}`, at, 20, 34);
    }
  }
}

function bar(pen: CanvasRenderingContext2D, state: Connection, from: number, to: number, top: number, foot: number, colour: (name: string) => string): void {
  if (to <= from) return;
  pen.fillStyle = colour(`--${state}`);
  const height = { good: 1, weak: 0.6, none: 1 }[state] * (foot - top);
  if (state === 'none') for (let x = from; x < to; x += 9) pen.fillRect(x, foot - height, Math.min(5, to - x), height);
  else pen.fillRect(from, foot - height, Math.max(1, to - from), height);
}
