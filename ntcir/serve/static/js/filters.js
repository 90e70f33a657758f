// Filters: each writes its own keys of the address and shows what the address says.
import { $, element, on, site, state } from "./core.js";
import { areaFilter, qualityFilter, scoreFilter } from "./filters-more.js";
import { checklist } from "./filters-labels.js";
import { rangeFilter } from "./filters-ranges.js";
import { dateFilter, hoursFilter, weekdayFilter } from "./filters-time.js";
import { button, iconButton } from "./icons.js";
import { columnName } from "./texts.js";

const facets = site.facets ?? {};
const place = $("#filters");

// Columns that a person knows a moment by; the rest lies folded under them.
const TELLING_LABELS = ["semantic_name", "movement", "city"];
const TELLING_NUMBERS = ["heart_rate(bpm)"];
const ALONE = /^(from|to|hours|weekday|box|sharp|bright|floor)$/;
const OF_COLUMN = /^(label|min|max)\./;

// The keys of the address that narrow what can be found; a range is one filter, however many ends it has.
export function filterKeys() {
  return [...new Set(state.params().keys())].filter((key) => ALONE.test(key) || OF_COLUMN.test(key));
}

export function activeFilters() {
  const name = (key) => (key === "from" || key === "to" ? "dates" : key.replace(/^(min|max)\./, "range."));
  return [...new Set(filterKeys().map(name))];
}

// "the dates, heart rate (bpm)": for a person who finds nothing.
export function filtersInWords() {
  const names = { weekday: "weekdays", box: "map area", sharp: "blurred hidden", bright: "dark hidden", floor: "score floor" };
  return activeFilters().map((key) => names[key] ?? columnName(key.replace(/^(label|range)\./, ""))).join(", ");
}

export function clearFilters() {
  state.set(Object.fromEntries(filterKeys().map((key) => [key, null])));
}

function split(columns, telling) {
  const first = telling.filter((column) => columns.includes(column));
  const shown = first.length ? first : columns.slice(0, 2);
  return [shown, columns.filter((column) => !shown.includes(column))];
}

function more(text, parts) {
  if (parts.length === 0) return null;
  const held = element("details", { class: "more" }, element("summary", {}, text, element("b", { class: "count", hidden: true })), parts.map((part) => part.node));
  return {
    node: held,
    show() {
      for (const part of parts) part.show();
      const active = parts.filter((part) => part.active?.()).length;
      const counter = $("summary > .count", held);
      counter.hidden = active === 0;
      counter.textContent = active;
    },
  };
}

function build() {
  const labels = Object.keys(facets.labels ?? {}).filter((column) => facets.labels[column].length > 1);
  const numbers = Object.keys(facets.numbers ?? {}).filter((column) => facets.numbers[column].most > facets.numbers[column].least);
  const [mainLabels, otherLabels] = split(labels, TELLING_LABELS);
  const [mainNumbers, otherNumbers] = split(numbers, TELLING_NUMBERS);
  const list = (column, index) => checklist(column, facets.labels[column], index === 0);
  const range = (column) => rangeFilter(column, facets.numbers[column]);
  return [
    ...(site.timed ? [dateFilter(facets.days ?? []), hoursFilter(), weekdayFilter()] : []),
    ...mainLabels.map(list),
    ...mainNumbers.map(range),
    more("More places and activities", otherLabels.map((column) => list(column))),
    more("More readings", otherNumbers.map(range)),
    site.placed ? areaFilter() : null,
    site.pictured && site.judged ? qualityFilter() : null,
    scoreFilter(),
  ].filter(Boolean);
}

const parts = build();
const clear = button("close", "Clear filters", clearFilters, { class: "button quiet", id: "clear-filters" });
place.append(
  element("header", { class: "filters-head" }, element("h2", {}, "Filters"), clear, iconButton("close", "Close the filters", () => toggleFilters(false), { class: "only-drawer" })),
  element("div", { class: "filters-body" }, parts.map((part) => part.node)),
  element("footer", { class: "filters-foot only-drawer" }, button("right", "Show the results", () => toggleFilters(false), { class: "button primary" })),
);
if (parts.length === 1) $(".filters-body").prepend(element("p", { class: "note" }, "This corpus has no times, places or readings to narrow by."));
if (!site.zoned && site.timed) $(".filters-body").prepend(element("p", { class: "note" }, "No time zones are known: days and hours are those of UTC."));

function show() {
  for (const part of parts) part.show();
  const number = activeFilters().length;
  clear.hidden = number === 0;
  const counter = $("#filters-button .count");
  counter.hidden = number === 0;
  counter.textContent = number;
}
on("state", show);

const opener = $("#filters-button");
const isDrawer = () => getComputedStyle(opener).display !== "none";

// The bars of days are for the mouse: the fields beside them say the same.
function enter() {
  $(":is(input, button, summary):not([tabindex='-1'])", $(".filters-body"))?.focus();
}

export function toggleFilters(open = !document.body.classList.contains("filtering")) {
  if (!isDrawer()) {
    if (open) enter();
    return;
  }
  document.body.classList.toggle("filtering", open);
  opener.setAttribute("aria-expanded", String(open));
  if (open) enter();
  else if (place.contains(document.activeElement)) opener.focus();
}

opener.addEventListener("click", () => toggleFilters());
place.addEventListener("keydown", (event) => event.key === "Escape" && isDrawer() && toggleFilters(false));
// Whoever leaves the drawer, by mouse or by Tab, is done with it: it must not cover what has the focus.
for (const left of ["pointerdown", "focusin"]) document.addEventListener(left, (event) => {
  const outside = !place.contains(event.target) && !opener.contains(event.target);
  if (outside && document.body.classList.contains("filtering")) toggleFilters(false);
});
