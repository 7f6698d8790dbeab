/** Shapes of the live feed's texts. */
import type { Carriageway } from '../road/plan';

export interface RoadEvent {
  event_id: string;
  cause_code: number;
  sub_cause_code: number;
  state: string;
  carriageway: Carriageway | null;
  anchor_m: number | null;
  label: string | null;
  start_m: number | null;
  end_m: number | null;
  /** When it began; `detection_ms` moves on with every update. */
  opened_ms?: number;
  detection_ms: number;
  reference_ms: number;
  rule: string;
  evidence: unknown;
  acknowledged_by: string | null;
  acknowledged_ms: number | null;
  reported: boolean;
  ended_ms?: number | null;
  ended_because?: string | null;
  ended_by?: string | null;
  ended_note?: string | null;
  remark?: string | null;
  attached_to?: string | null;
}

/** A charge as the ticker gets it. */
export interface Charge {
  charge_key: string;
  system: string;
  state: string;
  amount_minor: number | null;
  currency: string | null;
  event_time_ms?: number;
  reason?: string | null;
  entry_name?: string | null;
  exit_name?: string | null;
}

export interface ChargedPassage {
  toll_point: string;
  time: string;
  movement: string;
  seen: string;
}

/** What a charge was made of; as the ledger keeps it. */
export interface Explanation {
  arithmetic?: { lines?: { from: string; to: string; full_minor: number; amount_minor: number }[]; discount?: string; vat_rate?: string | null };
  tariff?: { name?: string; version?: string; source?: string; file?: string };
  time?: { base?: string; local?: string; profile?: string };
  vehicle?: { class?: string; means?: string; payment?: string };
  rules?: string[];
}

/** A charge with everything that explains it. */
export interface ExplainedCharge extends Charge {
  time: string;
  reason: string | null;
  text: string | null;
  contract_id?: string | null;
  explanation: Explanation | null;
  passages: ChargedPassage[];
  reads: unknown;
  entries: unknown;
}

export interface Status {
  time_ms: number;
  simulated: boolean;
  broker: boolean;
  worker: boolean;
  store: boolean;
  counts: Record<string, unknown>;
}

export type News =
  | { type: 'events'; events: RoadEvent[] }
  | { type: 'charges'; charges: Charge[]; held?: Charge[] }
  | ({ type: 'status' } & Status)
  | { type: 'trouble'; error: string };

/** When an event began. */
export function began_ms(event: RoadEvent): number {
  return event.opened_ms ?? event.detection_ms;
}

/** How an event is drawn: by what an operator has to do about it. */
export type Urgency = 'new' | 'acknowledged' | 'unconfirmed' | 'reported' | 'ended';

export function urgency(event: RoadEvent): Urgency {
  if (event.state === 'ended') return 'ended';
  if (event.acknowledged_by === null) return event.reported ? 'reported' : 'new';
  return event.state === 'unconfirmed' ? 'unconfirmed' : 'acknowledged';
}

const DRAWN: Urgency[] = ['ended', 'acknowledged', 'unconfirmed', 'reported', 'new'];

/** Events in the order in which they are drawn: what is still to be acknowledged lies on top. */
export function mostUrgentLast(events: RoadEvent[]): RoadEvent[] {
  return events.toSorted((a, b) => DRAWN.indexOf(urgency(a)) - DRAWN.indexOf(urgency(b)));
}
