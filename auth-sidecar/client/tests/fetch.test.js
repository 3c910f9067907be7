import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { wrapFetch } from "../fetch.js";
import { answerOf, challenge, ORIGIN, openPage, settle } from "./browser.js";

let page;
/** Requests that went out, each with the text of its body. */
let sent;
/** What is answered until the proof is there. */
let refuse;
let proven;
let fetch;

beforeEach(() => {
  page = openPage();
  sent = [];
  refuse = challenge;
  proven = false;
  fetch = wrapFetch(async request => {
    sent.push({ request, body: await request.clone().text() });
    request.signal.throwIfAborted();
    return proven ? answerOf(request, new Response("served")) : refuse(request);
  }, 3);
});

/** The person in the frame of the dialog passes. */
const pass = async () => {
  await settle();
  proven = true;
  const frame = page.find("frame");
  frame.contentWindow = {};
  page.say(frame.contentWindow, "passed");
};

const frame = () => {
  const found = page.find("frame");
  found.contentWindow ??= {};
  return found;
};

test("a request that is not challenged is one request and no dialog", async () => {
  proven = true;
  const answer = await fetch(`${ORIGIN}/api`, { method: "POST", body: "x" });
  assert.equal(await answer.text(), "served");
  assert.equal(sent.length, 1);
  assert.equal(page.dialogs(), 0);
});

test("a refusal that names no challenge is what the caller gets", async () => {
  refuse = request => answerOf(request, new Response("no", { status: 403 }));
  assert.equal((await fetch(`${ORIGIN}/api`)).status, 403);
  assert.equal(page.dialogs(), 0);
});

for (const [what, make] of [
  ["text", () => "text"],
  ["parameters", () => new URLSearchParams("a=b&c=%20")],
  ["bytes", () => new TextEncoder().encode("bytes")],
  ["a blob", () => new Blob(["blob"], { type: "a/b" })],
]) {
  test(`a challenged request with ${what} is repeated as it was`, async () => {
    const answer = fetch(`${ORIGIN}/api`, {
      method: "PUT",
      body: make(),
      headers: { "x-own": "1" },
      credentials: "include",
    });
    await pass();
    assert.equal(await (await answer).text(), "served");
    assert.equal(sent.length, 2);
    const [first, second] = sent;
    assert.equal(first.body, second.body);
    for (const name of ["method", "url", "credentials", "mode", "redirect"])
      assert.equal(second.request[name], first.request[name], name);
    assert.deepEqual([...second.request.headers], [...first.request.headers]);
    assert.equal(second.request.headers.get("x-own"), "1");
    assert.equal(page.dialogs(), 0);
  });
}

test("a form keeps its boundary", async () => {
  const form = new FormData();
  form.append("file", new Blob(["content"]), "a.bin");
  const answer = fetch(`${ORIGIN}/api`, { method: "POST", body: form });
  await pass();
  await answer;
  assert.equal(sent[0].body, sent[1].body);
  assert.equal(sent[0].request.headers.get("content-type"), sent[1].request.headers.get("content-type"));
});

test("the body of a given Request is kept up to the bound and not past it", async () => {
  const bound = 16 * 1024 * 1024;
  for (const [size, repeated] of [
    [bound, true],
    [bound + 1, false],
  ]) {
    sent = [];
    proven = false;
    const body = new Blob([new Uint8Array(size)]).stream();
    const request = new Request(`${ORIGIN}/api`, { method: "POST", body, duplex: "half" });
    const answer = fetch(request);
    for (let i = 0; i < 2000 && !page.dialogs(); i += 1) {
      await settle();
      if (!repeated && (await Promise.race([answer, undefined]))) break;
    }
    if (repeated) {
      await pass();
      assert.equal((await answer).status, 200);
      assert.equal(sent[1].body.length, size);
    } else {
      assert.equal((await answer).status, 403);
      assert.equal(sent.length, 1);
      assert.equal(page.dialogs(), 0);
    }
  }
});

test("a stream is sent as it is, once", async () => {
  let given;
  const plain = wrapFetch(async (url, init) => {
    given = init;
    return challenge({ url });
  }, 3);
  const body = new Blob(["stream"]).stream();
  assert.equal((await plain(`${ORIGIN}/api`, { method: "POST", body, duplex: "half" })).status, 403);
  assert.equal(given.body, body);
  assert.equal(page.dialogs(), 0);
});

test("several at once wait for one challenge", async () => {
  const answers = [1, 2, 3].map(n => fetch(`${ORIGIN}/api?${n}`));
  await settle();
  assert.equal(page.dialogs(), 1);
  await pass();
  assert.deepEqual(
    (await Promise.all(answers)).map(a => a.status),
    [200, 200, 200],
  );
  assert.equal(sent.length, 6);
});

test("an answer that was on its way while somebody passed is tried again without a question", async () => {
  let release;
  const held = new Promise(resolve => {
    release = resolve;
  });
  let first = true;
  const slow = wrapFetch(async request => {
    if (!first) return answerOf(request, new Response("served"));
    first = false;
    await held;
    return challenge(request);
  }, 3);
  const late = slow(`${ORIGIN}/slow`);
  const answer = fetch(`${ORIGIN}/api`);
  await pass();
  await answer;
  release();
  assert.equal((await late).status, 200);
  assert.equal(page.dialogs(), 0);
});

test("who closes the dialog gets the refusal, whole", async () => {
  const answer = fetch(`${ORIGIN}/api`);
  await settle();
  page.find("close").onclick();
  const refused = await answer;
  assert.equal(refused.status, 403);
  assert.equal(await refused.text(), '{"status":403}');
  assert.equal(sent.length, 1);
});

test("another demand asks again, and not without end", async () => {
  refuse = challenge;
  const answer = fetch(`${ORIGIN}/api`);
  for (let round = 0; round < 3; round += 1) {
    await settle();
    assert.equal(page.dialogs(), 1, `round ${round}`);
    page.say(frame().contentWindow, "passed");
  }
  assert.equal((await answer).status, 403);
  assert.equal(sent.length, 4);
  assert.equal(page.dialogs(), 0);
});

test("an aborted request rejects with its reason, and the last one closes the dialog", async () => {
  const stops = [new AbortController(), new AbortController()];
  const answers = stops.map(({ signal }) => fetch(`${ORIGIN}/api`, { signal }));
  await settle();
  const reason = new Error("mine");
  stops[0].abort(reason);
  await assert.rejects(answers[0], error => error === reason);
  assert.equal(page.dialogs(), 1);
  stops[1].abort();
  await assert.rejects(answers[1], { name: "AbortError" });
  assert.equal(page.dialogs(), 0);
});

test("only the window that was asked, at the origin that was asked, can say that it is passed", async () => {
  const answer = fetch(`${ORIGIN}/api`);
  await settle();
  const source = frame().contentWindow;
  page.say({}, "passed");
  page.say(source, "passed", "https://evil.example");
  page.say(source, "else");
  page.say(null, "passed");
  await settle();
  assert.equal(page.dialogs(), 1);
  page.find("close").onclick();
  assert.equal((await answer).status, 403);
});

test("a page that leads back has the request tried, and a new ticket shown", async () => {
  let tickets = 0;
  refuse = request => {
    tickets += 1;
    return challenge(request, `/.countersign/challenge?ticket=${tickets}`);
  };
  const answer = fetch(`${ORIGIN}/api`);
  await settle();
  page.say(frame().contentWindow, "left");
  await settle();
  assert.equal(page.dialogs(), 1);
  assert.match(frame().src, /ticket=2&tell=1$/);
  await pass();
  assert.equal((await answer).status, 200);
});

test("a try that fails closes the dialog it was made for", async () => {
  const answer = fetch(`${ORIGIN}/api`);
  await settle();
  refuse = () => {
    throw new TypeError("network");
  };
  page.say(frame().contentWindow, "left");
  await assert.rejects(answer, TypeError);
  assert.equal(page.dialogs(), 0);
});

test("another origin is asked in a window, if the request carries cookies", async () => {
  const api = "https://api.example.com/x";
  assert.equal((await fetch(api)).status, 403);
  assert.equal(page.dialogs(), 0);
  const answer = fetch(api, { credentials: "include" });
  await settle();
  assert.equal(page.find("frame"), undefined);
  page.find("window").onclick();
  assert.match(
    page.windows[0].url,
    /^https:\/\/api\.example\.com\/\.countersign\/challenge\?ticket=t&tell=1$/,
  );
  proven = true;
  page.say(page.windows[0], "passed", "https://api.example.com");
  assert.equal((await answer).status, 200);
  assert.equal(page.windows[0].closed, true);
});

test("a page below another origin opens a window", async () => {
  page.self.parent = {
    get location() {
      throw new DOMException("no", "SecurityError");
    },
  };
  const answer = fetch(`${ORIGIN}/api`);
  await settle();
  assert.equal(page.find("frame"), undefined);
  assert.ok(page.find("window"));
  page.find("close").onclick();
  await answer;
});

test("a challenge that leads elsewhere is not followed", async () => {
  for (const address of [
    "https://evil.example/.countersign/challenge?ticket=t",
    `${ORIGIN}/login`,
    "rubbish",
  ]) {
    refuse = request =>
      answerOf(request, new Response("", { status: 403, headers: { "countersign-challenge": address } }));
    assert.equal((await fetch(`${ORIGIN}/api`)).status, 403);
  }
  assert.equal(page.dialogs(), 0);
});

test("who aborts in the moment of a try leaves no dialog behind", async () => {
  const stop = new AbortController();
  const answer = fetch(`${ORIGIN}/api`, { signal: stop.signal });
  await settle();
  page.say(frame().contentWindow, "left");
  stop.abort();
  await assert.rejects(answer, { name: "AbortError" });
  assert.equal(page.dialogs(), 0);
  assert.equal(sent.length, 1);
});
