import { el } from '../markup';
import { clockTime, distance, named, number, speed, t } from '../words';

/** Name and value; a wide one has its value on a line of its own. */
export type Fact = [name: string, value: string, width?: 'wide'];

export function facts(list: Fact[]): HTMLElement {
  const rows = list.map(([name, value, width]) => el('div', { class: width ?? '' }, el('dt', {}, name), el('dd', {}, value)));
  return el('dl', {}, ...rows);
}

const DEEPEST = 5;

/** A JSON value as nested lists: evidence and explanations are shown as they were written down. */
export function tree(value: unknown, depth = 0): HTMLElement {
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== 'object')) return el('span', {}, value.map(plain).join(', '));
    return el('ol', { class: 'tree' }, ...value.map((item: unknown) => el('li', {}, tree(item, depth + 1))));
  }
  if (typeof value === 'object' && value !== null && depth < DEEPEST) {
    const rows = Object.entries(value).map(([key, inner]) => {
      const nested = typeof inner === 'object' && inner !== null;
      return el('div', { class: nested ? 'wide' : '' }, el('dt', {}, word(key)), el('dd', {}, measured(key, inner) ?? tree(inner, depth + 1)));
    });
    return el('dl', { class: 'tree' }, ...rows);
  }
  return el('span', {}, plain(value));
}

/** A part of an explanation that is opened by whoever wants to see it; nothing where there is nothing. */
export function folded(title: string, value: unknown): HTMLElement[] {
  if (value === null || value === undefined || (Array.isArray(value) && !value.length)) return [];
  return [el('details', {}, el('summary', {}, title), tree(value))];
}

/** The catalogue's word for a key, else the key itself without underscores. */
function word(key: string): string {
  const known = named('evidence', key);
  return known === key ? key.replaceAll('_', ' ') : known;
}

/** A number shown in the unit that the end of its key names. */
function measured(key: string, value: unknown): string | null {
  if (typeof value !== 'number') return null;
  if (key.endsWith('_ms') && value > 1e12) return clockTime(value);
  if (key.endsWith('_mps')) return speed(value);
  if (key.endsWith('_m')) return distance(value);
  if (key.endsWith('_s')) return `${number(value)} ${t('unit.s')}`;
  return null;
}

function plain(value: unknown): string {
  if (value === null || value === undefined || value === '') return '—';
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : number(value, Math.abs(value) < 10 ? 2 : 1);
  return named('evidence', String(value));
}
