import { signElement } from '../icons';
import type { Urgency } from '../live/news';
import { el } from '../markup';
import { cause, distance, lasted, t } from '../words';
import type { Warning } from './ahead';

const HERE_M = 50;
const CLOSE_M = 2000;
const SLOWEST_MPS = 3;

/** A driver acknowledges nothing: a warning is certain or it is not. */
export function urgencyAhead(warning: Warning): Urgency {
  return warning.state === 'unconfirmed' ? 'unconfirmed' : 'new';
}

/** The nearest warning large, the others below it. */
export function warningsAhead(warnings: Warning[], driven_m: number, speed_mps: number): HTMLElement[] {
  const ahead = warnings.map((warning) => ({ ...warning, distance_m: warning.distance_m - driven_m })).filter((one) => one.distance_m > -HERE_M);
  const [next, ...others] = ahead.toSorted((a, b) => a.distance_m - b.distance_m);
  if (!next) return [el('section', { class: 'clear' }, el('strong', {}, t('drive.clear')))];
  const arrive = speed_mps > SLOWEST_MPS && next.distance_m > HERE_M;
  const hero = el(
    'section',
    { class: next.distance_m < CLOSE_M ? 'next close' : 'next', role: 'alert', 'data-event': next.event_id },
    signElement(`warning-${urgencyAhead(next)}`, 92),
    el('strong', {}, cause(next.cause_code, next.sub_cause_code)),
    el('b', {}, next.distance_m > HERE_M ? distance(next.distance_m) : t('drive.now')),
    el(
      'span',
      {},
      [next.label ?? '', arrive ? t('drive.arrive', { time: lasted(0, (next.distance_m / speed_mps) * 1000) }) : '', next.state === 'unconfirmed' ? t('drive.unconfirmed') : '']
        .filter(Boolean)
        .join(' · '),
    ),
  );
  const rest = others.slice(0, 3).map((one) =>
    el('li', { 'data-event': one.event_id }, signElement(`warning-${urgencyAhead(one)}`, 34), el('span', {}, cause(one.cause_code, one.sub_cause_code)), el('b', {}, distance(one.distance_m))),
  );
  return rest.length ? [hero, el('ul', { class: 'others' }, ...rest)] : [hero];
}
