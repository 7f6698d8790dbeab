import { signElement, type Sign } from '../icons';
import { get } from '../live/api';
import { began_ms, urgency, type Charge, type ExplainedCharge, type RoadEvent } from '../live/news';
import type { Traffic } from '../live/traffic';
import type { RoadPlan } from '../map/road_map';
import { el } from '../markup';
import { arrow, type Hut, type Place, type Sides, type Site, type TollPoint } from '../road/plan';
import type { RoadView, Thing } from '../road/view';
import { because, cause, clockTime, counted, distance, named, number, onLanguage, refusal, speed, t } from '../words';
import { amount, chargeFacts, way as wayOf } from './charge';
import { facts, tree, type Fact } from './facts';

interface Said {
  sign: Sign | null;
  heading: string;
  title: string;
  facts: Fact[];
  measure_m?: number | null;
  more?: Node[];
}

const LATEST = 12;

/** The panel that says of the chosen thing what it is and why it is so. */
export class Why {
  private charges: Charge[] = [];
  private charge: { key: string; body: ExplainedCharge | null; trouble: string } | null = null;

  constructor(
    private readonly container: HTMLElement,
    private readonly road: RoadPlan,
    private readonly view: RoadView,
    private readonly traffic: Traffic,
    private readonly event: (event_id: string) => RoadEvent | undefined,
  ) {
    view.on('chosen', () => this.render());
    onLanguage(() => this.render());
    this.render();
  }

  /** Draw the panel anew, as events and vehicles change under it. */
  render(): void {
    const focused = document.activeElement?.getAttribute('data-key');
    this.show();
    if (focused) this.container.querySelector<HTMLElement>(`[data-key="${focused}"]`)?.focus();
  }

  private show(): void {
    const thing = this.view.chosen;
    if (!thing) {
      this.container.replaceChildren(el('h2', {}, t('why.title')), el('p', { class: 'hint' }, t('why.hint')), ...this.latest());
      return;
    }
    const said = this.say(thing);
    const close = (): void => this.view.choose(null, 'list');
    const show = (): void => this.view.jump(said.measure_m ?? 0, 6000, 'list');
    this.container.replaceChildren(
      el('h2', {}, said.heading, el('button', { class: 'quiet', type: 'button', onclick: close, 'aria-label': t('why.close'), 'data-key': 'close' }, '✕')),
      el('h3', {}, said.sign && signElement(said.sign, 26), said.title),
      facts(said.facts),
      ...(said.more ?? []),
      typeof said.measure_m === 'number' ? el('button', { type: 'button', onclick: show, 'data-key': 'show' }, t('why.show')) : '',
    );
  }

  /** Show these as the latest charges and held trips while nothing is chosen. */
  list(charges: Charge[]): void {
    this.charges = charges;
    if (!this.view.chosen) this.render();
  }

  private latest(): Node[] {
    const rows = this.charges.slice(0, LATEST).map((charge) => {
      const choose = (): void => this.view.choose({ kind: 'charge', charge_key: charge.charge_key }, 'list');
      const time = charge.event_time_ms ? clockTime(charge.event_time_ms, false) : '';
      const held = charge.state === 'held';
      return el(
        'li',
        { class: held ? 'held' : '' },
        el('button', { type: 'button', onclick: choose, 'data-key': charge.charge_key }, el('b', {}, amount(charge)), el('span', {}, wayOf(charge)), el('time', {}, time)),
      );
    });
    return rows.length ? [el('h4', {}, t('status.charges')), el('ul', { class: 'latest' }, ...rows)] : [];
  }

  private say(thing: Thing): Said {
    switch (thing.kind) {
      case 'site':
        return this.site(thing.site);
      case 'hut':
        return this.hut(thing.hut);
      case 'toll':
        return this.toll(thing.point);
      case 'place':
        return this.named(thing.place);
      case 'event':
        return this.warning(thing.event_id);
      case 'vehicle':
        return this.vehicle(thing.handle);
      case 'bin':
        return this.bin(thing.measure_m);
      case 'charge':
        return this.explainCharge(thing.charge_key);
    }
  }

  private place(measure_m: number, carriageway?: Sides): string {
    return `${this.road.labels.text(measure_m)} ${arrow(carriageway)}`;
  }

  private extent(start_m: number, end_m: number, carriageway?: Sides): string {
    return `${this.road.labels.text(start_m)} – ${this.road.labels.text(end_m)} ${arrow(carriageway)}`;
  }

  private site(site: Site): Said {
    const served = this.road.axis.carriageways.flatMap((way) => this.road.coverage[way].runs.filter((run) => run.server === site.site));
    const length_m = served.reduce((sum, run) => sum + run.end_m - run.start_m, 0);
    const least = served.reduce<number | null>((low, run) => (run.margin_db !== null && (low === null || run.margin_db < low) ? run.margin_db : low), null);
    return {
      sign: 'site',
      heading: t('why.site'),
      title: site.site,
      measure_m: site.measure_m,
      facts: [
        [t('why.anchor'), this.place(site.measure_m, site.carriageway)],
        [t('why.needed'), need(site.needed_for), 'wide'],
        [t('why.height'), `${number(site.height_m)} ${t('unit.m')}`],
        [t('why.serves'), length_m ? distance(length_m) : '—'],
        [t('why.least'), least === null ? '—' : `${number(least)} ${t('unit.db')}`],
      ],
    };
  }

  private hut(hut: Hut): Said {
    return {
      sign: 'hut',
      heading: t('why.hut'),
      title: hut.hut,
      measure_m: hut.measure_m,
      facts: [
        [t('why.anchor'), this.place(hut.measure_m)],
        [t('why.role'), named('role', hut.role)],
        ...(hut.name ? [[t('why.power'), hut.name, 'wide'] as Fact] : []),
      ],
    };
  }

  private toll(point: TollPoint): Said {
    const { measure_m, carriageway, systems = [] } = point;
    const charged: Fact[] = systems.length ? [[t('why.systems'), systems.join(', '), 'wide']] : [];
    return { sign: 'toll', heading: t('why.toll'), title: point.name, measure_m, facts: [[t('why.anchor'), this.place(measure_m, carriageway)], ...charged] };
  }

  private named(place: Place): Said {
    const { kind, name, measure_m, carriageway } = place;
    const sign = kind === 'service_area' ? 'service' : 'junction';
    const list: Fact[] = [[t('why.kind'), named('kind', kind)], [t('why.anchor'), this.place(measure_m, carriageway)]];
    return { sign, heading: t('why.place'), title: name.replace(/^end of /, '') || named('kind', kind), measure_m, facts: list };
  }

  private warning(event_id: string): Said {
    const event = this.event(event_id);
    if (!event) return { sign: 'warning-ended', heading: t('why.event'), title: event_id, facts: [] };
    const way = event.carriageway ?? undefined;
    const { start_m, end_m } = event;
    const inside = start_m !== null && end_m !== null && [...this.traffic.between(start_m, end_m, performance.now())].filter((v) => v.carriageway === way).length;
    return {
      sign: `warning-${urgency(event)}`,
      heading: t('why.event'),
      title: cause(event.cause_code, event.sub_cause_code),
      measure_m: event.anchor_m,
      facts: [
        [t('why.anchor'), event.anchor_m === null ? '—' : this.place(event.anchor_m, way)],
        [t('why.rule'), event.rule === 'reported' ? named('rule', event.rule) : `${event.rule}. ${named('rule', event.rule)}`, 'wide'],
        ...(start_m !== null && end_m !== null ? [[t('why.relevance'), this.extent(start_m, end_m, way), 'wide'] as Fact] : []),
        ...(typeof inside === 'number' ? [[t('why.warned'), number(inside)] as Fact] : []),
        [t('why.detected'), clockTime(began_ms(event))],
        [t('why.reference'), clockTime(event.reference_ms)],
        ...(event.ended_ms ? [[t('why.ended'), [clockTime(event.ended_ms), because(event.ended_because ?? ''), event.ended_by === 'operator' ? '' : event.ended_by].filter(Boolean).join(' · '), 'wide'] as Fact] : []),
        ...(event.ended_note ? [[t('why.note'), event.ended_note, 'wide'] as Fact] : []),
        ...(event.remark ? [[t('why.remark'), because(event.remark), 'wide'] as Fact] : []),
        ...(event.attached_to ? [[t('why.attached'), event.attached_to] as Fact] : []),
        [t('why.code'), `${event.cause_code}.${event.sub_cause_code}`],
        [t('why.number'), event.event_id],
      ],
      more: [el('h4', {}, t('why.evidence')), tree(event.evidence)],
    };
  }

  private vehicle(handle: number): Said {
    const vehicle = this.traffic.vehicle(handle, performance.now());
    const heading = t('why.vehicle');
    if (!vehicle) return { sign: null, heading, title: `№ ${handle}`, facts: [[t('why.gone'), '', 'wide']] };
    return {
      sign: null,
      heading,
      title: named('vehicle', vehicle.kind),
      measure_m: vehicle.measure_m,
      facts: [
        [t('why.anchor'), this.place(vehicle.measure_m, vehicle.carriageway)],
        [t('why.speed'), speed(vehicle.speed_mps)],
        [t('why.handle'), String(vehicle.handle)],
      ],
    };
  }

  private bin(measure_m: number): Said {
    const said = this.road.axis.carriageways.flatMap((way): Fact[] => {
      const run = this.road.coverage[way].at(measure_m);
      if (!run) return [];
      const margin = run.margin_db === null ? '' : ` · ${number(run.margin_db)} ${t('unit.db')}`;
      const exempt = run.exempt ? ` · ${t('why.exempt')}: ${run.exempt}` : '';
      return [
        [`${arrow(way)} ${t('why.server')}`, `${run.server || t('why.noserver')}${margin}${exempt}`],
        [t('why.stretch'), this.extent(run.start_m, run.end_m, way), 'wide'],
      ];
    });
    return { sign: null, heading: t('why.bin'), title: this.road.labels.text(measure_m), facts: said };
  }

  private explainCharge(key: string): Said {
    if (this.charge?.key !== key) this.fetchCharge(key);
    const heading = t('why.charge');
    const charge = this.charge?.body;
    if (!charge) return { sign: 'toll', heading, title: '…', facts: [], more: [el('p', { class: 'hint' }, this.charge?.trouble ?? '')] };
    return { sign: 'toll', heading, title: amount(charge), ...chargeFacts(charge, this.road.plan.toll_points) };
  }

  private fetchCharge(key: string): void {
    this.charge = { key, body: null, trouble: '' };
    get<ExplainedCharge>(`/api/toll/charges/${encodeURIComponent(key)}`)
      .then((body) => (this.charge = { key, body, trouble: '' }))
      .catch((error: unknown) => (this.charge = { key, body: null, trouble: refusal(error, 'charge') }))
      .finally(() => this.view.chosen?.kind === 'charge' && this.render());
  }
}

const NEED = /^([\w.-]+) at (.+): (\d+) other sites? would serve$/;

/** What a site is needed for, in the page's own language. */
function need(needed_for: string): string {
  const [, claim, place, left] = NEED.exec(needed_for) ?? [];
  if (!claim || !place) return needed_for || '—';
  return `${named('claim', claim)}: ${place}. ${counted('need.left', Number(left)).replace('{n}', left ?? '')}`;
}
