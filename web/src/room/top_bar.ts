import { post } from '../live/api';
import type { Traffic } from '../live/traffic';
import { el } from '../markup';
import type { Plan } from '../road/plan';
import type { RoadView } from '../road/view';
import { clockTime, counted, currentLanguage, day, lasted, named, number, onLanguage, speak, t, zoneName } from '../words';

const LATE_MS = 5000;

/** The line at the head: which road, whether what is seen is real, how many vehicles, the platform's own time. */
export class TopBar {
  private connected = false;
  private heard_ms = performance.now();
  simulated: boolean;

  constructor(
    private readonly container: HTMLElement,
    private readonly plan: Plan,
    private readonly view: RoadView,
    private readonly traffic: Traffic,
    private readonly now_ms: () => number,
  ) {
    this.simulated = plan.simulated;
    onLanguage(() => this.render());
    this.render();
  }

  link(connected: boolean): void {
    this.connected = connected;
    this.tick();
  }

  /** A frame has come: the only proof that what is drawn is the road of now. */
  heard(): void {
    this.heard_ms = performance.now();
  }

  /** Say whether what is seen is simulated. */
  pretend(simulated: boolean): void {
    if (simulated === this.simulated) return;
    this.simulated = simulated;
    this.render();
  }

  /** Let clock, counts and the state of the connection go on. */
  tick(): void {
    const now_ms = this.now_ms();
    this.put('.clock b', clockTime(now_ms));
    this.put('.clock span', `${day(now_ms)}, ${zoneName(now_ms).short}`);
    this.put('.vehicles b', number(this.traffic.count));
    this.put('.vehicles span', counted('page.vehicles', this.traffic.count));
    const silent_ms = performance.now() - this.heard_ms;
    const late = this.connected && silent_ms > LATE_MS;
    document.body.classList.toggle('stale', !this.connected || late);
    this.put('.stale-since', t(this.connected ? 'link.stale.late' : 'link.stale.lost', { time: clockTime(this.traffic.time_ms || now_ms) }));
    const link = this.container.querySelector<HTMLElement>('.link');
    if (!link) return;
    link.className = `link ${!this.connected ? 'lost' : late ? 'late' : 'live'}`;
    link.textContent = !this.connected ? t('link.lost') : late ? t('link.late', { time: lasted(0, silent_ms) }) : t('link.live');
  }

  private put(selector: string, text: string): void {
    const place = this.container.querySelector(selector) ?? document.querySelector(selector);
    if (place && place.textContent !== text) place.textContent = text;
  }

  private render(): void {
    const { road, holds } = this.plan;
    const notices = [
      this.simulated && el('span', { class: 'notice', title: t('page.simulated.long') }, t('page.simulated')),
      road.schematic && el('span', { class: 'notice', title: t('page.schematic.long', { ref: road.ref }) }, t('page.schematic')),
      holds !== 'yes' && el('span', { class: 'notice' }, named('page.holds', holds)),
    ];
    const whole = (): void => this.view.show(0, this.view.length_m, 'list');
    const other = currentLanguage() === 'ru' ? 'en' : 'ru';
    const logout = (): void => void post('/api/logout').finally(() => location.reload());
    const name = road.name && road.name !== road.ref ? road.name : '';
    this.container.replaceChildren(
      el('h1', {}, el('strong', {}, road.ref), el('span', {}, name.startsWith(road.ref) ? name.slice(road.ref.length) : name)),
      el('div', { class: 'notices' }, ...notices),
      el('div', { class: 'vehicles' }, el('b', {}, '0'), el('span')),
      el('div', { class: 'link' }),
      el('div', { class: 'clock', title: zoneName(this.now_ms()).name }, el('b', {}), el('span', {})),
      el(
        'div',
        { class: 'buttons' },
        el('button', { type: 'button', onclick: whole, 'data-key': 'whole' }, t('page.whole')),
        el('button', { type: 'button', class: 'language', lang: other, onclick: () => speak(other) }, t('page.language')),
        el('button', { type: 'button', onclick: logout }, t('page.logout')),
      ),
    );
    const called = /^\(\d+\) /.exec(document.title)?.[0] ?? '';
    document.title = `${called}${road.ref} · ${t('page.title')} · trassa`;
    this.tick();
  }
}
