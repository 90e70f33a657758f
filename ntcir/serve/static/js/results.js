// From the address to an answer on the page: what was found, in one line, and what to do where nothing was.
import { $, announce, complain, element, emit, on, settle, site, state } from "./core.js";
import { Answer } from "./answer.js";
import { clearQuery, ranked } from "./ask.js";
import { present } from "./collections.js";
import { activeFilters, clearFilters, filtersInWords } from "./filters.js";
import { node as grid, focusAt, position, resize, show, shownAnswer, tileSize } from "./grid.js";
import { button, icon, iconButton } from "./icons.js";
import { remember, remembered } from "./memory.js";
import { inWords } from "./query.js";
import { columnName, count, items, many } from "./texts.js";

const SIZES = [["small", "Small"], ["medium", "Medium"], ["large", "Large"]];
const LEFT = 30; // answers of which the place one had reached is remembered

const heading = element("h2", { id: "found" }, "…");
const remarks = element("ul", { class: "remarks", hidden: true });
const group = element("button", { type: "button", class: "toggle", id: "group-toggle", "aria-pressed": "false", title: "One hit an event (g)", onclick: toggleGroups }, icon("event"), "By event");
const sizes = element(
  "fieldset", { class: "sizes" }, element("legend", { class: "unseen" }, "Size of the tiles"),
  SIZES.map(([value, name]) => element("label", { title: `${name} tiles` }, element("input", { type: "radio", name: "size", value, "aria-label": name, checked: value === tileSize(), onchange: () => resize(value) }), element("span", { "aria-hidden": "true" }, name[0]))),
);
const save = iconButton("download", "Export these hits", () => emit("export", { collection: present() }));
const empty = element("div", { class: "empty", hidden: true });
const more = element("p", { class: "note more-hits", hidden: true });
const place = $("#results");
const hint = welcome();
place.append(
  element("header", { class: "results-head" }, heading, element("div", { class: "results-tools" }, site.timed ? group : null, sizes, save)),
  hint, remarks, element("div", { class: "progress", "aria-hidden": "true" }), grid, empty, more,
);

// The first time somebody is here.
function welcome() {
  if (remembered("welcomed")) return "";
  const touch = matchMedia("(hover: none) and (pointer: coarse)").matches;
  const can = (way, text) => (site.ways.includes(way) ? [text] : []);
  const example = columnName(site.columns[0] ?? "").replace(/ \(.*/, ""); // without the unit
  const reading = example ? `add a reading such as ${example}` : "add a reading";
  const ways = [...can("words", "describe a moment in words"), ...can("picture", touch ? "add a picture" : "drop a picture"), ...can("reading", reading)];
  const like = `${touch ? "open" : "point at"} a ${site.noun} and choose “more like this”.${touch ? "" : " Press ? for all keys."}`;
  const said = ways.length ? `${ways.join(", ")}; or ${like}` : like;
  const shown = element("p", { class: "welcome" }, icon("info"), element("span", {}, said[0].toUpperCase() + said.slice(1)));
  shown.append(iconButton("close", "Do not show this again", () => {
    remember("welcomed", "1");
    shown.remove();
  }));
  return shown;
}

export function toggleGroups() {
  if (site.timed) state.set({ group: state.get("group") === "event" ? null : "event" });
}

let asking = null;
let asked = null; // the question whose answer is shown
const left = new Map(); // question -> where one was in its answer

function leave() {
  if (asked === null) return;
  left.delete(asked);
  left.set(asked, position());
  if (left.size > LEFT) left.delete(left.keys().next().value);
}

// Where the next answer begins: where it was left; after a mark where one is; else at the top.
function beginning(question, answer) {
  const was = left.get(question);
  if (was) return { top: was.top, at: was.current };
  if (asked === null || bare(question) !== bare(asked)) return {};
  const here = position();
  const marked = shownAnswer()?.at(here.current);
  const index = marked ? answer.indexOf(marked.id) : -1;
  return { top: here.top, at: index >= 0 ? index : here.current };
}

function bare(question) {
  const params = new URLSearchParams(question);
  for (const key of ["right", "wrong"]) params.delete(key);
  return params.toString();
}

async function ask() {
  const question = state.question().toString();
  group.setAttribute("aria-pressed", String(state.get("group") === "event"));
  if (hint) hint.hidden = question !== ""; // whoever has asked needs it no more
  if (question === asked && asking === null) return; // only how the page looks has changed
  asking?.abort();
  const flight = (asking = new AbortController());
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await new Answer(question).begin(flight.signal);
    if (flight !== asking) return;
    settle();
    leave();
    const start = beginning(question, answer);
    asked = question;
    show(answer, start);
    tell(answer);
    emit("hits", { total: answer.total, unit: answer.unit, ranked: answer.ranked, hits: answer.pages.get(0), remarks: answer.remarks });
  } catch (error) {
    if (error.name === "AbortError") return;
    leave();
    asked = null;
    show(null);
    complain(error);
    refused();
  } finally {
    if (flight === asking) {
      asking = null;
      place.removeAttribute("aria-busy");
    }
  }
}
on("state", ask);

function tell(answer) {
  const found = answer.unit === "event" ? many(answer.total, "event") : items(answer.total);
  const query = inWords();
  const order = answer.total < 2 ? "" : answer.ranked ? "best first" : "in order of time";
  heading.replaceChildren(element("b", {}, found), query ? [` for ${query}`, order].filter(Boolean).join(", ") : site.timed || answer.ranked ? ` ${order}` : "");
  remarks.replaceChildren(...answer.remarks.map((text) => element("li", {}, icon("info"), element("span", {}, text))));
  remarks.hidden = answer.remarks.length === 0;
  more.hidden = answer.total <= answer.shown;
  more.textContent = `The first ${count(answer.shown)} of ${count(answer.total)} can be scrolled through: narrow the filters to reach the others.`;
  grid.hidden = answer.total === 0;
  empty.hidden = answer.total > 0;
  if (answer.total === 0) nothing();
  document.title = [query || (activeFilters().length ? "filtered" : ""), site.corpus, "ntcir"].filter(Boolean).join(" – ");
  announce(`${heading.textContent}.`);
}

function nothing() {
  const filters = filtersInWords();
  const why = filters ? `No ${site.noun} passes the filters: ${filters}.` : state.get("then.q") || state.get("then.like") ? "No two moments lie as near to each other as asked." : `There is no ${site.noun} to show.`;
  empty.replaceChildren(
    icon("search"), element("p", {}, why),
    element("div", {}, filters ? button("close", "Clear filters", () => startAgain(clearFilters), { class: "button primary" }) : null, ranked() ? button("close", "Clear query", () => startAgain(clearQuery)) : null),
  );
}

// Nothing is focused any more when the button is gone: the grid is.
function startAgain(clear) {
  clear();
  grid.focus();
}

function refused() {
  heading.textContent = "No answer";
  remarks.hidden = more.hidden = grid.hidden = true;
  empty.hidden = false;
  empty.replaceChildren(
    icon("info"), element("p", {}, "This could not be asked; the reason stands above."),
    element("div", {}, button("left", "Go back", () => history.back(), { class: "button primary" }), button("close", "Clear query", clearQuery), button("search", "Try again", ask)),
  );
}

$(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address is the question
  focusAt(position().current);
});
