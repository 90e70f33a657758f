// What a person does with an item: marks it right or wrong, collects it, asks for more like it; and takes it back.
import { announce, emit, on, state } from "./core.js";
import { addLike, moreLike } from "./ask.js";

const collected = new Set(); // ids, as far as this page has been told
const done = []; // what can be taken back, the last one at the end

export function markOf(id) {
  if (state.all("right").includes(id)) return "right";
  return state.all("wrong").includes(id) ? "wrong" : null;
}

export function isCollected(id) {
  return collected.has(id);
}

function mark(id, kind) {
  const before = { right: state.all("right"), wrong: state.all("wrong") };
  const other = kind === "right" ? "wrong" : "right";
  const again = before[kind].includes(id);
  done.push({ kind: "marks", before });
  announce(again ? `No longer marked ${kind}.` : `Marked ${kind}.`);
  state.set({
    [kind]: again ? before[kind].filter((each) => each !== id) : [...before[kind], id],
    [other]: before[other].filter((each) => each !== id),
  });
}

function collect(hit) {
  done.push({ kind: "collection" });
  emit("collect", { id: hit.id, score: hit.score ?? null });
}

const ACTIONS = {
  like: (hit) => moreLike(hit.id),
  add: (hit) => addLike(hit.id),
  right: (hit) => mark(hit.id, "right"),
  wrong: (hit) => mark(hit.id, "wrong"),
  collect,
  open: (hit) => emit("open", { id: hit.id, hit }),
  event: (hit) => emit("event", { hit }),
};

// Do something by name with a hit; returns whether there is such an action.
export function act(name, hit) {
  if (!(name in ACTIONS) || !hit) return false;
  ACTIONS[name](hit);
  return true;
}

export function undo() {
  const last = done.pop();
  if (last?.kind === "marks") {
    announce("The mark is taken back.");
    state.set(last.before);
  } else {
    emit("undo"); // collections remember what was done, also before this page was opened
  }
}

on("collected", ({ id, collection }) => {
  if (collection === null || collection === undefined) collected.delete(id);
  else collected.add(id);
});
