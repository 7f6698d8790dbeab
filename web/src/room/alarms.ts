import { signElement } from '../icons';
import { get, post } from '../live/api';
import { began_ms, urgency, type RoadEvent } from '../live/news';
import { el } from '../markup';
import { arrow } from '../road/plan';
import type { RoadView } from '../road/view';
import { because, cause, clockTime, lasted, named, onLanguage, refusal, t, type Word } from '../words';
import type { Call } from './call';

const PAST = 50;
const JUMP_M = 12_000;
const URGENT_FIRST = ['new', 'reported', 'unconfirmed', 'acknowledged', 'ended'];
const REASONS: Word[] = ['reason.cleared', 'reason.handled', 'reason.false'];

/** The list of warnings: always in sight, the newest unacknowledged ones on top. */
export class Alarms {
  events: RoadEvent[] = [];
  private past: RoadEvent[] = [];
  private shown: 'open' | 'past' = 'open';
  private ending: string | null = null;
  private trouble = '';
  private drawn = '';
  private held = false;

  constructor(
    private readonly container: HTMLElement,
    private readonly call: Call,
    private readonly view: RoadView,
    private readonly now_ms: () => number,
    private readonly changed: () => void,
  ) {
    view.on('chosen', () => this.render());
    onLanguage(() => this.render());
    container.addEventListener('pointerenter', () => this.hold(true));
    container.addEventListener('pointerleave', () => this.hold(false));
    this.render();
  }

  /** Under the pointer nothing changes its place: who aims at one button must not hit that of another warning. */
  private hold(held: boolean): void {
    this.held = held;
    this.events = this.ordered(this.events);
    this.render();
  }

  private ordered(events: RoadEvent[]): RoadEvent[] {
    const sorted = events.toSorted(
      (a, b) => URGENT_FIRST.indexOf(urgency(a)) - URGENT_FIRST.indexOf(urgency(b)) || began_ms(b) - began_ms(a),
    );
    if (!this.held) return sorted;
    const place = (event: RoadEvent): number => {
      const index = this.events.findIndex((old) => old.event_id === event.event_id);
      return index < 0 ? Infinity : index;
    };
    return sorted.toSorted((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
  }

  /** Show these open events. */
  take(events: RoadEvent[]): void {
    const gone = this.events.some((old) => !events.some((event) => event.event_id === old.event_id));
    this.events = this.ordered(events);
    this.call.take(events);
    if (this.ending && !events.some((event) => event.event_id === this.ending)) this.ending = null;
    if (gone || this.shown === 'past') void this.fetchPast();
    this.render();
  }

  /** One event, open or ended. */
  event(event_id: string): RoadEvent | undefined {
    return [...this.events, ...this.past].find((event) => event.event_id === event_id);
  }

  /** Let the times in the list go on. */
  tick(): void {
    for (const place of this.container.querySelectorAll<HTMLElement>('[data-since]')) {
      place.textContent = lasted(Number(place.dataset['since']), this.now_ms());
    }
  }

  private render(): void {
    const list = this.shown === 'open' ? this.events : this.past;
    const state = JSON.stringify([list, this.shown, this.ending, this.trouble, this.view.chosen, document.documentElement.lang]);
    if (state === this.drawn) return;
    this.drawn = state;
    const focused = document.activeElement?.getAttribute('data-key');
    const fresh = this.events.filter((event) => ['new', 'reported'].includes(urgency(event))).length;
    this.container.replaceChildren(
      el('h2', {}, t('alarm.title'), fresh > 0 && el('span', { class: 'fresh' }, t('alarm.new.count', { n: fresh }))),
      el('nav', {}, this.tab('open', `${t('alarm.open')} ${this.events.length}`), this.tab('past', t('alarm.past')), this.sound()),
      el('p', { class: 'trouble', role: 'alert', hidden: !this.trouble }, this.trouble),
      list.length ? el('ul', {}, ...list.map((event) => this.item(event))) : this.empty(),
    );
    if (focused) this.container.querySelector<HTMLElement>(`[data-key="${focused}"]`)?.focus();
  }

  private empty(): HTMLElement {
    if (this.shown === 'past') return el('div', { class: 'calm' }, t('alarm.none.ended'));
    return el('div', { class: 'calm' }, el('strong', {}, t('alarm.none')), t('alarm.calm'));
  }

  private tab(which: 'open' | 'past', text: string): HTMLElement {
    const choose = (): void => {
      this.shown = which;
      if (which === 'past') void this.fetchPast();
      this.render();
    };
    return el('button', { type: 'button', 'aria-pressed': String(this.shown === which), onclick: choose, 'data-key': which }, text);
  }

  private sound(): HTMLElement {
    const turn = (): void => {
      this.call.turn(!this.call.sounds);
      this.drawn = '';
      this.render();
    };
    const on = this.call.sounds;
    return el('button', { type: 'button', class: 'sound', 'aria-pressed': String(on), onclick: turn, 'data-key': 'sound' }, t(on ? 'alarm.sound.on' : 'alarm.sound.off'));
  }

  private item(event: RoadEvent): HTMLElement {
    const state = urgency(event);
    const chosen = this.view.chosen?.kind === 'event' && this.view.chosen.event_id === event.event_id;
    const head = el(
      'button',
      { class: 'head', type: 'button', onclick: () => this.jump(event), 'data-key': `jump ${event.event_id}` },
      signElement(`warning-${state}`, 30),
      el(
        'span',
        { class: 'what' },
        el('strong', {}, cause(event.cause_code, event.sub_cause_code)),
        el('span', { class: 'where' }, `${event.label ?? '—'} ${arrow(event.carriageway ?? undefined)}`),
      ),
      el('span', { class: 'when' }, el('em', {}, t(`alarm.${state}`)), this.age(event)),
    );
    const item = el('li', { class: `alarm ${state}${chosen ? ' chosen' : ''}`, 'data-event': event.event_id }, head);
    if (event.acknowledged_by && event.acknowledged_ms) {
      const by = t('alarm.by', { user: named('user', event.acknowledged_by), time: clockTime(event.acknowledged_ms) });
      item.append(el('div', { class: 'by' }, `${t('alarm.acknowledged')}: ${by}`));
    }
    const ending = this.endingOf(event);
    if (ending) item.append(el('div', { class: 'by' }, ending));
    if (event.state !== 'ended') item.append(this.ending === event.event_id ? this.endForm(event) : this.actions(event));
    return item;
  }

  /** How an event ended, by whom and why. */
  private endingOf(event: RoadEvent): string {
    if (event.state !== 'ended' || !event.ended_because) return '';
    const how = because(event.ended_because);
    return [event.ended_by && event.ended_by !== 'operator' ? `${how}: ${event.ended_by}` : how, event.ended_note].filter(Boolean).join(' · ');
  }

  private age(event: RoadEvent): HTMLElement {
    if (event.ended_ms) return el('span', {}, clockTime(event.ended_ms, false));
    return el('span', { 'data-since': String(began_ms(event)) }, lasted(began_ms(event), this.now_ms()));
  }

  private actions(event: RoadEvent): HTMLElement {
    const acknowledge = (): void => void this.act(`/api/events/${event.event_id}/acknowledge`);
    const end = (): void => {
      this.ending = event.event_id;
      this.render();
    };
    const key = event.event_id;
    return el(
      'div',
      { class: 'actions' },
      event.acknowledged_by === null &&
        el('button', { class: 'main', type: 'button', onclick: acknowledge, 'data-key': `ack ${key}` }, t('alarm.acknowledge')),
      el('button', { type: 'button', onclick: end, 'data-key': `end ${key}` }, t('alarm.end')),
    );
  }

  private endForm(event: RoadEvent): HTMLElement {
    const reason = el('input', { name: 'reason', list: 'reasons', required: true, maxlength: '200', autocomplete: 'off', 'data-key': 'reason' });
    const cancel = (): void => {
      this.ending = null;
      this.render();
    };
    const submit = (submitted: Event): void => {
      submitted.preventDefault();
      void this.act(`/api/events/${event.event_id}/end`, { reason: reason.value.trim() }).then(cancel);
    };
    queueMicrotask(() => reason.focus());
    return el(
      'form',
      { class: 'end', onsubmit: submit },
      el('label', {}, t('alarm.reason'), reason),
      el('datalist', { id: 'reasons' }, ...REASONS.map((word) => el('option', { value: t(word) }))),
      el('div', { class: 'actions' }, el('button', { class: 'main', type: 'submit' }, t('alarm.end.now')), el('button', { type: 'button', onclick: cancel }, t('alarm.cancel'))),
    );
  }

  private jump(event: RoadEvent): void {
    this.view.choose({ kind: 'event', event_id: event.event_id }, 'list');
    if (event.anchor_m !== null) this.view.jump(event.anchor_m, JUMP_M, 'list');
  }

  private async act(path: string, body: unknown = {}): Promise<void> {
    try {
      await post(path, body);
      this.trouble = '';
      this.take((await get<{ events: RoadEvent[] }>('/api/events')).events);
      this.changed();
    } catch (error) {
      this.trouble = refusal(error, 'event');
      this.render();
    }
  }

  private async fetchPast(): Promise<void> {
    const answer = await get<{ ended: RoadEvent[] }>(`/api/events?ended=${PAST}`).catch(() => null);
    if (!answer) return;
    this.past = answer.ended.map((event) => ({ ...event, state: 'ended' }));
    this.render();
  }
}
