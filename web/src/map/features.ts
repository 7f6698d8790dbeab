import type { Feature, FeatureCollection, Geometry, GeoJsonProperties } from 'geojson';
import palette from '../palette.json';
import type { RoadEvent } from '../live/news';
import { mostUrgentLast, urgency } from '../live/news';
import type { Axis, LonLat } from '../road/axis';
import type { Coverage } from '../road/coverage';
import type { Labels } from '../road/labels';
import type { Carriageway, Plan, Sides } from '../road/plan';
import { t } from '../words';
import { marginColour } from './drawing';

export type Features = FeatureCollection<Geometry, GeoJsonProperties>;

export function collection(features: Feature<Geometry, GeoJsonProperties>[]): Features {
  return { type: 'FeatureCollection', features };
}

function line(coordinates: LonLat[], properties: GeoJsonProperties): Feature<Geometry, GeoJsonProperties> {
  return { type: 'Feature', geometry: { type: 'LineString', coordinates }, properties };
}

export function point(coordinates: LonLat, properties: GeoJsonProperties): Feature<Geometry, GeoJsonProperties> {
  return { type: 'Feature', geometry: { type: 'Point', coordinates }, properties };
}

/** One of 16 directions away from the road on the carriageway's side, for icons that stand beside it. */
export function outward(axis: Axis, carriageway: Sides | null | undefined, measure_m: number): number {
  const way: Carriageway = carriageway === 'decreasing' ? 'decreasing' : 'increasing';
  const bearing = axis.bearing(way, measure_m) + 90 * axis.side(way);
  return ((Math.round(bearing / 22.5) % 16) + 16) % 16;
}

export function roadFeatures(axis: Axis, length_m: number): Features {
  return collection(axis.carriageways.map((name) => line(axis.slice(name, 0, length_m), { side: axis.side(name) })));
}

/** Coverage joined into runs of one class. */
export function coverageFeatures(axis: Axis, coverage: Record<Carriageway, Coverage>): Features {
  const features = axis.carriageways.flatMap((carriageway) =>
    coverage[carriageway]
      .joined((run) => `${run.grade}${run.exempt}`)
      .map(({ start_m, end_m, run }) =>
        line(axis.slice(carriageway, start_m, end_m), {
          side: axis.side(carriageway),
          grade: run.exempt ? -1 : run.grade,
          colour: marginColour(run.grade, run.exempt),
        }),
      ),
  );
  return collection(features);
}

export function cableFeatures(axis: Axis, plan: Plan): Features {
  return collection(
    plan.cables.map((cable) => line(axis.slice(cable.carriageway, cable.start_m, cable.end_m), { side: axis.side(cable.carriageway) })),
  );
}

interface Standing {
  measure_m: number;
  carriageway?: Sides;
  latitude_deg?: number | null;
  longitude_deg?: number | null;
}

/** Where a thing stands: surveyed, or beside the road at its measure. */
export function standing(axis: Axis, thing: Standing): { place: LonLat; direction: number } {
  const { latitude_deg, longitude_deg } = thing;
  const known = typeof latitude_deg === 'number' && typeof longitude_deg === 'number';
  const way = thing.carriageway === 'decreasing' ? 'decreasing' : 'increasing';
  const place: LonLat = known ? [longitude_deg, latitude_deg] : axis.at(way, thing.measure_m);
  return { place, direction: known ? -1 : outward(axis, thing.carriageway, thing.measure_m) };
}

export function siteFeatures(axis: Axis, plan: Plan): Features {
  return collection(
    plan.sites.map((site, index) => {
      const { place, direction } = standing(axis, site);
      return point(place, { index, site: site.site, direction });
    }),
  );
}

export function hutFeatures(axis: Axis, plan: Plan): Features {
  const huts = plan.huts.map((hut, index) => {
    const direction = outward(axis, plan.cables[0]?.carriageway, hut.measure_m);
    return point(standing(axis, hut).place, { index, hut: hut.hut, direction });
  });
  return collection(huts);
}

/** How the road lies on the map: 0 north–south, then in steps of 45° clockwise; names stand across it, not on it. */
export function lean(axis: Axis, measure_m: number): number {
  const bearing = axis.bearing('increasing', measure_m);
  return ((Math.round(bearing / 45) % 4) + 4) % 4;
}

export function tollFeatures(axis: Axis, plan: Plan): Features {
  return collection(
    plan.toll_points.map((toll, index) => point(standing(axis, toll).place, { index, name: toll.name.replace(/\s*\(.*\)$/, ''), lean: lean(axis, toll.measure_m), rank: toll.at === 'main line' ? 0 : 1 })),
  );
}

const PLACE_SIGN: Record<string, string> = { service_area: 'service', junction: 'junction', interchange: 'junction' };

/** Junctions and service areas; one sign where both carriageways carry the same name. */
export function placeFeatures(axis: Axis, plan: Plan): Features {
  const seen = new Set<string>();
  const features = plan.places.flatMap((place, index) => {
    const sign = PLACE_SIGN[place.kind];
    const key = `${place.kind} ${place.name} ${place.kind === 'service_area' ? place.carriageway : Math.round(place.measure_m / 1000)}`;
    if (!sign || seen.has(key)) return [];
    seen.add(key);
    const left = place.kind === 'service_area' ? place.carriageway : 'decreasing';
    return [point(standing(axis, { ...place }).place, { index, name: place.name, icon: sign, direction: outward(axis, left, place.measure_m) })];
  });
  return collection(features);
}

/** Posts with their labels for the stretch in view, on the left of rising measure. */
export function tickFeatures(axis: Axis, labels: Labels, start_m: number, end_m: number): Features {
  const ticks = labels.ticks(start_m, end_m, 9);
  return collection(ticks.map((tick) => point(axis.at('decreasing', tick.measure_m), { text: tick.text, lean: lean(axis, tick.measure_m) })));
}

/** Relevance extents and anchors of the open events. */
export function eventFeatures(axis: Axis, events: RoadEvent[]): { extents: Features; anchors: Features } {
  const extents = [];
  const anchors = [];
  for (const [order, event] of mostUrgentLast(events).entries()) {
    const { event_id, anchor_m, start_m, end_m } = event;
    const way = event.carriageway ?? 'increasing';
    const state = urgency(event);
    const said = { event_id, urgency: state, order, side: axis.side(way), colour: palette.warning[state] };
    if (start_m !== null && end_m !== null && end_m > start_m) extents.push(line(axis.slice(way, start_m, end_m), said));
    if (anchor_m !== null) anchors.push(point(axis.at(way, anchor_m), { ...said, direction: outward(axis, way, anchor_m) }));
  }
  return { extents: collection(extents), anchors: collection(anchors) };
}

/** Meridians and parallels about the view, and their labels at the left and lower edge. */
export function graticule(west: number, south: number, east: number, north: number): { lines: Features; labels: Features } {
  const step = [5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005].find((wide) => (east - west) / wide >= 5) ?? 0.005;
  const digits = step < 0.01 ? 3 : step < 0.1 ? 2 : step < 1 ? 1 : 0;
  const lines = [];
  const marks = [];
  const steps = (from: number, to: number): number[] => {
    const first = Math.ceil(from / step);
    return Array.from({ length: Math.max(0, Math.floor(to / step) - first + 1) }, (_, i) => (first + i) * step);
  };
  for (const lon of steps(west, east)) {
    lines.push(line([[lon, south], [lon, north]], {}));
    marks.push(point([lon, south], { text: `${Math.abs(lon).toFixed(digits)}° ${t(lon < 0 ? 'coord.W' : 'coord.E')}` }));
  }
  for (const lat of steps(south, north)) {
    lines.push(line([[west, lat], [east, lat]], {}));
    marks.push(point([west, lat], { text: `${Math.abs(lat).toFixed(digits)}° ${t(lat < 0 ? 'coord.S' : 'coord.N')}` }));
  }
  return { lines: collection(lines), labels: collection(marks) };
}
