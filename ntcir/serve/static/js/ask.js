// The query as the address has it: one part, or two where something happens then.
import { emit, on, state } from "./core.js";

export const FIRST = "";
export const THEN = "then.";
export const WITHIN = 120; // minutes, as the server has it

const SINGLE = ["q", "like", "picture"];
let active = FIRST; // the part that photographs, pictures and readings are added to
let opened = false; // the second part is there, though nothing is asked in it yet

const isQuery = (key) => SINGLE.includes(key) || key.startsWith("r.");

export function keysOf(part, params = state.params()) {
  const own = (key) => (part ? key.startsWith(part) : !key.startsWith(THEN));
  const bare = (key) => key.slice(part.length);
  return [...new Set(params.keys())].filter((key) => own(key) && isQuery(bare(key)));
}

export function reading(part) {
  const found = keysOf(part).filter((key) => key.startsWith(`${part}r.`));
  return found.map((key) => [key.slice(part.length + 2), state.get(key)]);
}

export function asked(part) {
  return keysOf(part).length > 0;
}

export function ranked() {
  return asked(FIRST) || asked(THEN) || state.all("right").length > 0;
}

export function hasThen() {
  return opened || asked(THEN);
}

export function openThen() {
  opened = true;
  setActive(THEN);
}

export function activePart() {
  return hasThen() ? active : FIRST;
}

export function setActive(part) {
  active = part;
  emit("part", { part });
}

// Change the query. Where nothing is left of its first part, what was to happen then is all that is asked.
export function ask(changes) {
  const after = { ...changes };
  const left = (part) => {
    const kept = keysOf(part).filter((key) => !(key in changes));
    const given = Object.entries(changes).filter(([key, value]) => (part ? key.startsWith(part) : !key.startsWith(THEN)) && [value].flat().some((each) => each));
    return [...kept, ...given.map(([key]) => key).filter((key) => isQuery(key.slice(part.length)))];
  };
  const then = left(THEN);
  if (left(FIRST).length === 0 && then.length > 0) {
    for (const key of then) {
      after[key.slice(THEN.length)] = changes[key] ?? state.all(key);
      after[key] = null;
    }
    for (const key of ["then.within", "then.order"]) after[key] = null;
    opened = false;
    active = FIRST;
  }
  state.set(after);
}

const nothing = (keys) => Object.fromEntries(keys.map((key) => [key, null]));

// A new query from an item: what was asked in this part, and what was marked, is no longer meant.
export function moreLike(id) {
  const part = activePart();
  state.set({ ...nothing(keysOf(part)), right: null, wrong: null, [`${part}like`]: id });
}

export function addLike(id) {
  const key = `${activePart()}like`;
  if (!state.all(key).includes(id)) state.set({ [key]: [...state.all(key), id] });
}

export function addPicture(digest) {
  const key = `${activePart()}picture`;
  state.set({ [key]: [...state.all(key), digest] });
}

export function setReading(part, values) {
  const old = keysOf(part).filter((key) => key.startsWith(`${part}r.`));
  const typed = Object.entries(values).map(([column, value]) => [`${part}r.${column}`, value]);
  ask({ ...nothing(old), ...Object.fromEntries(typed) });
}

export function without(key, value) {
  ask({ [key]: state.all(key).filter((each) => each !== value) });
}

export function closeThen() {
  opened = false;
  active = FIRST;
  const there = [...state.params().keys()].filter((key) => key.startsWith(THEN));
  if (there.length) state.set(nothing(there));
  else emit("part", { part: FIRST });
}

export function clearQuery() {
  opened = false;
  active = FIRST;
  const then = [...state.params().keys()].filter((key) => key.startsWith(THEN));
  state.set({ ...nothing([...keysOf(FIRST), ...then]), right: null, wrong: null, floor: null });
  emit("part", { part: FIRST });
}

on("state", () => {
  if (!asked(THEN) && active === THEN && !opened) active = FIRST;
});
