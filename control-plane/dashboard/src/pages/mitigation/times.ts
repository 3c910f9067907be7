// The points of time of an answer, in seconds, as charts take them.

import type { Traffic } from "../../api/types";

export function times(data: Traffic): number[] {
  return data.points.map(point => (point.time ? Date.parse(point.time) / 1000 : 0));
}
