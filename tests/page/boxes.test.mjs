/** The boxes of a frame: their order, what is to be decided, edits, undo and redo. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Draft, folded, isWeak, looked } from "../../prelabel/review/page/boxes.js";
import { box, draftOf, source, taskOf } from "./support.mjs";

const doubted = (id, score, uncertainty) => box(id, score, { proposal: { uncertainty } });

test("the most doubtful proposals come first, then boxes without one, weak ones last", () => {
  const boxes = [
    doubted("sure", 0.9, 0.1),
    doubted("weak", 0.1, 0.9),
    box("labelled", null),
    doubted("torn", 0.6, 0.8),
    doubted("less weak", 0.2, 0.9),
  ];
  assert.deepEqual(looked(boxes, 0.3), ["torn", "sure", "labelled", "less weak", "weak"]);
});

test("without an uncertainty, a score near one half is the most doubtful", () => {
  const boxes = [doubted("high", 0.95, null), doubted("half", 0.52, null), doubted("low", 0.31, null)];
  assert.deepEqual(looked(boxes, 0.3), ["half", "low", "high"]);
});

test("weak is what is proposed below the shown score, until somebody accepts it", () => {
  assert.equal(isWeak(box("a", 0.2), 0.3), true);
  assert.equal(isWeak(box("a", 0.3), 0.3), false);
  assert.equal(isWeak(box("a", 0.2, { status: "accepted" }), 0.3), false);
  assert.equal(isWeak(box("a", null), 0.3), false);
});

test("only strong proposals are left to decide", () => {
  const draft = draftOf([box("a", 0.8), box("b", 0.1), box("c", null), box("d", 0.5, { status: "rejected" })]);
  assert.equal(draft.undecided, 1);
  draft.change("accept", [{ ...draft.get("a"), status: "accepted" }]);
  assert.equal(draft.undecided, 0);
  assert.equal(draft.accepted, 2);
});

test("a change is an edit with whole states and without the proposal", () => {
  const draft = draftOf([box("a", 0.8)]);
  const edit = draft.change("class", [{ ...draft.get("a"), class_id: 3, status: "accepted" }]);
  assert.deepEqual(edit, {
    edit_id: "id-1",
    at: 1_000_000,
    action: "class",
    boxes: [{ id: "a", xyxy: [10, 10, 50, 40], angle: null, class_id: 3, status: "accepted" }],
  });
  assert.equal(draft.get("a").proposal.class_id, 0);
});

test("undo and redo go back and forth without limit, as edits of their own", () => {
  const draft = draftOf([box("a", 0.8)]);
  const states = ["accepted", "rejected", "accepted", "rejected"];
  for (const status of states) draft.change("decide", [{ ...draft.get("a"), status }]);
  const seen = [];
  for (let edit = draft.undo(); edit; edit = draft.undo()) seen.push(edit.boxes[0].status);
  assert.deepEqual(seen, ["accepted", "rejected", "accepted", "proposed"]);
  assert.equal(draft.get("a").status, "proposed");
  const again = [];
  for (let edit = draft.redo(); edit; edit = draft.redo()) again.push(`${edit.action} ${edit.boxes[0].status}`);
  assert.deepEqual(again, states.map((status) => `redo ${status}`));
});

test("a new change forgets what could be done again", () => {
  const draft = draftOf([box("a", 0.8)]);
  draft.change("accept", [{ ...draft.get("a"), status: "accepted" }]);
  draft.undo();
  draft.change("reject", [{ ...draft.get("a"), status: "rejected" }]);
  assert.equal(draft.redo(), null);
});

test("undoing a drawn box takes it away, doing it again brings it back", () => {
  const draft = draftOf([box("a", 0.8)]);
  draft.change("draw", [box("new", null)]);
  assert.deepEqual([...draft.boxes()].map((one) => one.id), ["a", "new"]);
  assert.equal(draft.undo().boxes[0].status, "rejected");
  assert.deepEqual([...draft.boxes()].map((one) => one.id), ["a"]);
  draft.redo();
  assert.deepEqual([...draft.boxes()].map((one) => one.id), ["a", "new"]);
});

test("steps of one gesture are undone as one, unless time passed between them", () => {
  const clock = source();
  const draft = draftOf([box("a", 0.8)], clock);
  const nudge = () => {
    const { xyxy, ...rest } = draft.get("a");
    draft.change("move", [{ ...rest, xyxy: [xyxy[0] + 1, xyxy[1], xyxy[2] + 1, xyxy[3]] }], "move a");
  };
  nudge();
  clock.at += 100;
  nudge();
  clock.at += 2000;
  nudge();
  draft.undo();
  assert.equal(draft.get("a").xyxy[0], 12);
  draft.undo();
  assert.equal(draft.get("a").xyxy[0], 10);
});

test("a drawn box is looked at before the weak proposals", () => {
  const draft = draftOf([box("a", 0.8), box("weak", 0.1)]);
  draft.change("draw", [box("new", null)]);
  assert.deepEqual(draft.order, ["a", "new", "weak"]);
});

test("the next box is found around the end, and not at all where none is wanted", () => {
  const draft = draftOf([box("a", 0.8), box("b", 0.8), box("c", 0.8)]);
  const any = () => true;
  assert.equal(draft.after("c", 1, any).id, "a");
  assert.equal(draft.after("a", -1, any).id, "c");
  assert.equal(draft.after(null, 1, any).id, "a");
  assert.equal(draft.after(null, -1, any).id, "c");
  assert.equal(draft.after("b", 1, (one) => one.id === "b").id, "b");
  assert.equal(draft.after("b", 1, () => false), null);
});

test("edits that the server does not have yet are laid over its boxes, also drawn ones", () => {
  const state = { id: "a", xyxy: [1, 1, 2, 2], angle: null, class_id: 1, status: "accepted" };
  const edits = [{ boxes: [state] }, { boxes: [{ ...state, id: "new" }, { ...state, class_id: 2 }] }];
  const boxes = folded([box("a", 0.8), box("b", 0.7)], edits);
  assert.deepEqual(boxes.map((one) => [one.id, one.class_id, one.proposal?.score ?? null]), [
    ["a", 2, 0.8],
    ["b", 0, 0.7],
    ["new", 1, null],
  ]);
});

test("a place to look at is one until somebody has said what is there", () => {
  const boxes = [box("sure", 0.9, { status: "accepted" }), box("likely", 0.2), box("less", 0.1), box("weak", 0.25)];
  const draft = new Draft(taskOf(boxes, { places: ["likely", "less"] }), source());
  const left = () => draft.openPlaces.map((one) => one.id);
  assert.deepEqual(left(), ["likely", "less"]);
  assert.equal(draft.isPlace(draft.get("weak")), false);
  assert.equal(draft.undecided, 0);
  draft.change("accept", [{ ...draft.get("likely"), status: "accepted" }]);
  assert.deepEqual(left(), ["less"]);
  draft.change("reject", [{ ...draft.get("less"), status: "rejected" }]);
  assert.deepEqual(left(), []);
  draft.undo();
  assert.deepEqual(left(), ["less"]);
});
