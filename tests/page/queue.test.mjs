/** The frames that are here: fetched ahead, gone through, and looked at again. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Queue } from "../../prelabel/review/page/queue.js";
import { box, source, taskOf } from "./support.mjs";

function queueOf(numbers, { ahead = 2, ending = [], unsent = {} } = {}) {
  const asked = [];
  const waiting = [...numbers];
  const api = {
    post: async (_path, body) => {
      asked.push(body);
      const tasks = waiting.splice(0, body.count).map((task) => taskOf([box("a", 0.8)], { task, picture: `/${task}` }));
      return { tasks, left: 10, done: 3 };
    },
  };
  const fetched = [];
  const pictures = { get: async (url) => void fetched.push(url) };
  const outbox = { unsent: (task) => unsent[task] ?? [], isEnding: (task) => ending.includes(task) };
  return { queue: new Queue({ api, pictures, outbox, source: source(), ahead }), asked, fetched };
}

test("as many frames are asked for as are missing, and their pictures at once", async () => {
  const { queue, asked, fetched } = queueOf([1, 2, 3, 4]);
  assert.equal(await queue.fill(), 3);
  assert.deepEqual(fetched, ["/1", "/2", "/3"]);
  assert.equal(await queue.fill(), 0);
  queue.goTo(queue.next());
  queue.current.ending = "submitted";
  await queue.fill();
  assert.deepEqual(asked, [{ count: 3, holding: [] }, { count: 1, holding: [2, 3] }]);
  assert.deepEqual([queue.done, queue.left], [3, 10]);
});

test("going on passes over what is finished and comes back to what was passed over", async () => {
  const { queue } = queueOf([1, 2, 3]);
  await queue.fill();
  const [one, two, three] = queue.frames;
  queue.goTo(queue.next());
  assert.equal(queue.current, one);
  queue.goTo(queue.neighbour(1));
  two.ending = "submitted";
  assert.equal(queue.next(), three);
  queue.goTo(three);
  three.ending = "skipped";
  assert.equal(queue.next(), one);
  assert.equal(queue.neighbour(-1), one);
  one.ending = "submitted";
  assert.equal(queue.next(), null);
});

test("edits that are still here are laid over the frame, and ended frames stay away", async () => {
  const state = { id: "a", xyxy: [1, 1, 9, 9], angle: null, class_id: 2, status: "accepted" };
  const { queue } = queueOf([1, 2], { ending: [2], unsent: { 1: [{ boxes: [state] }] } });
  await queue.fill();
  assert.deepEqual(queue.frames.map((frame) => frame.task.task), [1]);
  assert.equal(queue.frames[0].draft.get("a").class_id, 2);
  assert.equal(queue.frames[0].draft.undecided, 0);
});

test("questions at the same time are one question, and a failed one can be asked again", async () => {
  const { queue, asked } = queueOf([1, 2, 3]);
  await Promise.all([queue.fill(), queue.fill()]);
  assert.equal(asked.length, 1);
  const failing = queueOf([1]);
  failing.queue.sources.api = { post: async () => Promise.reject(new Error("offline")) };
  await assert.rejects(failing.queue.fill());
  await assert.rejects(failing.queue.fill());
});
