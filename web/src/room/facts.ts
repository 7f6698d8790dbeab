import { el } from '../markup';
import { clockTime, number } from '../words';

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
      return el('div', { class: nested ? 'wide' : '' }, el('dt', {}, key.replaceAll('_', ' ')), el('dd', {}, timed(key, inner) ?? tree(inner, depth + 1)));
    });
    return el('dl', { class: 'tree' }, ...rows);
  }
  return el('span', {}, plain(value));
}

function timed(key: string, value: unknown): string | null {
  return /_ms$/.test(key) && typeof value === 'number' && value > 1e12 ? clockTime(value) : null;
}

function plain(value: unknown): string {
  if (value === null || value === undefined) return '—';
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : number(value, Math.abs(value) < 10 ? 2 : 1);
  return String(value);
}
