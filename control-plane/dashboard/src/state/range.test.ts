import { describe, expect, test } from "vitest";
import { address, changed } from "./query";
import {
  bounds,
  isLive,
  MAX_POINTS,
  RANGES,
  rangeSeconds,
  readRange,
  stepOf,
  stepsFor,
  writeRange,
} from "./range";

describe("a range in an address", () => {
  test("comes back as it was written", () => {
    for (const [word] of RANGES) {
      const written = writeRange({ word });
      expect(readRange(written)).toEqual({ word });
    }
    const fixed = { word: "", from: 1_790_000_000_000, to: 1_790_000_600_000 };
    expect(readRange(writeRange(fixed))).toEqual(fixed);
    expect(isLive(fixed)).toBe(false);
  });

  test("is the usual one where it makes no sense", () => {
    expect(readRange({ range: "century" })).toEqual({ word: "1h" });
    expect(readRange({ from: "yesterday", to: "now" })).toEqual({ word: "1h" });
    expect(readRange({ from: "2026-01-02T00:00:00Z", to: "2026-01-01T00:00:00Z" })).toEqual({ word: "1h" });
  });

  test("has steps that give neither one point nor too many", () => {
    for (const [word] of RANGES) {
      for (const [step] of stepsFor({ word })) {
        const points = rangeSeconds({ word }) / step;
        expect(points).toBeGreaterThanOrEqual(2);
        expect(points).toBeLessThanOrEqual(MAX_POINTS);
      }
    }
    expect(stepOf({ word: "1h" }, undefined)).toBe(60);
    expect(stepOf({ word: "24h" }, undefined)).toBe(900);
    expect(stepOf({ word: "24h" }, "3600")).toBe(3_600);
    expect(stepOf({ word: "30d" }, "60")).toBe(21_600);
  });

  test("begins on a whole step, so that points stay where they are", () => {
    const now = Date.parse("2026-11-22T12:34:56.789Z");
    expect(bounds({ word: "1h" }, 60, now)).toEqual({ from: "2026-11-22T11:35:00.000Z" });
    expect(bounds({ word: "1h" }, 60, now + 2_000)).toEqual({ from: "2026-11-22T11:35:00.000Z" });
  });
});

describe("parameters", () => {
  test("without a value are left out of an address", () => {
    expect(address("/events", { policy: "a b", host: "", path: undefined, q: "x&y" })).toBe(
      "/events?policy=a+b&q=x%26y",
    );
    expect(address("/events", {})).toBe("/events");
  });

  test("that are not named stay", () => {
    expect(changed("?a=1&b=2", { b: "3", c: undefined })).toEqual({ a: "1", b: "3", c: undefined });
  });
});
