// Keys: single letters work wherever nothing is typed, and can be switched off (WCAG 2.1.4).
import { $, emit, site } from "./core.js";
import { dialogOpen } from "./dialogs.js";
import { closeEvent, eventHit, eventOpen } from "./event.js";
import { toggleFilters } from "./filters.js";
import { currentHit, move } from "./grid.js";
import { about, help, keysOn } from "./help.js";
import { closeItem, openItem } from "./item.js";
import { bring, isNarrow, shownTab, showView } from "./layout.js";
import { act, undo } from "./marks.js";
import { focusQuery } from "./query.js";
import { toggleGroups } from "./results.js";

// The hit that a key means: of the open event, the panel, or the grid.
function meant() {
  const inPanel = $("#item-panel").contains(document.activeElement) && openItem();
  return eventHit() ?? (inPanel ? { id: openItem(), score: null } : currentHit());
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
  if (shown && isNarrow()) showView("results");
  else emit("reveal", { part, id: meant()?.id ?? null });
}

document.addEventListener("ntcir:reveal", ({ detail: { part, id } }) => {
  if (id && openItem() !== id) emit("select", { id, hit: null, from: "key" });
  if (part === "day" && id) emit("day", { id });
  if (isNarrow() || part !== "day") bring(part);
  if (part === "day" && !isNarrow()) $("#day-panel").scrollIntoView({ block: "nearest" });
});

function typing(target) {
  return target.matches?.("input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable]");
}

function escape() {
  return closeEvent() || closeItem();
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

$("#help-button").addEventListener("click", help);
$("#about-button").addEventListener("click", about);
