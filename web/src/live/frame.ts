/** The binary state of the road: header of 24 bytes, then columns, each padded to 4 bytes; little endian. */

const MAGIC = 0x31565254;
const HEADER_BYTES = 24;

export const KINDS = ['car', 'truck', 'bus', 'motorcycle', 'emergency'] as const;

export interface Frame {
  count: number;
  time_ms: number;
  simulated: boolean;
  handle: Uint32Array;
  measure_m: Float32Array;
  offset_m: Float32Array;
  speed_mps: Float32Array;
  kind: Uint8Array;
}

/** Read one frame; throws where it is not one. Columns are views on the buffer, nothing is copied. */
export function readFrame(buffer: ArrayBuffer): Frame {
  const header = new DataView(buffer, 0, HEADER_BYTES);
  if (header.getUint32(0, true) !== MAGIC) throw new Error('frame: wrong magic number');
  const count = header.getUint32(4, true);
  if (buffer.byteLength < HEADER_BYTES + count * 17) throw new Error(`frame: too short for ${count} vehicles`);
  const column = (index: number): [ArrayBuffer, number, number] => [buffer, HEADER_BYTES + index * count * 4, count];
  return {
    count,
    time_ms: header.getFloat64(8, true),
    simulated: (header.getUint32(16, true) & 1) === 1,
    handle: new Uint32Array(...column(0)),
    measure_m: new Float32Array(...column(1)),
    offset_m: new Float32Array(...column(2)),
    speed_mps: new Float32Array(...column(3)),
    kind: new Uint8Array(...column(4)),
  };
}

/** Whether the vehicle is on the carriageway of decreasing measure. */
export function isDecreasing(kind: number): boolean {
  return (kind & 1) === 1;
}

/** Whether the vehicle stands. */
export function isStanding(kind: number): boolean {
  return (kind & 2) === 2;
}

/** `car`, `truck`, `bus`, `motorcycle`, `emergency` or `other`. */
export function kindName(kind: number): (typeof KINDS)[number] | 'other' {
  return KINDS[kind >> 4] ?? 'other';
}
