// The photographs of an event, as a strip over the grid.
import { $, announce, complain, element, emit, getJSON, on, site } from "./core.js";
import { focusAt, shownAnswer } from "./grid.js";
import { iconButton } from "./icons.js";
import { act } from "./marks.js";
import { photograph, spoken } from "./tile.js";
import { items, moment, count } from "./texts.js";

const title = element("h3");
const strip = element("div", { class: "event-strip", role: "list" });
const overlay = element(
  "section", { id: "event-panel", hidden: true, "aria-label": "Event" },
  element("header", {}, title, iconButton("close", "Close the event (Esc)", closeEvent)), strip,
);
$("#results").append(overlay);

let hits = [];
let at = 0;
let from = null; // the hit whose event is open

// Photographs further along are loaded when they come near.
const watcher = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    watcher.unobserve(target);
    target.src = target.dataset.source;
  }
}, { root: strip, rootMargin: "0px 600px" });

function shot(hit, index) {
  const picture = site.pictured ? photograph(hit.id, false) : element("span", { class: "text" }, hit.caption ?? hit.id);
  if (site.pictured) watcher.observe(picture);
  const made = element("button", { type: "button", class: "shot", tabindex: -1, "aria-label": spoken(hit), title: moment(hit), onclick: () => act("open", hit) }, picture, element("span", { class: "rank" }, hit.clock?.slice(0, 5) ?? count(index + 1)));
  made.addEventListener("focus", () => {
    at = index;
    emit("select", { id: hit.id, hit, from: "event" });
  });
  return element("div", { role: "listitem", "aria-setsize": hits.length, "aria-posinset": index + 1 }, made);
}

function focusShot(index) {
  const buttons = strip.querySelectorAll(".shot");
  buttons[at]?.setAttribute("tabindex", "-1");
  at = Math.max(0, Math.min(index, buttons.length - 1));
  buttons[at]?.setAttribute("tabindex", "0");
  buttons[at]?.focus({ preventScroll: true });
  buttons[at]?.scrollIntoView({ block: "nearest", inline: "center" });
}

async function openEvent(hit) {
  const told = await getJSON("event", { id: hit.id });
  const score = hit.score ?? null;
  hits = told.hits.map((each) => ({ ...each, rank: null, score: each.id === hit.id ? score : null }));
  from = hit;
  const [first, last] = [hits[0], hits.at(-1)];
  const span = first?.clock ? `, ${moment(first)} – ${last.clock.slice(0, 5)}` : "";
  const rest = told.total > hits.length ? ` (the first ${count(hits.length)} are shown)` : "";
  title.textContent = `Event of ${items(told.total)}${span}${rest}`;
  strip.replaceChildren(...hits.map(shot));
  overlay.hidden = false;
  announce(`${title.textContent}.`);
  focusShot(Math.max(0, hits.findIndex((each) => each.id === hit.id)));
}

export const eventOpen = () => !overlay.hidden;
export const eventHit = () => (overlay.contains(document.activeElement) ? hits[at] ?? null : null);

export function closeEvent() {
  if (overlay.hidden) return false;
  overlay.hidden = true;
  watcher.disconnect();
  strip.replaceChildren();
  const index = shownAnswer()?.indexOf(from?.id) ?? -1;
  focusAt(Math.max(0, index));
  return true;
}

const MOVES = { ArrowLeft: () => at - 1, ArrowRight: () => at + 1, Home: () => 0, End: () => hits.length - 1, PageUp: () => at - 6, PageDown: () => at + 6 };
strip.addEventListener("keydown", (event) => {
  if (!(event.key in MOVES)) return;
  event.preventDefault();
  event.stopPropagation();
  focusShot(MOVES[event.key]());
});

on("event", ({ hit }) => openEvent(hit).catch(complain));
// Another answer: its events are others.
on("state", ({ changed }) => {
  if (changed && !overlay.hidden) {
    overlay.hidden = true;
    strip.replaceChildren();
  }
});
