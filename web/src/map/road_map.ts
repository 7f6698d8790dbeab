import { Map as Chart, ScaleControl, setWorkerUrl, type GeoJSONSource, type MapMouseEvent } from 'maplibre-gl';
import 'maplibre-gl/dist/maplibre-gl.css';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';
import { signImage, type Sign } from '../icons';
import type { RoadEvent } from '../live/news';
import type { Traffic } from '../live/traffic';
import palette from '../palette.json';
import type { Axis, LonLat } from '../road/axis';
import type { Coverage } from '../road/coverage';
import type { Labels } from '../road/labels';
import type { Carriageway, Plan } from '../road/plan';
import type { RoadView, Thing } from '../road/view';
import { onLanguage, t } from '../words';
import { atZoom, CLICKABLE, GROUPS, mapStyle, vehicleGap, type GroupName, type SourceName } from './drawing';
import * as draw from './features';

setWorkerUrl(workerUrl);

const SIGNS: [Sign, number][] = [
  ['site', 24], ['hut', 20], ['toll', 22], ['service', 20], ['junction', 16], ['post', 12],
  ['warning-new', 30], ['warning-acknowledged', 26], ['warning-unconfirmed', 26], ['warning-reported', 26], ['warning-ended', 22],
];
const REACH_PX = 60;
const PADDING_PX = { top: 56, bottom: 56, left: 56, right: 56 };

export interface RoadPlan {
  plan: Plan;
  axis: Axis;
  labels: Labels;
  coverage: Record<Carriageway, Coverage>;
}

/** The map: native layers only, the camera coupled with the diagram's stretch. */
export class RoadMap {
  readonly chart: Chart;
  /** Set when everything asked for has been drawn once; tests wait for it. */
  idle = false;
  private ready = false;
  private events: RoadEvent[] = [];
  private following = false;
  private bar: ScaleControl | null = null;

  constructor(
    container: HTMLElement,
    private readonly road: RoadPlan,
    private readonly view: RoadView,
    private readonly traffic: Traffic,
  ) {
    this.chart = new Chart({
      container,
      style: mapStyle(road.plan.road.schematic),
      bounds: road.axis.bounds(0, road.plan.road.length_m),
      fitBoundsOptions: { padding: PADDING_PX },
      attributionControl: { compact: false, customAttribution: escaped(road.plan.credit) },
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      keyboard: false,
      fadeDuration: 0,
      maxZoom: 18,
    });
    this.chart.touchZoomRotate.disableRotation();
    this.scale();
    onLanguage(() => this.scale());
    this.chart.on('load', () => this.begin());
    this.chart.on('render', () => (this.idle = this.ready && this.chart.isSourceLoaded('coverage')));
  }

  /** The scale bar, in the words of the page. */
  private scale(): void {
    if (this.bar) this.chart.removeControl(this.bar);
    Object.assign(this.chart._locale, { 'ScaleControl.Meters': t('unit.m'), 'ScaleControl.Kilometers': t('unit.km') });
    this.bar = new ScaleControl({ maxWidth: 120 });
    this.chart.addControl(this.bar, 'bottom-left');
    if (this.ready) this.grid();
  }

  /** Draw the open events. */
  warn(events: RoadEvent[]): void {
    this.events = events;
    if (!this.ready) return;
    const { extents, anchors } = draw.eventFeatures(this.road.axis, events);
    this.set('extents', extents);
    this.set('anchors', anchors);
  }

  /** Switch a group of layers on or off. */
  toggle(group: GroupName, shown: boolean): void {
    for (const layer of GROUPS[group]) this.chart.setLayoutProperty(layer, 'visibility', shown ? 'visible' : 'none');
  }

  /** Draw the vehicles of the stretch in view where they are now; returns how many. */
  drive(now_ms: number): number {
    if (!this.ready) return 0;
    const { axis, plan } = this.road;
    const zoom = this.chart.getZoom();
    const gap_px = atZoom(vehicleGap(plan.road.schematic), zoom);
    const centre = this.chart.getCenter().lat;
    const px_m = (40_075_016 * Math.cos((centre * Math.PI) / 180)) / (512 * 2 ** zoom);
    const slack_m = this.view.span_m * 0.3;
    const features = [];
    for (const vehicle of this.traffic.between(this.view.start_m - slack_m, this.view.end_m + slack_m, now_ms)) {
      const right_m = axis.side(vehicle.carriageway) * gap_px * px_m + (zoom > 14 ? vehicle.offset_m : 0);
      const slow = vehicle.speed_mps < 8.3;
      features.push(
        draw.point(axis.at(vehicle.carriageway, vehicle.measure_m, right_m), {
          handle: vehicle.handle,
          size: vehicle.kind === 'truck' || vehicle.kind === 'bus' ? 1.25 : 1,
          colour: vehicle.standing ? palette.standing : slow ? palette.slow : palette.vehicle,
        }),
      );
    }
    this.set('vehicles', draw.collection(features));
    return features.length;
  }

  private begin(): void {
    const { axis, plan, coverage } = this.road;
    for (const [sign, size] of SIGNS) this.chart.addImage(sign, signImage(sign, size), { pixelRatio: 2 });
    this.set('road', draw.roadFeatures(axis, plan.road.length_m));
    this.set('coverage', draw.coverageFeatures(axis, coverage));
    this.set('cable', draw.cableFeatures(axis, plan));
    this.set('sites', draw.siteFeatures(axis, plan));
    this.set('huts', draw.hutFeatures(axis, plan));
    this.set('tolls', draw.tollFeatures(axis, plan));
    this.set('places', draw.placeFeatures(axis, plan));
    this.ready = true;
    this.warn(this.events);
    this.couple();
    this.frame();
  }

  private couple(): void {
    this.view.on('extent', (origin) => {
      if (origin !== 'map') this.follow();
      this.frame();
    });
    this.view.on('cursor', () => this.mark('cursor', this.cursorPlace()));
    this.view.on('chosen', () => this.mark('chosen', this.chosenPlace()));
    this.chart.on('move', () => {
      if (!this.following) this.lead();
    });
    this.chart.on('moveend', () => this.grid());
    this.chart.on('resize', () => this.follow());
    this.chart.on('mousemove', (event) => this.hover(event));
    this.chart.on('mouseout', () => this.view.point(null, 'map'));
    this.chart.on('click', (event) => this.pick(event));
  }

  /** The camera goes where the diagram is. */
  private follow(): void {
    const bounds = this.road.axis.bounds(this.view.start_m, this.view.end_m);
    const camera = this.chart.cameraForBounds(bounds, { padding: PADDING_PX, maxZoom: 17 });
    if (!camera) return;
    this.following = true;
    this.chart.jumpTo(camera);
    this.following = false;
  }

  /** The diagram goes where the camera is: the part of the road that is seen about the middle of the picture. */
  private lead(): void {
    const bounds = this.chart.getBounds();
    const steps = 600;
    const step_m = this.view.length_m / steps;
    const seen = Array.from({ length: steps + 1 }, (_, i) => bounds.contains(this.road.axis.at('increasing', i * step_m)));
    const centre = this.chart.getCenter();
    const middle_m = this.road.axis.nearest([centre.lng, centre.lat]).measure_m;
    const at = Math.round(middle_m / step_m);
    if (!seen[at]) {
      const wide_m = (512 * this.metresPerPixel()) / 2;
      this.view.show(middle_m - wide_m, middle_m + wide_m, 'map');
      return;
    }
    let [low, high] = [at, at];
    while (low > 0 && seen[low - 1]) low -= 1;
    while (high < steps && seen[high + 1]) high += 1;
    const edge = (inside: number, outside: number): number => this.edge(inside * step_m, outside * step_m);
    const start_m = low === 0 ? 0 : edge(low, low - 1);
    const end_m = high === steps ? this.view.length_m : edge(high, high + 1);
    this.view.show(start_m, end_m, 'map');
  }

  /** Where between two measures the road leaves the picture. */
  private edge(inside_m: number, outside_m: number): number {
    const bounds = this.chart.getBounds();
    for (let i = 0; i < 12; i += 1) {
      const middle_m = (inside_m + outside_m) / 2;
      if (bounds.contains(this.road.axis.at('increasing', middle_m))) inside_m = middle_m;
      else outside_m = middle_m;
    }
    return inside_m;
  }

  private metresPerPixel(): number {
    const latitude = (this.chart.getCenter().lat * Math.PI) / 180;
    return (40_075_016 * Math.cos(latitude)) / (512 * 2 ** this.chart.getZoom());
  }

  private frame(): void {
    const { axis, labels } = this.road;
    this.set('ticks', draw.tickFeatures(axis, labels, this.view.start_m, this.view.end_m));
    this.grid();
  }

  private grid(): void {
    const bounds = this.chart.getBounds();
    const { lines, labels } = draw.graticule(bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth());
    this.set('graticule', lines);
    this.set('graticule-labels', labels);
  }

  private hover(event: MapMouseEvent): void {
    const near = this.road.axis.nearest([event.lngLat.lng, event.lngLat.lat]);
    const inReach = near.distance_m < REACH_PX * this.metresPerPixel();
    this.view.point(inReach ? near.measure_m : null, 'map');
    const things = this.chart.queryRenderedFeatures(event.point, { layers: CLICKABLE });
    this.chart.getCanvas().style.cursor = things.length ? 'pointer' : '';
  }

  private pick(event: MapMouseEvent): void {
    const { x, y } = event.point;
    const found = this.chart.queryRenderedFeatures([[x - 7, y - 7], [x + 7, y + 7]], { layers: CLICKABLE });
    const first = found.toSorted((a, b) => CLICKABLE.indexOf(a.layer.id) - CLICKABLE.indexOf(b.layer.id))[0];
    const near = this.road.axis.nearest([event.lngLat.lng, event.lngLat.lat]);
    this.view.choose(first ? this.thing(first.layer.id, first.properties, near.measure_m) : null, 'map');
  }

  private thing(layer: string, properties: Record<string, unknown>, measure_m: number): Thing | null {
    const { plan } = this.road;
    const index = Number(properties['index'] ?? -1);
    const [site, hut, toll, place] = [plan.sites[index], plan.huts[index], plan.toll_points[index], plan.places[index]];
    if (typeof properties['event_id'] === 'string') return { kind: 'event', event_id: properties['event_id'] };
    if (layer === 'vehicles') return { kind: 'vehicle', handle: Number(properties['handle']) };
    if (layer === 'sites' && site) return { kind: 'site', site };
    if (layer === 'huts' && hut) return { kind: 'hut', hut };
    if (layer === 'tolls' && toll) return { kind: 'toll', point: toll };
    if (layer === 'places' && place) return { kind: 'place', place };
    return { kind: 'bin', measure_m };
  }

  private cursorPlace(): LonLat | null {
    return this.view.cursor_m === null ? null : this.road.axis.at('increasing', this.view.cursor_m);
  }

  private chosenPlace(): LonLat | null {
    const thing = this.view.chosen;
    if (thing?.kind === 'bin') return this.road.axis.at('increasing', thing.measure_m);
    if (thing?.kind === 'toll') return this.road.axis.at('increasing', thing.point.measure_m);
    if (thing?.kind === 'site') return draw.standing(this.road.axis, thing.site).place;
    if (thing?.kind === 'hut') return draw.standing(this.road.axis, thing.hut).place;
    return null;
  }

  private mark(source: 'cursor' | 'chosen', place: LonLat | null): void {
    this.set(source, draw.collection(place ? [draw.point(place, {})] : []));
  }

  private set(source: SourceName, features: draw.Features): void {
    this.chart.getSource<GeoJSONSource>(source)?.setData(features);
  }
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
