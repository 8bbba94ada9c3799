// The frames of a series in the order in which they are looked at.

import { search, text, values } from "./dicomweb.js";

const FIELDS = {
  number: "00200013",
  position: "00200032",
  orientation: "00200037",
  frames: "00280008",
  rows: "00280010",
  center: "00281050",
  width: "00281051",
  frameTime: "00181063",
  rate: "00082144",
};

/** Where a slice lies along the normal of its plane (PS3.3 C.7.6.2.1.1); undefined where that is not told. */
function along(instance) {
  const position = values(instance, FIELDS.position).map(Number);
  const [a, b, c, d, e, f] = values(instance, FIELDS.orientation).map(Number);
  if (position.length !== 3 || f === undefined) return undefined;
  const normal = [b * f - c * e, c * d - a * f, a * e - b * d];
  return normal.reduce((sum, part, axis) => sum + part * position[axis], 0);
}

function compare(a, b) {
  const [one, other] = [along(a), along(b)];
  if (one !== undefined && other !== undefined && Math.abs(one - other) > 1e-4) return one - other;
  return Number(text(a, FIELDS.number)) - Number(text(b, FIELDS.number));
}

/** Each frame: where it is rendered, its instance's window, frames a second where the object tells. */
export async function framesOf(series, signal) {
  const instances = await search(`${series}/instances`, { includefield: Object.values(FIELDS) }, signal);
  const frames = [];
  for (const instance of instances.sort(compare)) {
    const uid = text(instance, "00080018");
    const count = Math.max(1, Number(text(instance, FIELDS.frames)) || 1);
    const [center, width] = [FIELDS.center, FIELDS.width].map((tag) => Number(values(instance, tag)[0]));
    const milliseconds = Number(text(instance, FIELDS.frameTime));
    for (let number = 1; number <= count; number++) {
      frames.push({
        path: `${series}/instances/${uid}/frames/${number}/rendered`,
        window: Number.isFinite(center) && width > 0 ? { center, width } : null,
        rate: Number(text(instance, FIELDS.rate)) || (milliseconds > 0 ? 1000 / milliseconds : 0),
      });
    }
  }
  return frames;
}
