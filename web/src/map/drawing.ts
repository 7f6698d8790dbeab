import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl';
import palette from '../palette.json';
import { MARGIN_CLASSES } from '../road/coverage';

/** Sources that the map draws, all GeoJSON made from the plan or the live feed. */
export const SOURCES = [
  'graticule', 'graticule-labels', 'road', 'coverage', 'extents', 'cable', 'ticks', 'places', 'huts', 'sites', 'tolls', 'vehicles',
  'anchors', 'cursor', 'chosen',
] as const;
export type SourceName = (typeof SOURCES)[number];

/** Layers that the legend can switch off together. */
export const GROUPS = {
  coverage: ['coverage', 'coverage-gap'],
  vehicles: ['vehicles'],
  warnings: ['extents-glow', 'extents', 'anchors'],
  equipment: ['cable', 'huts', 'sites', 'tolls', 'places'],
  graticule: ['graticule', 'graticule-labels'],
} as const;
export type GroupName = keyof typeof GROUPS;

/** Layers whose things answer a click, the smallest first. */
export const CLICKABLE = ['anchors', 'vehicles', 'sites', 'huts', 'tolls', 'places', 'extents', 'extents-glow', 'coverage', 'coverage-gap'];

type Stops = [number, number][];

/** Distance of vehicles from the drawn centre line, pixels by zoom; on a surveyed road they reach the road itself. */
export function vehicleGap(schematic: boolean): Stops {
  return [[5, 9], [8, 10], [13, 14], [16.5, schematic ? 16 : 0]];
}

/** Value of stops at a zoom. */
export function atZoom(stops: Stops, zoom: number): number {
  const after = stops.findIndex(([at]) => at >= zoom);
  if (after === 0) return stops[0]?.[1] ?? 0;
  const [high, low] = [stops[after], stops[after - 1]];
  if (!high || !low) return stops.at(-1)?.[1] ?? 0;
  return low[1] + ((high[1] - low[1]) * (zoom - low[0])) / (high[0] - low[0]);
}

function byZoom(stops: Stops, scale: ExpressionSpecification | number = 1): ExpressionSpecification {
  const parts = stops.flatMap(([zoom, value]) => [zoom, scale === 1 ? value : ['*', value, scale]]);
  return ['interpolate', ['linear'], ['zoom'], ...parts] as unknown as ExpressionSpecification;
}

const SIDE: ExpressionSpecification = ['get', 'side'];
const COLOUR: ExpressionSpecification = ['get', 'colour'];

/** Where an icon stands beside the road: 22 px away in one of 16 directions; -1 keeps it in its place. */
function besideRoad(gap_px: number): ExpressionSpecification {
  const cases = Array.from({ length: 16 }, (_, i) => {
    const angle = (i * Math.PI) / 8;
    return [i, ['literal', [Math.round(Math.sin(angle) * gap_px), Math.round(-Math.cos(angle) * gap_px)]]];
  }).flat();
  return ['match', ['get', 'direction'], ...cases, ['literal', [0, 0]]] as unknown as ExpressionSpecification;
}

/** Where a name may stand beside a road that leans so, the better place first; offsets in em. */
function acrossRoad(far: number, leftFirst: boolean): ExpressionSpecification {
  const near = far * 0.75;
  const sides: [string, [number, number]][][] = [
    [['left', [far, 0]], ['right', [-far, 0]]],
    [['top-left', [near, near]], ['bottom-right', [-near, -near]]],
    [['top', [0, far]], ['bottom', [0, -far]]],
    [['bottom-left', [near, -near]], ['top-right', [-near, near]]],
  ];
  const cases = sides.flatMap((pair, leaning) => [leaning, ['literal', (leftFirst ? pair.toReversed() : pair).flat()]]);
  return ['match', ['get', 'lean'], ...cases, ['literal', ['left', [far, 0], 'right', [-far, 0]]]] as unknown as ExpressionSpecification;
}

function roadLayers(schematic: boolean): LayerSpecification[] {
  const gap = byZoom([[8, 3.6], [13, 5.5], [16, schematic ? 6 : 0]], SIDE);
  const width = byZoom([[5, 5], [10, 6], [13, 7], [16, 10]]);
  const round = { 'line-join': 'round', 'line-cap': 'butt' } as const;
  const none: ExpressionSpecification = ['==', ['get', 'grade'], 0];
  return [
    { id: 'road', type: 'line', source: 'road', layout: round, paint: { 'line-color': palette.road, 'line-width': 1.5, 'line-offset': gap } },
    {
      id: 'extents-glow', type: 'line', source: 'extents', layout: { ...round, 'line-cap': 'round', 'line-sort-key': ['get', 'order'] },
      paint: { 'line-color': COLOUR, 'line-width': byZoom([[7, 12], [13, 24], [16, 30]]), 'line-offset': byZoom([[8, 8], [13, 11], [16, schematic ? 12 : 4]], SIDE), 'line-opacity': 0.22 },
    },
    { id: 'coverage', type: 'line', source: 'coverage', filter: ['!', none], layout: round, paint: { 'line-color': COLOUR, 'line-width': width, 'line-offset': gap } },
    { id: 'coverage-gap', type: 'line', source: 'coverage', filter: none, layout: round, paint: { 'line-color': COLOUR, 'line-width': width, 'line-offset': gap, 'line-dasharray': [1.2, 0.5] } },
    { id: 'cable', type: 'line', source: 'cable', minzoom: 9, layout: round, paint: { 'line-color': palette.cable, 'line-width': 1.4, 'line-offset': byZoom([[9, 16], [13, 20], [16, 26]], SIDE), 'line-opacity': 0.75 } },
    { id: 'extents', type: 'line', source: 'extents', layout: { ...round, 'line-sort-key': ['get', 'order'] }, paint: { 'line-color': COLOUR, 'line-width': 2.5, 'line-offset': byZoom([[7, 14], [13, 22], [16, 28]], SIDE), 'line-opacity': 0.95 } },
  ];
}

function thingLayers(): LayerSpecification[] {
  const halo = { 'text-halo-color': palette.ground, 'text-halo-width': 1.6 } as const;
  const font = ['system-ui', 'sans-serif'];
  return [
    { id: 'ticks', type: 'symbol', source: 'ticks', layout: { 'text-field': ['get', 'text'], 'text-font': font, 'text-size': 13.5, 'text-offset': [0, 0], 'text-anchor': 'center', 'icon-image': 'post', 'icon-allow-overlap': true, 'text-optional': true, 'text-variable-anchor-offset': acrossRoad(2.6, true) }, paint: { 'text-color': palette.dim, ...halo } },
    { id: 'places', type: 'symbol', source: 'places', minzoom: 7, layout: { 'icon-image': ['get', 'icon'], 'icon-offset': besideRoad(34), 'text-field': ['step', ['zoom'], '', 8.6, ['get', 'name']], 'text-font': font, 'text-size': 12.5, 'text-variable-anchor-offset': ['left', [3, 0], 'right', [-3, 0], 'top', [0, 3.4], 'bottom', [0, -3.4]], 'text-optional': true }, paint: { 'text-color': palette.dim, ...halo } },
    { id: 'huts', type: 'symbol', source: 'huts', minzoom: 6.6, layout: { 'icon-image': 'hut', 'icon-offset': besideRoad(24), 'icon-allow-overlap': true, 'text-field': ['step', ['zoom'], '', 9, ['get', 'hut']], 'text-font': font, 'text-size': 12, 'text-anchor': 'top', 'text-offset': [0, 2.6], 'text-optional': true }, paint: { 'text-color': palette.cable, ...halo } },
    { id: 'sites', type: 'symbol', source: 'sites', minzoom: 7, layout: { 'icon-image': 'site', 'icon-size': byZoom([[7, 0.62], [10, 1]]), 'icon-offset': besideRoad(30), 'icon-allow-overlap': true, 'text-field': ['step', ['zoom'], '', 8.8, ['get', 'site']], 'text-font': font, 'text-size': 12.5, 'text-variable-anchor-offset': ['bottom', [0, -2.8], 'top', [0, 3], 'left', [2.5, 0], 'right', [-2.5, 0]], 'text-optional': true }, paint: { 'text-color': palette.site, ...halo } },
    { id: 'tolls', type: 'symbol', source: 'tolls', layout: { 'icon-image': 'toll', 'icon-size': byZoom([[5, 0.62], [10, 1]]), 'icon-allow-overlap': ['step', ['zoom'], false, 8, true], 'icon-padding': 0, 'text-field': ['get', 'name'], 'text-font': font, 'text-size': 12.5, 'symbol-sort-key': ['get', 'rank'], 'text-variable-anchor-offset': ['step', ['zoom'], acrossRoad(1.5, false), 10, acrossRoad(2.4, false)], 'text-optional': true }, paint: { 'text-color': palette.toll, ...halo } },
    {
      id: 'vehicles', type: 'circle', source: 'vehicles',
      paint: {
        'circle-color': COLOUR, 'circle-radius': byZoom([[6, 1.3], [10, 2.8], [13, 4.5], [17, 7.5]], ['get', 'size']),
        'circle-opacity': byZoom([[6, 0.4], [9, 0.9], [11, 1]]), 'circle-stroke-color': palette.ground, 'circle-stroke-width': byZoom([[9, 0], [12, 1.2]]),
      },
    },
    { id: 'anchors', type: 'symbol', source: 'anchors', layout: { 'icon-image': ['concat', 'warning-', ['get', 'urgency']], 'icon-offset': besideRoad(34), 'icon-allow-overlap': true, 'symbol-sort-key': ['get', 'order'] } },
    { id: 'chosen', type: 'circle', source: 'chosen', paint: { 'circle-color': 'rgba(0,0,0,0)', 'circle-radius': 17, 'circle-stroke-color': palette.bright, 'circle-stroke-width': 2 } },
    { id: 'cursor', type: 'circle', source: 'cursor', paint: { 'circle-color': 'rgba(0,0,0,0)', 'circle-radius': 9, 'circle-stroke-color': palette.bright, 'circle-stroke-width': 2.5 } },
  ] as LayerSpecification[];
}

/** The whole style: a dark ground, nothing from outside. */
export function mapStyle(schematic: boolean): StyleSpecification {
  const empty = { type: 'FeatureCollection' as const, features: [] };
  const sources = Object.fromEntries(SOURCES.map((name) => [name, { type: 'geojson' as const, data: empty, tolerance: 0.1 }]));
  return {
    version: 8,
    sources,
    layers: [
      { id: 'ground', type: 'background', paint: { 'background-color': palette.ground } },
      { id: 'graticule', type: 'line', source: 'graticule', paint: { 'line-color': palette.raised, 'line-width': 1 } },
      { id: 'graticule-labels', type: 'symbol', source: 'graticule-labels', layout: { 'text-field': ['get', 'text'], 'text-font': ['system-ui', 'sans-serif'], 'text-size': 11, 'text-anchor': 'bottom-left', 'text-offset': [0.4, -0.2] }, paint: { 'text-color': palette.road } },
      ...roadLayers(schematic),
      ...thingLayers(),
    ],
  };
}

/** Colour of a coverage class, as a CSS colour. */
export function marginColour(grade: number, exempt: string): string {
  return exempt ? palette.exempt : (MARGIN_CLASSES[grade]?.colour ?? palette.exempt);
}
