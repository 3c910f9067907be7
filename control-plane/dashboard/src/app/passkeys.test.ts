import { expect, test } from "vitest";
import { ApiProblem } from "../api/problem";
import { faultOf, type Here, isOneTime, suggestedName, unavailable, type Ways } from "./passkeys";

const LOCAL: Ways = { open: false, passkeys: { origin: "http://localhost:8080", rp_id: "localhost" } };
const at = (origin: string, supported = true): Here => ({ origin, supported });

test("passkeys are there where the control plane says that it is", () => {
  expect(unavailable(LOCAL, at("http://localhost:8080"))).toBeNull();
  expect(unavailable(LOCAL, at("http://localhost:8080", false))?.reason).toContain("browser");
});

test("who is at an address of numbers is told where to go", () => {
  for (const origin of ["http://127.0.0.1:8080", "http://[::1]:8080"]) {
    const away = unavailable(LOCAL, at(origin));
    expect(away?.there).toBe("http://localhost:8080");
    expect(away?.reason).toBe(
      "Passkeys work at http://localhost:8080 only. Browsers have none for addresses of numbers.",
    );
  }
  const other = unavailable(LOCAL, at("https://cp.example.com"));
  expect(other?.reason).toBe("Passkeys work at http://localhost:8080 only.");
});

test("where they are not set up or not needed there is nowhere to go", () => {
  const none = unavailable({ open: false, passkeys: null }, at("https://cp.example.com"));
  expect(none?.reason).toContain("--passkey-origin");
  expect(none?.there).toBeUndefined();
  expect(unavailable({ open: true, passkeys: null }, at("x"))?.reason).toContain("open");
});

test("a one-time token is known by its beginning", () => {
  expect(isOneTime(" csn1_abc")).toBe(true);
  expect(isOneTime("csn_abc")).toBe(false);
});

test("a passkey is named after browser and system", () => {
  const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36";
  expect(suggestedName(chrome)).toBe("Chrome on Linux");
  const safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1";
  expect(suggestedName(safari)).toBe("Safari on iPhone");
  expect(suggestedName(`${chrome} Edg/156.0`)).toBe("Edge on Linux");
  expect(suggestedName("")).toBe("passkey");
});

test("what went wrong is said for the one who can do something about it", () => {
  expect(faultOf(new DOMException("x", "NotAllowedError"))).toContain("cancelled");
  expect(faultOf(new DOMException("x", "InvalidStateError"))).toContain("already");
  expect(faultOf(new ApiProblem(410, { detail: "this attempt is over; begin again" }))).toBe(
    "this attempt is over; begin again",
  );
});
