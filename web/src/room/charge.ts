import { el } from '../markup';
import type { Charge, ChargedPassage, ExplainedCharge, Explanation } from '../live/news';
import type { TollPoint } from '../road/plan';
import { moment, money, named, number, t } from '../words';
import { facts, folded, type Fact } from './facts';

/** Where a charge leads: `Москва → Солнечногорск`; one name where only one toll point was passed. */
export function way(charge: Charge): string {
  const ends = [charge.entry_name, charge.exit_name].filter(Boolean);
  return ends.length ? ends.join(' → ') : charge.system;
}

/** An amount, or the state of what has none. */
export function amount(charge: Charge): string {
  const { amount_minor, currency, state } = charge;
  return amount_minor !== null && currency && state !== 'held' ? money(amount_minor, currency) : named('charge', state);
}

/** Why this driver pays this: contract, way, tariff, lines; then what it rests on, folded. */
export function chargeFacts(charge: ExplainedCharge, points: TollPoint[]): { facts: Fact[]; more: Node[] } {
  const name = (id: string): string => points.find((point) => point.id === id)?.name ?? id;
  const passages = charge.passages ?? [];
  const { explanation } = charge;
  return {
    facts: [
      ...(charge.state === 'charged' ? [] : [[t('why.state'), named('charge', charge.state)] as Fact]),
      ...(charge.reason ? [[t('why.reason'), named('held', charge.reason), 'wide'] as Fact] : []),
      [t('why.way'), passages.map((passage) => name(passage.toll_point)).join(' → ') || '—', 'wide'],
      [t('why.time'), moment(Date.parse(charge.time))],
      ...(charge.contract_id ? [[t('why.contract'), charge.contract_id] as Fact] : []),
      ...(explanation ? tariffFacts(explanation) : [[t('why.system'), charge.system] as Fact]),
    ],
    more: [
      ...(explanation ? lines(explanation, charge.currency ?? '') : []),
      ...passed(passages, name),
      ...folded(t('why.reads'), charge.reads),
      ...folded(t('why.entries'), charge.entries),
      ...folded(t('why.explanation'), explanation),
    ],
  };
}

function tariffFacts({ tariff, time, vehicle }: Explanation): Fact[] {
  const said = [vehicle?.class && t('why.class', { name: vehicle.class }), named('means', vehicle?.means ?? '')].filter(Boolean);
  return [
    [t('why.vehicle'), said.join(', ') || '—'],
    [t('why.tariff'), `${tariff?.name ?? '—'}, ${tariff?.version ?? ''}`, 'wide'],
    ...(time?.profile ? [[t('why.profile'), `${named('profile', time.profile)}, ${named('base', time.base ?? '')}`] as Fact] : []),
  ];
}

/** What adds up to the amount. */
function lines({ arithmetic }: Explanation, currency: string): Node[] {
  const all = arithmetic?.lines ?? [];
  const [above = 0, below = 1] = (arithmetic?.discount ?? '0').split('/').map(Number);
  const discount = above / below;
  const rows = all.map((line): Fact => {
    const pair = all.length > 1 ? `${line.from} → ${line.to}` : t('why.price');
    const less = line.full_minor === line.amount_minor ? '' : `${money(line.full_minor, currency)} → `;
    return [pair, `${less}${money(line.amount_minor, currency)}`];
  });
  if (discount) rows.push([t('why.discount'), `${number(100 * discount, (100 * discount) % 1 ? 1 : 0)} %`]);
  return rows.length ? [el('h4', {}, t('why.lines')), facts(rows)] : [];
}

function passed(passages: ChargedPassage[], name: (id: string) => string): Node[] {
  const rows = passages.map(
    (passage): Fact => [name(passage.toll_point), `${moment(Date.parse(passage.time))} · ${named('movement', passage.movement)} · ${named('seen', passage.seen)}`, 'wide'],
  );
  return rows.length ? [el('h4', {}, t('why.passages')), facts(rows)] : [];
}
