import { expect, test } from "vitest";
import { stack } from "./stack";

test("each series stands on those below it that are shown", () => {
  const series = [
    [1, 2],
    [10, 20],
    [100, 200],
  ];
  expect(stack(series, [true, true, true])).toEqual([
    [1, 2],
    [11, 22],
    [111, 222],
  ]);
  expect(stack(series, [true, false, true])).toEqual([
    [1, 2],
    [null, null],
    [101, 202],
  ]);
});
