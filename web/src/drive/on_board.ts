import '../styles/drive.css';
import { get } from '../live/api';
import { LiveSocket } from '../live/socket';
import { el } from '../markup';
import { arrow } from '../road/plan';
import { clockTime, currentLanguage, distance, money, onLanguage, speak, t } from '../words';
import { Journey, keep, kept, type Ahead } from './ahead';
import { OwnPosition } from './own_position';
import { pair } from './pairing';
import { StripAhead } from './strip_ahead';
import { warningsAhead } from './warnings_ahead';

const LATE_MS = 4000;
const LIGHT = 'trassa.light';
const STATES = ['good', 'weak', 'none'] as const;

/** The on-board page: warnings ahead, connection ahead, toll so far. */
class OnBoard {
  private readonly journey = new Journey();
  private readonly strip = new StripAhead();
  private readonly page = el('main');
  private connected = false;
  private paired = true;
  private trouble = '';
  private readonly socket = new LiveSocket('/api/drive/live', {
    connected: (there) => {
      this.connected = there;
      this.draw();
    },
    refused: () => {
      this.paired = false;
      this.draw();
    },
    shut: () => void this.explain(),
    text: (said) => this.hear(said as Ahead),
  });
  private readonly own = new OwnPosition(
    (fix) => this.socket.send(fix),
    () => this.draw(),
  );

  async begin(): Promise<void> {
    document.documentElement.lang = currentLanguage();
    document.documentElement.dataset['light'] = localStorage.getItem(LIGHT) ?? (matchMedia('(prefers-color-scheme: light)').matches ? 'day' : 'night');
    document.body.append(this.page);
    onLanguage(() => this.draw());
    this.draw();
    this.trouble = await pair();
    this.socket.open();
    void this.own.resume();
    window.setInterval(() => this.draw(), 500);
    document.addEventListener('visibilitychange', () => void keepAwake());
    await keepAwake();
  }

  /** A socket that never opened although the server answers: this page is not paired. */
  private async explain(): Promise<void> {
    if (this.journey.ahead || !this.paired) return;
    const reachable = await get('/api/session').then(
      () => true,
      () => false,
    );
    this.paired = !reachable;
    this.draw();
  }

  private hear(ahead: Ahead): void {
    this.paired = true;
    this.trouble = '';
    this.journey.take(ahead, performance.now());
    if (ahead.connection.length) keep(ahead.connection, ahead.time_ms ?? Date.now());
    this.draw();
  }

  private get live(): boolean {
    return this.connected && performance.now() - this.journey.heard_ms < LATE_MS;
  }

  private draw(): void {
    document.title = `trassa · ${t('drive.title')}`;
    this.page.classList.toggle('stale', !this.live);
    if (!this.paired) {
      const text = el('p', {}, t('drive.unpaired.long'));
      this.page.replaceChildren(this.head(), el('section', { class: 'clear' }, el('strong', {}, t('drive.unpaired')), text, this.trouble && el('p', { role: 'alert' }, this.trouble)));
      return;
    }
    const driven_m = this.journey.driven_m(performance.now(), this.live);
    const { ahead, speed_mps } = this.journey;
    const banner = this.lost();
    this.page.replaceChildren(
      this.head(),
      ...(banner ? [banner] : []),
      el('div', { class: 'ahead' }, ...(ahead?.position ? warningsAhead(ahead.warnings, driven_m, speed_mps) : [this.unplaced()])),
      this.connection(driven_m),
      this.toll(),
    );
    this.strip.draw(ahead?.connection.length ? ahead.connection : (kept()?.connection ?? []), ahead?.warnings ?? [], driven_m);
  }

  private head(): HTMLElement {
    const position = this.journey.ahead?.position;
    const day = document.documentElement.dataset['light'] === 'day';
    const turn = (): void => {
      const light = day ? 'night' : 'day';
      document.documentElement.dataset['light'] = light;
      localStorage.setItem(LIGHT, light);
      this.draw();
    };
    const other = currentLanguage() === 'ru' ? 'en' : 'ru';
    return el(
      'header',
      {},
      el('b', { class: 'position' }, position ? `${position.label} ${arrow(position.carriageway)}` : '—'),
      el('button', { type: 'button', class: 'light', onclick: turn }, day ? t('drive.night') : t('drive.day')),
      el('button', { type: 'button', class: 'language', lang: other, onclick: () => speak(other) }, other.toUpperCase()),
    );
  }

  private lost(): HTMLElement | null {
    if (this.live) return null;
    const last_ms = this.journey.ahead?.time_ms ?? kept()?.time_ms;
    const text = last_ms ? t('drive.lost', { time: clockTime(last_ms, false) }) : t('drive.never');
    return el('p', { class: 'lost', role: 'alert' }, this.trouble || text);
  }

  private unplaced(): HTMLElement {
    const { state, possible } = this.own;
    const words = { on: t('drive.unplaced'), denied: t('drive.denied'), off: t('drive.wait') }[state];
    const ask = possible && state !== 'on';
    return el('section', { class: 'clear' }, el('strong', {}, words), ask && el('button', { type: 'button', onclick: () => this.own.begin() }, t('drive.locate')));
  }

  private connection(driven_m: number): HTMLElement {
    const gap = this.journey.gap(driven_m);
    const words = !gap
      ? t('drive.nogap')
      : gap.from_m < 50
        ? t('drive.gapnow', { length: distance(gap.length_m) })
        : t('drive.gap', { distance: distance(gap.from_m), length: distance(gap.length_m) });
    return el('section', { class: 'connection' }, el('h2', {}, t('drive.connection')), el('ul', { class: 'key' }, ...STATES.map((state) => el('li', { class: state }, t(`drive.${state}`)))), this.strip.frame, this.journey.ahead?.position ? el('p', {}, words) : null);
  }

  private toll(): HTMLElement {
    const toll = this.journey.ahead?.toll;
    const known = typeof toll?.amount_minor === 'number' && typeof toll.currency === 'string';
    const more = [toll?.charges ? t('drive.trips', { n: toll.charges }) : '', toll?.held ? t('drive.held', { n: toll.held }) : ''].filter(Boolean).join(' · ');
    return el('section', { class: 'toll' }, el('h2', {}, t('drive.toll')), el('b', {}, known ? money(toll.amount_minor ?? 0, toll.currency ?? '') : '—'), el('span', {}, more));
  }
}

/** A screen that goes dark warns nobody. */
async function keepAwake(): Promise<void> {
  if (document.visibilityState === 'visible') await navigator.wakeLock?.request('screen').catch(() => null);
}

void new OnBoard().begin();
if ('serviceWorker' in navigator) void navigator.serviceWorker.register('/drive-sw.js', { scope: '/drive' }).catch(() => null);
