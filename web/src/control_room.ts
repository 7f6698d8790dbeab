import './styles/control_room.css';
import { get } from './live/api';
import { readFrame } from './live/frame';
import type { Charge, News } from './live/news';
import { LiveSocket } from './live/socket';
import { Traffic } from './live/traffic';
import { RoadMap, type RoadPlan } from './map/road_map';
import { byId, el } from './markup';
import { Axis } from './road/axis';
import { Coverage } from './road/coverage';
import { Labels } from './road/labels';
import type { Plan } from './road/plan';
import { RoadView } from './road/view';
import { Alarms } from './room/alarms';
import { Call } from './room/call';
import { operatorSession } from './room/gate';
import { Legend } from './room/legend';
import { StatusLine } from './room/status_line';
import { TopBar } from './room/top_bar';
import { Why } from './room/why';
import { Strip } from './strip/strip';
import { currentLanguage, onLanguage, setZone, t } from './words';

const DRAW_MS = 120;
const MANY = 800;

/** The platform's own time between two pieces of news. */
class PlatformClock {
  private offset_ms = 0;

  set(time_ms: number): void {
    this.offset_ms = time_ms - performance.now();
  }

  now_ms = (): number => performance.now() + this.offset_ms;
}

/** Toll points without a place on this road feed charges but have nothing to be drawn at. */
function placed(plan: Plan): Plan {
  return { ...plan, toll_points: plan.toll_points.filter((point) => point.measure_m !== null) };
}

/** A held trip as the lists show it: it has no amount, and its state says so. */
function held(trip: Charge): Charge {
  return { ...trip, state: 'held', amount_minor: null, currency: null };
}

function openRoom(plan: Plan): void {
  setZone(plan.time_zone ?? '');
  const road: RoadPlan = { plan, axis: new Axis(plan), labels: new Labels(plan.labels, plan.road.script), coverage: Coverage.of(plan) };
  const clock = new PlatformClock();
  clock.set(Date.now());
  const view = new RoadView(plan.road.length_m);
  const traffic = new Traffic();
  const map = new RoadMap(byId('map'), road, view, traffic);
  const strip = new Strip(byId('strip'), road, view, traffic);
  const legend = el('div', { id: 'legend' });
  byId('map').append(legend, el('p', { class: 'stale-since', role: 'status' }));
  skipLink();
  new Legend(legend, map);
  const top = new TopBar(byId('top'), plan, view, traffic, clock.now_ms);
  const status = new StatusLine(byId('status'), view);
  const warn = (): void => {
    map.warn(alarms.events);
    strip.warn(alarms.events);
    if (view.chosen?.kind === 'event') why.render();
  };
  const alarms = new Alarms(byId('alarms'), new Call(document.body), view, clock.now_ms, () => warn());
  const why = new Why(byId('why'), road, view, traffic, (event_id) => alarms.event(event_id));
  const hear = (news: News): void => {
    if (news.type === 'events') {
      alarms.take(news.events);
      warn();
    } else if (news.type === 'charges') {
      const latest = [...news.charges, ...(news.held ?? []).map(held)].toSorted((a, b) => (b.event_time_ms ?? 0) - (a.event_time_ms ?? 0));
      status.charge(latest);
      why.list(latest);
    } else if (news.type === 'trouble') status.trouble(news.error);
    else if (news.type === 'status') {
      status.take(news);
      clock.set(news.time_ms);
      top.pretend(news.simulated);
    }
  };
  const socket = new LiveSocket('/api/live', {
    connected: (there) => top.link(there),
    refused: () => void operatorSession().then(() => socket.open()),
    shut: () => void operatorSession().catch(() => null),
    text: (said) => hear(said as News),
    binary: (buffer) => {
      const frame = readFrame(buffer);
      traffic.take(frame, performance.now());
      top.heard();
      top.pretend(frame.simulated || plan.simulated);
    },
  });
  socket.open();
  window.setInterval(() => {
    top.tick();
    alarms.tick();
    if (view.chosen?.kind === 'vehicle') why.render();
  }, 1000);
  animate(map, strip);
  Object.assign(window, { trassa: { map, strip, view, traffic, alarms } });
}

/** The first thing that the keyboard reaches leads to the warnings. */
function skipLink(): void {
  const link = el('a', { class: 'skip', href: '#alarms' });
  const say = (): void => link.replaceChildren(t('page.skip'));
  say();
  onLanguage(say);
  document.body.prepend(link);
}

/** Draw what moves, often while there are few vehicles, seldom while there are many; never in a hidden page. */
function animate(map: RoadMap, strip: Strip): void {
  let drawn_ms = 0;
  let wait_ms = DRAW_MS;
  const step = (now_ms: number): void => {
    if (now_ms - drawn_ms >= wait_ms) {
      drawn_ms = now_ms;
      strip.drive(now_ms);
      wait_ms = map.drive(now_ms) > MANY ? DRAW_MS * 3 : DRAW_MS;
    }
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

async function start(): Promise<void> {
  document.documentElement.lang = currentLanguage();
  await operatorSession();
  openRoom(placed(await get<Plan>('/api/plan')));
}

start().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  document.body.append(el('p', { class: 'failed', role: 'alert' }, t('page.failed', { error: message })));
  throw error;
});
