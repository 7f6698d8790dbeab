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
}

/** A charge with everything that explains it. */
export interface ExplainedCharge extends Charge {
  time: string;
  reason: string | null;
  text: string | null;
  contract_id?: string | null;
  explanation: unknown;
  passages: unknown;
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
  | { type: 'charges'; charges: Charge[] }
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
