// Keys: single letters work wherever nothing is typed, and can be switched off (WCAG 2.1.4).
import { $, emit, on, site } from "./core.js";
import { dialogOpen } from "./dialogs.js";
import { closeEvent, eventHit, eventOpen } from "./event.js";
import { toggleFilters } from "./filters.js";
import { currentHit, focusAt, move, position } from "./grid.js";
import { about, help, keysOn } from "./help.js";
import { closeItem, openItem } from "./item.js";
import { bring, isNarrow, shownTab, showView } from "./layout.js";
import { act, undo } from "./marks.js";
import { focusQuery } from "./query.js";
import { toggleGroups } from "./results.js";

const within = (selector) => $(selector).contains(document.activeElement);

let looked = null; // the hit that was looked at last, wherever that was
on("select", ({ id, hit }) => (looked = id ? { score: null, ...hit, id } : null));

// The hit that a key means: of the open event, the panel, the day, or the grid.
function meant() {
  const inPanel = within("#item-panel") && openItem();
  return eventHit() ?? (inPanel ? { id: openItem(), score: null } : within("#day-panel") ? looked ?? currentHit() : currentHit());
}

const doTo = (name) => () => act(name, meant());

const LETTERS = {
  "/": focusQuery,
  f: () => toggleFilters(true),
  l: doTo("like"), r: doTo("right"), w: doTo("wrong"), c: doTo("collect"),
  e: () => (eventOpen() ? closeEvent() : act("event", meant())),
  u: undo,
  g: toggleGroups,
  m: () => reveal("map"),
  d: () => reveal("day"),
  "[": () => emit("day", { step: -1 }),
  "]": () => emit("day", { step: 1 }),
  t: () => site.topics && location.assign($("#topics-link").href),
  "?": help,
};

function reveal(part) {
  const shown = isNarrow() ? document.body.dataset.view === part : part === "map" && shownTab() === "map";
  if (shown && isNarrow()) {
    showView("results");
    return;
  }
  // The day follows whatever is looked at, and the map may be there already: then the key goes into it.
  emit("reveal", { part, id: meant()?.id ?? null, enter: part === "day" });
  if (shown) $(".map-view")?.focus({ preventScroll: true });
}

document.addEventListener("ntcir:reveal", ({ detail: { part, id, enter = false } }) => {
  if (id && openItem() !== id) emit("select", { id, hit: null, from: "key" });
  if (part === "day" && id) emit("day", { id, enter });
  if (isNarrow() || part !== "day") bring(part);
  if (part === "day" && !isNarrow()) $("#day-panel").scrollIntoView({ block: "nearest" });
});

function typing(target) {
  return target.matches?.("input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable]");
}

function escape() {
  return closeEvent() || back("#day-panel") || closeItem() || back("#side");
}

// From a part beside the results to where one was in them.
function back(part) {
  if (isNarrow() || !within(part)) return false;
  focusAt(position().current);
  return true;
}

// Whether a key that moves is the grid's: not where something else that moves has the focus.
function gridHas(target) {
  return target === document.body || $("#results").contains(target);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || dialogOpen()) return;
  if (typing(event.target)) {
    if (event.key === "Escape") {
      event.preventDefault(); // a browser would empty a search field, and so take the query back
      event.target.blur();
    }
    return;
  }
  if (event.key === "Escape") {
    if (escape()) event.preventDefault();
    return;
  }
  if (gridHas(event.target) && event.target.type !== "radio" && move(event.key)) {
    event.preventDefault();
    return;
  }
  const letter = event.key === "?" || keysOn() ? LETTERS[event.key] : null;
  if (letter) {
    event.preventDefault();
    letter();
  }
});

// A button that a key has pressed may be gone by that, and the focus with it: it goes on at the hits.
const GONE_AFTER = 80; // milliseconds, in which the browser has seen that it is hidden
document.addEventListener("click", (event) => {
  if (event.detail !== 0 || !event.target.closest?.("button")) return;
  setTimeout(() => {
    const held = document.activeElement;
    if (!dialogOpen() && (held === document.body || !held.checkVisibility())) $("#grid").focus();
  }, GONE_AFTER);
});

$("#help-button").addEventListener("click", help);
$("#about-button").addEventListener("click", about);
