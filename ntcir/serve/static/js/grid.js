// The grid of hits: as long as the answer, but only what is in sight, and a screen around it, is there.
import { $, element, emit, on, site } from "./core.js";
import { act } from "./marks.js";
import { remember, remembered } from "./memory.js";
import { load, tile, unload } from "./tile.js";

const GAP = 10;
const LEAST = { small: 122, medium: 174, large: 250 }; // width of a tile
const LINES = site.captioned || Object.keys(site.facets?.labels ?? {}).length > 0 ? 2 : 1; // under a photograph
const FOOT = { small: 4 + 17 * LINES, medium: 8 + 17 * LINES, large: 10 + 17 * LINES };
const TALLEST_TEXT = 132;
const SETTLED = 90; // milliseconds without a scroll until photographs and pages are fetched
const HOVER = 220;

const list = element("div", { role: "list", class: "tiles", "aria-labelledby": "found" });
export const node = element("div", { id: "grid", role: "group", tabindex: -1, "aria-label": "Hits" }, list);

let answer = null;
let size = remembered("size", "medium") in LEAST ? remembered("size", "medium") : "medium";
let shape = { columns: 1, width: 0, height: 1 };
let current = 0; // the index of the tile that Tab reaches
let selected = null; // the id of the item that is looked at anywhere on the page
const tiles = new Map(); // index -> element
let [before, settling, drawing] = [0, null, null];

export const tileSize = () => size;

function measure() {
  const inner = list.clientWidth;
  const columns = Math.max(2, Math.floor((inner + GAP) / (LEAST[size] + GAP)));
  const width = (inner - GAP * (columns - 1)) / columns;
  const shot = site.pictured ? width * 0.75 : Math.min(width * 0.75, TALLEST_TEXT);
  shape = { columns, width, height: Math.round(shot + FOOT[size] + GAP) };
  list.style.setProperty("--tile-width", `${width}px`);
  list.style.setProperty("--shot-height", `${shot}px`);
  list.dataset.size = size;
  list.style.height = `${Math.max(0, Math.ceil((answer?.shown ?? 0) / columns) * shape.height - GAP)}px`;
}

function place(made, index) {
  const [row, column] = [Math.floor(index / shape.columns), index % shape.columns];
  made.style.transform = `translate(${column * (shape.width + GAP)}px, ${row * shape.height}px)`;
}

function dress(made) {
  const index = Number(made.dataset.index);
  made.classList.toggle("selected", made.dataset.id !== undefined && made.dataset.id === selected);
  const shot = $("button.shot", made);
  if (shot) shot.tabIndex = index === current ? 0 : -1;
  const inner = index === current ? 0 : -1;
  for (const each of made.querySelectorAll(".tile-actions button, .in-event, .partner")) each.tabIndex = inner;
}

function put(index, fast) {
  const hit = answer.at(index);
  const old = tiles.get(index);
  if (old && (old.dataset.id !== undefined || !hit)) {
    if (!fast) load(old);
    return;
  }
  const made = tile(index, answer.shown, hit, !fast);
  place(made, index);
  dress(made);
  if (old) old.replaceWith(made);
  else list.append(made);
  tiles.set(index, made);
}

function range() {
  const [top, view] = [node.scrollTop, node.clientHeight];
  const first = Math.max(0, Math.floor((top - view) / shape.height)) * shape.columns;
  const last = Math.min(answer.shown, Math.ceil((top + 2 * view) / shape.height) * shape.columns) - 1;
  return [first, last];
}

function draw(fast = false) {
  if (!answer || node.clientHeight === 0) return;
  const [first, last] = range();
  for (const [index, made] of tiles) {
    const held = made.contains(document.activeElement); // the focus is never taken away by scrolling
    if ((index < first || index > last) && !held) {
      unload(made);
      made.remove();
      tiles.delete(index);
    }
  }
  for (let index = first; index <= last; index++) put(index, fast);
  if (!fast && last >= first) answer.want(first, last);
}

function redraw() {
  for (const made of tiles.values()) unload(made);
  tiles.clear();
  list.replaceChildren();
  draw();
}

function scrolled() {
  drawing ??= requestAnimationFrame(() => {
    drawing = null;
    const fast = Math.abs(node.scrollTop - before) > node.clientHeight / 2;
    before = node.scrollTop;
    draw(fast);
    clearTimeout(settling);
    settling = setTimeout(draw, SETTLED);
  });
}
node.addEventListener("scroll", scrolled, { passive: true });

// The index at the top stays there when tiles get another size.
function reshape() {
  const anchor = Math.round(node.scrollTop / shape.height) * shape.columns;
  measure();
  for (const [index, made] of tiles) place(made, index);
  node.scrollTop = Math.floor(anchor / shape.columns) * shape.height;
  draw();
}
let seen = 0;
new ResizeObserver(() => {
  if (node.clientWidth && node.clientWidth !== seen) reshape();
  else draw();
  seen = node.clientWidth;
}).observe(node);

export function resize(chosen) {
  size = chosen;
  remember("size", chosen);
  reshape();
}

export function position() {
  return { top: node.scrollTop, current };
}

// Show another answer, at the top or where it was left; the focus stays in the grid if it was there.
export function show(given, { top = 0, at = 0 } = {}) {
  const focused = list.contains(document.activeElement);
  answer?.end();
  answer = given;
  current = Math.max(0, Math.min(at, (answer?.shown ?? 0) - 1));
  if (answer) answer.arrived = () => draw();
  measure();
  node.scrollTop = top;
  before = node.scrollTop;
  redraw();
  if (focused && answer?.shown) focusAt(current, false);
}

export const shownAnswer = () => answer;
export const currentHit = () => answer?.at(current) ?? null;

function reveal(index) {
  const top = Math.floor(index / shape.columns) * shape.height;
  const bottom = top + shape.height - GAP;
  if (top < node.scrollTop) node.scrollTop = top;
  else if (bottom > node.scrollTop + node.clientHeight - 2 * GAP) node.scrollTop = bottom - node.clientHeight + 2 * GAP;
  draw();
}

function setCurrent(index) {
  const old = tiles.get(current);
  current = index;
  if (old) dress(old);
  if (tiles.has(index)) dress(tiles.get(index));
}

// Move the focus to a tile; one whose hit is not there yet gets it when the hit arrives.
export async function focusAt(index, revealed = true) {
  if (!answer?.shown) return null;
  const asked = answer;
  const wanted = Math.max(0, Math.min(index, answer.shown - 1));
  if (revealed) reveal(wanted);
  setCurrent(wanted);
  const hit = await answer.reach(wanted).catch(() => null);
  if (asked !== answer || current !== wanted) return null;
  draw();
  $("button.shot", tiles.get(wanted) ?? node)?.focus({ preventScroll: true });
  return hit;
}

const page = () => Math.max(1, Math.floor(node.clientHeight / shape.height)) * shape.columns;
const MOVES = {
  ArrowLeft: () => current - 1, ArrowRight: () => current + 1,
  ArrowUp: () => (current >= shape.columns ? current - shape.columns : current),
  ArrowDown: () => (current + shape.columns < answer.shown ? current + shape.columns : current),
  Home: () => 0, End: () => answer.shown - 1, PageUp: () => current - page(), PageDown: () => current + page(),
};

// Move by a key; returns whether it is one that moves.
export function move(key) {
  if (!(key in MOVES) || !answer?.shown) return false;
  // From elsewhere on the page, the first key only enters the grid.
  focusAt(list.contains(document.activeElement) ? MOVES[key]() : current);
  return true;
}

// The neighbour of an item in the order of the answer, or null.
export async function neighbour(id, step) {
  const index = answer?.indexOf(id) ?? -1;
  const next = index + step;
  if (index < 0 || next < 0 || next >= answer.shown) return null;
  reveal(next);
  setCurrent(next);
  return answer.reach(next).catch(() => null);
}

export function hitOf(id) {
  const index = answer?.indexOf(id) ?? -1;
  return index < 0 ? null : answer.at(index);
}

function tileOf(target) {
  const made = target.closest?.(".tile");
  return made?.dataset.id === undefined ? null : made;
}

list.addEventListener("focusin", (event) => {
  const made = tileOf(event.target);
  if (!made) return;
  setCurrent(Number(made.dataset.index));
  const hit = currentHit();
  if (hit && hit.id !== selected) emit("select", { id: hit.id, hit, from: "grid" });
});
list.addEventListener("click", (event) => {
  const shot = event.target.closest(".shot");
  if (!shot) return;
  shot.focus({ preventScroll: true }); // not every browser focuses what is clicked
  act("open", answer.at(Number(tileOf(shot)?.dataset.index)));
});
let hovering = null;
list.addEventListener("pointerover", (event) => {
  clearTimeout(hovering);
  const made = event.pointerType === "mouse" ? tileOf(event.target) : null;
  const hit = made && answer.at(Number(made.dataset.index));
  if (hit) hovering = setTimeout(() => emit("hover", { id: hit.id, hit, from: "grid" }), HOVER);
});
list.addEventListener("pointerleave", () => {
  clearTimeout(hovering);
  emit("hover", { id: null, hit: null, from: "grid" });
});

on("select", ({ id, from }) => {
  selected = id;
  for (const made of tiles.values()) dress(made);
  const index = answer?.indexOf(id) ?? -1;
  if (from === "grid" || index < 0) return;
  setCurrent(index);
  reveal(index);
});

// The map or the strip points at an item.
on("hover", ({ id, from }) => {
  if (from === "grid") return;
  for (const made of tiles.values()) made.classList.toggle("pointed", id !== null && made.dataset.id === id);
});

// A tile that was collected, or no longer is, is drawn again; it keeps the focus.
on("collected", ({ id }) => {
  const index = answer?.indexOf(id) ?? -1;
  const old = tiles.get(index);
  if (!old) return;
  const focused = old.contains(document.activeElement);
  const made = tile(index, answer.shown, answer.at(index));
  place(made, index);
  old.replaceWith(made);
  tiles.set(index, made);
  dress(made);
  if (focused) $("button.shot", made)?.focus({ preventScroll: true });
});
