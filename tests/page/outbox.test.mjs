/** What is kept until the server has it: order, batches, bad weather, and what is never lost. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../prelabel/review/page/api.js";
import { Outbox } from "../../prelabel/review/page/outbox.js";
import { nextParcel } from "../../prelabel/review/page/parcels.js";

/** A store, a server and a clock that a test commands. */
function world({ answers = [] } = {}) {
  const kept = new Map();
  const aside = [];
  const requests = [];
  const timers = [];
  const clock = { at: 1_000 };
  const shelf = {
    all: async () => [...kept.values()],
    put: async (record) => void kept.set(record.id, structuredClone(record)),
    remove: async (ids) => ids.forEach((id) => kept.delete(id)),
    setAside: async (records, why) => aside.push(...records.map((record) => ({ ...record, why }))),
  };
  const post = async (path, body, options) => {
    requests.push({ path, body: structuredClone(body), options });
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer ?? {};
  };
  const later = (run, ms) => timers.push({ run, at: clock.at + ms });
  const make = (person = "ann") => new Outbox({ shelf, post, person, now: () => clock.at, later });
  const wait = async (ms) => {
    clock.at += ms;
    for (const timer of timers.splice(0)) {
      if (timer.at <= clock.at) timer.run();
      else timers.push(timer);
    }
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { make, wait, kept, aside, requests, answers, clock };
}

const edit = (id, boxes = []) => ({ edit_id: id, at: 1, action: "move", boxes });
const offline = () => new ApiError("offline", "no answer");

test("edits of a moment leave together, within 300 ms, and then they are forgotten here", async () => {
  const { make, wait, kept, requests } = world();
  const outbox = make();
  outbox.add(1, "edit", edit("a"));
  outbox.add(1, "edit", edit("b"));
  assert.equal(outbox.state, "saving");
  assert.equal(kept.size, 2);
  await wait(300);
  assert.equal(requests.length, 1);
  assert.equal(requests[0].path, "/api/tasks/1/edits");
  assert.deepEqual(requests[0].body.edits.map((one) => one.edit_id), ["a", "b"]);
  assert.equal(kept.size, 0);
  assert.equal(outbox.state, "saved");
});

test("activity does not hurry, and goes along with edits", async () => {
  const { make, wait, requests } = world();
  const outbox = make();
  outbox.add(1, "activity", { id: "x", at: 1, kind: "open" });
  await wait(1_000);
  assert.equal(requests.length, 0);
  assert.equal(outbox.state, "saved");
  outbox.add(1, "edit", edit("a"));
  await wait(300);
  assert.equal(requests[0].body.activity.length, 1);
});

test("an unsent edit of the same gesture is replaced, under its first id", async () => {
  const { make, wait, requests } = world();
  const outbox = make();
  outbox.add(1, "edit", { ...edit("a"), action: "first" }, { gesture: "move x" });
  outbox.add(1, "edit", { ...edit("b"), action: "second" }, { gesture: "move x" });
  outbox.add(1, "edit", edit("c"), { gesture: "move y" });
  await wait(300);
  assert.deepEqual(requests[0].body.edits.map((one) => [one.edit_id, one.action]), [["a", "second"], ["c", "move"]]);
});

test("offline: work on several frames is kept, and sent in order when the server is back", async () => {
  const answers = [offline(), offline(), offline()];
  const { make, wait, kept, requests } = world({ answers });
  const outbox = make();
  outbox.add(1, "edit", edit("a"));
  await wait(300);
  assert.equal(outbox.state, "offline");
  outbox.add(1, "submit", { request_id: "s1", shown_score: 0.3 });
  outbox.add(2, "edit", edit("b"));
  outbox.add(2, "submit", { request_id: "s2", shown_score: 0.3 });
  assert.equal(outbox.waiting, 4);
  assert.equal(kept.size, 4);
  await wait(1_000);
  await wait(2_000);
  assert.equal(outbox.state, "offline");
  await wait(15_000);
  const sent = requests.slice(3);
  assert.deepEqual(sent.map((one) => one.path), ["/api/tasks/1/submit", "/api/tasks/2/submit"]);
  assert.deepEqual(sent.map((one) => one.body.request_id), ["s1", "s2"]);
  assert.deepEqual(sent.map((one) => one.body.edits[0].edit_id), ["a", "b"]);
  assert.equal(outbox.state, "saved");
  assert.equal(kept.size, 0);
});

test("a page opened later sends what an earlier one could not, and nobody else's", async () => {
  const { make, wait, requests, kept } = world({ answers: [offline(), offline()] });
  const first = make();
  first.add(1, "edit", edit("a"));
  const others = make("bob");
  others.add(7, "edit", edit("bob's"));
  await wait(300);
  requests.length = 0;
  const second = make();
  await second.open();
  assert.deepEqual(second.unsent(1).map((one) => one.edit_id), ["a"]);
  await second.flush();
  assert.deepEqual(requests.map((one) => one.path), ["/api/tasks/1/edits"]);
  assert.deepEqual([...kept.values()].map((one) => one.person), ["bob"]);
});

test("a submission waits to be taken back, and does not hold up other frames", async () => {
  const { make, wait, requests } = world();
  const outbox = make();
  outbox.add(1, "submit", { request_id: "s", shown_score: 0.3 }, { holdMs: 5_000 });
  assert.equal(outbox.state, "saved");
  assert.equal(outbox.isEnding(1), true);
  outbox.add(2, "edit", edit("a"));
  await wait(300);
  assert.deepEqual(requests.map((one) => one.path), ["/api/tasks/2/edits"]);
  assert.equal(outbox.takeBack(1), true);
  await wait(6_000);
  assert.equal(requests.length, 1);
  assert.equal(outbox.isEnding(1), false);
});

test("a held submission goes by itself, or at once when work goes on", async () => {
  const { make, wait, requests } = world();
  const outbox = make();
  outbox.add(1, "submit", { request_id: "s1", shown_score: 0.3 }, { holdMs: 5_000 });
  await wait(5_001);
  assert.equal(requests.length, 1);
  outbox.add(2, "submit", { request_id: "s2", shown_score: 0.3 }, { holdMs: 5_000 });
  outbox.letGo();
  await wait(300);
  assert.equal(requests.length, 2);
  assert.equal(outbox.takeBack(2), false);
});

test("when somebody else has the frame, its edits count as kept and the rest goes on", async () => {
  const { make, wait, requests, aside } = world({ answers: [new ApiError("taken", "bob has it", 409)] });
  const outbox = make();
  const told = [];
  outbox.addEventListener("taken", (event) => told.push(event.detail.task));
  outbox.add(1, "edit", edit("a"));
  outbox.add(2, "edit", edit("b"));
  await wait(300);
  assert.deepEqual(told, [1]);
  assert.equal(requests.length, 2);
  assert.deepEqual(aside, []);
  assert.equal(outbox.state, "saved");
});

test("what the server refuses for good is put aside, never thrown away", async () => {
  const { make, wait, aside, kept } = world({ answers: [new ApiError("refused", "no such class", 422)] });
  const outbox = make();
  const told = [];
  outbox.addEventListener("refused", (event) => told.push(event.detail.error.message));
  outbox.add(1, "edit", edit("a"));
  await wait(300);
  assert.deepEqual(told, ["no such class"]);
  assert.deepEqual(aside.map((record) => [record.body.edit_id, record.why]), [["a", "no such class"]]);
  assert.equal(kept.size, 0);
});

test("a frame on which the server fails does not hold up the others", async () => {
  const broken = () => new ApiError("offline", "500", 500);
  const { make, wait, requests } = world({ answers: [broken()] });
  const outbox = make();
  outbox.add(1, "edit", edit("a"));
  outbox.add(2, "edit", edit("b"));
  await wait(300);
  assert.deepEqual(requests.map((one) => one.path), ["/api/tasks/1/edits", "/api/tasks/2/edits"]);
  assert.equal(outbox.state, "offline");
  await wait(1_000);
  assert.equal(requests.at(-1).path, "/api/tasks/1/edits");
  assert.equal(outbox.state, "saved");
});

test("logged out: everything waits, and goes on after the login", async () => {
  const { make, wait, requests } = world({ answers: [new ApiError("login", "log in", 401)] });
  const outbox = make();
  let asked = 0;
  outbox.addEventListener("login", () => (asked += 1));
  outbox.add(1, "edit", edit("a"));
  await wait(300);
  assert.equal(outbox.state, "login");
  assert.equal(asked, 1);
  await outbox.retry();
  assert.equal(requests.length, 2);
  assert.equal(outbox.state, "saved");
});

test("what is forbidden even with a new token is put aside instead of tried for ever", async () => {
  const forbidden = () => new ApiError("forbidden", "not yours", 403);
  const { make, wait, aside } = world({ answers: [forbidden(), forbidden()] });
  const outbox = make();
  outbox.add(1, "edit", edit("a"));
  await wait(300);
  assert.equal(aside.length, 0);
  await outbox.retry();
  assert.equal(aside.length, 1);
});

test("a closing page sends what fits, held submissions too, and keeps it all", () => {
  const { make, kept, requests } = world();
  const outbox = make();
  outbox.add(1, "edit", edit("a"));
  outbox.add(1, "submit", { request_id: "s", shown_score: 0.3 }, { holdMs: 5_000 });
  const many = Array.from({ length: 900 }, (_, at) => ({ id: `box-${at}`, xyxy: [1.5, 2.5, 3.5, 4.5], angle: null, class_id: 1, status: "accepted" }));
  outbox.add(2, "edit", edit("large", many));
  outbox.leave({ held: false });
  assert.deepEqual(requests.splice(0).map((one) => one.path), ["/api/tasks/1/edits"]);
  outbox.leave({ held: true });
  assert.deepEqual(requests.map((one) => [one.path, one.options.keepalive]), [["/api/tasks/1/submit", true]]);
  assert.equal(kept.size, 3);
});

test("a browser that stores nothing says so as long as something is unsent", async () => {
  const full = async () => {
    throw new Error("quota");
  };
  const shelf = { all: full, put: full, remove: full, setAside: full };
  const outbox = new Outbox({ shelf, post: async () => Promise.reject(offline()), person: "ann", now: Date.now, later: () => 0 });
  await outbox.open();
  outbox.add(1, "edit", edit("a"));
  await outbox.flush();
  assert.equal(outbox.storing, false);
  assert.equal(outbox.state, "unkept");
});

test("a request holds no more than a server takes, and never an edit after the end of its frame", () => {
  const many = Array.from({ length: 1_000 }, () => ({}));
  const record = (order, kind, body, task = 1) => ({ id: `${order}`, order, task, kind, body, notBefore: 0, person: "ann", gesture: null });
  const records = [record(1, "edit", edit("a", many)), record(2, "edit", edit("b", many)), record(3, "submit", {})];
  assert.deepEqual(nextParcel(records, 1).records.map((one) => one.order), [1]);
  assert.deepEqual(nextParcel(records.slice(1), 1).records.map((one) => one.order), [2, 3]);
  const ended = [record(1, "edit", edit("a")), record(2, "submit", {}), record(3, "edit", edit("late"))];
  assert.deepEqual(nextParcel(ended, 1).records.map((one) => one.order), [1, 2]);
  const skipped = [record(1, "edit", edit("a")), record(2, "skip", { reason: "dark" })];
  assert.equal(nextParcel(skipped, 1).path, "/api/tasks/1/edits");
  assert.deepEqual(nextParcel(skipped.slice(1), 1).body, { reason: "dark" });
});
