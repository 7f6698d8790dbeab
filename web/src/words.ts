import { Refused } from './live/api';
import english from './words/en.json';
import russian from './words/ru.json';

export type Language = 'en' | 'ru';
export type Word = keyof typeof english;

const CATALOGUES: Record<Language, Record<string, string>> = { en: english, ru: russian };
const STORED = 'trassa.language';
const listeners = new Set<() => void>();

let language: Language = chosen();

function chosen(): Language {
  const stored = localStorage.getItem(STORED);
  if (stored === 'en' || stored === 'ru') return stored;
  return navigator.language.toLowerCase().startsWith('ru') ? 'ru' : 'en';
}

export function currentLanguage(): Language {
  return language;
}

/** Change the language of the page; everything that shows words is told. */
export function speak(wanted: Language): void {
  language = wanted;
  localStorage.setItem(STORED, wanted);
  document.documentElement.lang = wanted;
  for (const listener of listeners) listener();
}

export function onLanguage(listener: () => void): void {
  listeners.add(listener);
}

/** The text of a word with `{names}` filled in. */
export function t(word: Word, fill: Record<string, string | number> = {}): string {
  const text = CATALOGUES[language][word] ?? english[word];
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(fill[name] ?? ''));
}

/** A text of a family of words, such as the causes; the bare key where the catalogue has none. */
export function named(family: string, key: string): string {
  return CATALOGUES[language][`${family}.${key}`] ?? key;
}

/** What a DENM warns of. */
export function cause(code: number, sub: number): string {
  const catalogue = CATALOGUES[language];
  return catalogue[`cause.${code}.${sub}`] ?? catalogue[`cause.${code}`] ?? `${t('cause.unknown')} ${code}`;
}

/** A word in the form that its number asks for: `1 машина`, `3 машины`, `248 машин`. */
export function counted(family: string, count: number): string {
  const catalogue = CATALOGUES[language];
  return catalogue[`${family}.${new Intl.PluralRules(locale()).select(count)}`] ?? catalogue[`${family}.other`] ?? '';
}

/** What went wrong, in the page's own language; the server's words only where the page has none of its own. */
export function refusal(error: unknown, family: string): string {
  if (!(error instanceof Refused)) return t('refused.unreachable');
  const catalogue = CATALOGUES[language];
  return catalogue[`refused.${family}.${error.status}`] ?? catalogue[`refused.${error.status}`] ?? `${error.message}. ${error.next}`;
}

let zone: string | undefined;

/** Show times as clocks on the road do; without a zone the browser's own is taken. */
export function setZone(name: string): void {
  zone = name || undefined;
}

/** The zone in which times are shown: its name, and what a clock calls it. */
export function zoneName(time_ms: number): { name: string; short: string } {
  const format = new Intl.DateTimeFormat(locale(), { timeZone: zone, timeZoneName: 'short' });
  const short = format.formatToParts(time_ms).find((part) => part.type === 'timeZoneName')?.value ?? '';
  const { timeZone: name } = format.resolvedOptions();
  return { name, short: CATALOGUES[language][`zone.${name}`] ?? short };
}

/** How an event ended. */
export function because(ended_because: string): string {
  const [, other] = /^part of (\S+)$/.exec(ended_because) ?? [];
  return other ? t('because.part', { other }) : named('because', ended_because);
}

const locale = (): string => (language === 'ru' ? 'ru-RU' : 'en-GB');

export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

export function clockTime(time_ms: number, seconds = true): string {
  const style: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: zone };
  if (seconds) style.second = '2-digit';
  return new Intl.DateTimeFormat(locale(), style).format(time_ms);
}

export function day(time_ms: number): string {
  return new Intl.DateTimeFormat(locale(), { day: 'numeric', month: 'short', year: 'numeric', timeZone: zone }).format(time_ms);
}

/** Day and time of a moment, shorter where it is of the day shown. */
export function moment(time_ms: number): string {
  return `${day(time_ms)} ${clockTime(time_ms)}`;
}

/** `4.2 km` from 1 km on, else whole tens of metres. */
export function distance(metres: number): string {
  if (metres >= 950) return `${number(metres / 1000, metres < 9950 ? 1 : 0)}\u00a0${t('unit.km')}`;
  return `${number(Math.max(0, Math.round(metres / 10) * 10))}\u00a0${t('unit.m')}`;
}

export function speed(speed_mps: number): string {
  return Number.isNaN(speed_mps) ? '—' : `${number(speed_mps * 3.6)} ${t('unit.kmh')}`;
}

/** How long something has lasted: `48 s`, `12 min`, `3 h 05`. */
export function lasted(from_ms: number, now_ms: number): string {
  const seconds = Math.max(0, Math.floor((now_ms - from_ms) / 1000));
  if (seconds < 90) return `${seconds} ${t('unit.s')}`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 90) return `${minutes} ${t('unit.min')}`;
  return `${Math.floor(minutes / 60)} ${t('unit.h')} ${String(minutes % 60).padStart(2, '0')}`;
}

/** An amount of minor units in its currency. */
export function money(amount_minor: number, currency: string): string {
  const style = { style: 'currency', currency, currencyDisplay: 'narrowSymbol' } as const;
  const format = new Intl.NumberFormat(locale(), style);
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount_minor / 10 ** digits);
}
