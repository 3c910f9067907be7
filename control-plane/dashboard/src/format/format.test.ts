import { expect, test } from "vitest";
import { csv } from "./csv";
import { count, ratio, share } from "./numbers";
import { ago, axisTimes, dateTime, duration, shortTime } from "./time";

const BERLIN = { locale: "en-GB", timeZone: "Europe/Berlin" };
const TOKYO = { locale: "en-GB", timeZone: "Asia/Tokyo" };
const TIME = "2026-11-22T22:17:02.345Z";

test("times are those of the viewer's zone", () => {
  expect(dateTime(TIME, BERLIN)).toBe("22 Nov 2026, 23:17:02");
  expect(dateTime(TIME, TOKYO)).toBe("23 Nov 2026, 07:17:02");
  expect(dateTime(null, BERLIN)).toBe("never");
});

test("a time of today has no date, in the viewer's zone", () => {
  const now = Date.parse("2026-11-22T22:59:00Z");
  expect(shortTime(TIME, now, BERLIN)).toBe("23:17:02");
  expect(shortTime(TIME, now + 120_000, BERLIN)).toBe("22 Nov, 23:17:02");
});

test("an axis names the day where it changes", () => {
  const start = Date.parse("2026-11-22T22:30:00Z") / 1000;
  expect(axisTimes([start, start + 1_800, start + 3_600], 60, BERLIN)).toEqual([
    "23:30\n22 Nov",
    "00:00\n23 Nov",
    "00:30",
  ]);
  expect(axisTimes([start], 86_400, BERLIN)).toEqual(["22 Nov"]);
});

test("distances have one unit", () => {
  const now = 1_000_000_000_000;
  expect(ago(now - 2_000, now)).toBe("now");
  expect(ago(now - 59_000, now)).toBe("59 s ago");
  expect(ago(now - 3_600_000, now)).toBe("1 h ago");
  expect(ago(now - 3 * 86_400_000, now)).toBe("3 days ago");
  expect(ago(now + 7_200_000, now)).toBe("in 2 h");
  expect(ago("", now)).toBe("never");
});

test("durations have two units at the most", () => {
  expect(duration(0)).toBe("0 s");
  expect(duration(90_000)).toBe("1 min 30 s");
  expect(duration(93_784_000)).toBe("1 d 2 h");
});

test("large numbers are short", () => {
  expect(count(99_999)).toBe("99,999");
  expect(count(123_456)).toBe("123.5k");
  expect(count(4_200_000)).toBe("4.20M");
});

test("shares of nothing are no shares", () => {
  expect(share(ratio(0, 0))).toBe("–");
  expect(share(0)).toBe("0 %");
  expect(share(0.4213)).toBe("42.1 %");
  expect(share(0.9999)).toBe("100 %");
});

test("cells with commas, quotes and line breaks are quoted", () => {
  expect(
    csv(
      ["a", "b"],
      [
        ["x,y", 'say "hi"'],
        ["1\n2", null],
        [3, 0.5],
      ],
    ),
  ).toBe('a,b\r\n"x,y","say ""hi"""\r\n"1\n2",\r\n3,0.5\r\n');
});

test("a cell that a spreadsheet would run as a formula is a text", () => {
  expect(csv(["path"], [["=HYPERLINK(1)"], ["@x"], ["-5"], [-5]])).toBe(
    "path\r\n'=HYPERLINK(1)\r\n'@x\r\n'-5\r\n-5\r\n",
  );
});
