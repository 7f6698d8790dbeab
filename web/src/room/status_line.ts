import type { Charge, Status } from '../live/news';
import { el } from '../markup';
import type { RoadView } from '../road/view';
import { clockTime, currentLanguage, number, onLanguage, t, type Word } from '../words';
import { amount, way } from './charge';

const COUNTS = ['accepted', 'processed', 'refused', 'shed', 'waiting', 'lost'] as const;
const SERVICES = ['broker', 'store', 'worker'] as const;

/** The line at the foot: counts of messages, health of the services, the last charges. */
export class StatusLine {
  private status: Status | null = null;
  private charges: Charge[] = [];
  private said = '';

  constructor(
    private readonly container: HTMLElement,
    private readonly view: RoadView,
  ) {
    onLanguage(() => this.render());
    this.render();
  }

  /** What the server says is wrong, until a good status comes. */
  trouble(error: string): void {
    this.said = error;
    this.render();
  }

  take(status: Status): void {
    this.said = '';
    this.status = status;
    this.render();
  }

  charge(charges: Charge[]): void {
    this.charges = charges;
    this.render();
  }

  private render(): void {
    const focused = document.activeElement?.getAttribute('data-key');
    const said = el('span', { class: 'service down', role: 'alert', title: this.said, hidden: !this.said }, trouble(this.said));
    this.container.replaceChildren(said, this.services(), this.counts(), this.ticker());
    if (focused) this.container.querySelector<HTMLElement>(`[data-key="${focused}"]`)?.focus();
  }

  private services(): HTMLElement {
    const lights = SERVICES.map((name) => {
      const up = this.status?.[name];
      const state = up === undefined ? 'unknown' : up ? 'up' : 'down';
      const title = `${t(`status.${name}`)}: ${state === 'unknown' ? '—' : t(`status.${state}`)}`;
      return el('span', { class: `service ${state}`, title }, t(`status.${name}`), state === 'down' && ` ${t('status.down')}`);
    });
    return el('div', { class: 'services' }, ...lights);
  }

  private counts(): HTMLElement {
    const cells = COUNTS.map((name) => {
      const value = total(this.status?.counts ?? {}, name);
      const alarming = value !== null && value > 0 && name === 'lost';
      const word: Word = `status.${name}`;
      return el('span', { class: `count${alarming ? ' alarming' : ''}`, 'data-count': name }, el('b', {}, value === null ? '—' : number(value)), t(word));
    });
    return el('div', { class: 'counts' }, el('span', { class: 'name' }, t('status.messages')), ...cells);
  }

  private ticker(): HTMLElement {
    const entries = this.charges.slice(0, 8).map((charge) => {
      const { charge_key, state } = charge;
      const choose = (): void => this.view.choose({ kind: 'charge', charge_key }, 'list');
      return el(
        'button',
        { class: state === 'held' ? 'charge held' : 'charge', type: 'button', onclick: choose, 'data-key': charge_key },
        el('b', {}, amount(charge)),
        el('span', {}, way(charge)),
        charge.event_time_ms ? el('time', {}, clockTime(charge.event_time_ms, false)) : '',
      );
    });
    return el('div', { class: 'ticker', 'aria-label': t('status.charges') }, ...(entries.length ? entries : [t('status.none')]));
  }
}

/** What is wrong, in the page's own language; the server's own words are the English ones, and stand in the title. */
function trouble(said: string): string {
  if (currentLanguage() === 'en') return said;
  return t(said.includes('store') ? 'trouble.store' : said.includes('broker') ? 'trouble.broker' : 'trouble.other');
}

/** A count by name, as a number or as the sum over kinds of messages. */
function total(counts: Record<string, unknown>, name: string): number | null {
  const direct = counts[name];
  if (typeof direct === 'number') return direct;
  const parts = typeof direct === 'object' && direct !== null ? Object.values(direct) : Object.values(counts).map((kind) => (typeof kind === 'object' && kind !== null ? (kind as Record<string, unknown>)[name] : undefined));
  const known = parts.filter((part): part is number => typeof part === 'number');
  return known.length ? known.reduce((sum, part) => sum + part, 0) : null;
}
