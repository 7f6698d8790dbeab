import { urgency, type RoadEvent } from '../live/news';
import { el } from '../markup';
import { cause, onLanguage, t } from '../words';

const STORED = 'trassa.sound';
const TONES_HZ = [784, 622];
const TONE_S = 0.16;

/** Calls the operator to what is new: said to screen readers, counted in the title, and sounded where that was wanted. */
export class Call {
  private known: Set<string> | null = null;
  private audio: AudioContext | null = null;
  private readonly said = el('p', { class: 'unseen', role: 'log', 'aria-live': 'assertive' });

  constructor(container: HTMLElement) {
    container.append(this.said);
    onLanguage(() => this.said.replaceChildren());
  }

  get sounds(): boolean {
    return localStorage.getItem(STORED) === 'on';
  }

  /** Turn the sound on or off; it is off until somebody turns it on. Turning it on lets it be heard once. */
  turn(on: boolean): void {
    localStorage.setItem(STORED, on ? 'on' : 'off');
    if (on) this.sound();
  }

  /** Look for warnings that nobody has been called to; those of the first list are not new. */
  take(events: RoadEvent[]): void {
    const fresh = events.filter((event) => ['new', 'reported'].includes(urgency(event)));
    const unknown = this.known === null ? [] : fresh.filter((event) => !this.known?.has(event.event_id));
    this.known = new Set(events.map((event) => event.event_id));
    document.title = document.title.replace(/^(\(\d+\) )?/, fresh.length ? `(${fresh.length}) ` : '');
    if (!unknown.length) return;
    this.said.replaceChildren(
      ...unknown.map((event) => el('span', {}, `${t('alarm.new')}: ${cause(event.cause_code, event.sub_cause_code)}, ${event.label ?? ''}. `)),
    );
    if (this.sounds) this.sound();
  }

  private sound(): void {
    this.audio ??= new AudioContext();
    const { audio } = this;
    void audio.resume();
    TONES_HZ.forEach((tone_hz, i) => {
      const from_s = audio.currentTime + i * TONE_S * 1.25;
      const [voice, loud] = [audio.createOscillator(), audio.createGain()];
      voice.frequency.value = tone_hz;
      loud.gain.setValueAtTime(0, from_s);
      loud.gain.linearRampToValueAtTime(0.25, from_s + 0.015);
      loud.gain.exponentialRampToValueAtTime(0.001, from_s + TONE_S);
      voice.connect(loud).connect(audio.destination);
      voice.start(from_s);
      voice.stop(from_s + TONE_S);
    });
  }
}
