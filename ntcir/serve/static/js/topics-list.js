// The list of topics as a table; on a narrow page its rows look like cards.
import { $, base, element, site, thumbnail } from "./core.js";

const list = $("#topic-list");
const SVG = "http://www.w3.org/2000/svg";
const two = site.runs.length > 1;

// What a heading sorts by: first one way, then the other, and what the second click is called by aria-sort.
const COLUMNS = [
  { title: "Topic", sorts: [["id", "ascending"]] },
  ...site.runs.map((name, place) => ({
    title: "Rank",
    of: two ? name : null,
    run: place + 1,
    sorts: [[place ? "worst2" : "worst", "descending"], [place ? "best2" : "best", "ascending"]],
  })),
  ...(two
    ? [{ title: "Δ RR", sorts: [["difference", "other"], ["gains", "descending"], ["losses", "ascending"]] }]
    : []),
];

export function show(answer, { sort = "worst", topic = null }) {
  const table = element(
    "table", { class: "topic-table" },
    element("caption", { class: "unseen" }, `Topics ${answer.offset + 1} to ${answer.offset + answer.rows.length} of ${answer.total}`),
    element("thead", {}, element("tr", {}, COLUMNS.map((column) => heading(column, sort)))),
    element("tbody", {}, answer.rows.map(row)),
  );
  const heads = () => [...list.querySelectorAll("thead button")];
  const [inside, held] = [list.contains(document.activeElement), heads().indexOf(document.activeElement)];
  list.replaceChildren(answer.rows.length ? table : element("p", { class: "none" }, "No topic matches."), pager(answer));
  goTo(topic);
  // A heading sorts again by the next press; whoever has turned the page reads on at its first topic.
  if (inside) (heads()[held] ?? $(".opens", list))?.focus();
}

function heading(column, sort) {
  const place = column.sorts.findIndex(([name]) => name === sort);
  const next = column.sorts[(place + 1) % column.sorts.length][0];
  const mark = place < 0 ? "" : { ascending: "▲", descending: "▼", other: "◆" }[column.sorts[place][1]];
  const name = element(
    "span", { class: column.of ? `run-name run-${column.run}` : null, title: column.of },
    column.title, column.of ? element("span", { class: "unseen" }, ` in ${column.of}`) : null,
  );
  return element(
    "th", { scope: "col", "aria-sort": place < 0 ? "none" : column.sorts[place][1] },
    element("button", { type: "button", "data-sort": next }, name, element("span", { class: "mark", "aria-hidden": "true" }, mark)),
  );
}

function row(topic) {
  const opened = element("button", { type: "button", class: "opens", title: topic.topic }, topic.topic);
  const seen = topic.photo
    ? element("img", { src: thumbnail(topic.photo), alt: "", loading: "lazy", decoding: "async", width: 64, height: 48 })
    : element("span", { class: "no-photo", "aria-hidden": "true" }, icon("reading"));
  return element(
    "tr", { "data-topic": topic.topic },
    element(
      "th", { scope: "row" },
      element(
        "div", { class: "pictured" }, seen,
        element("span", { class: "asked" }, opened, element("span", { class: "says", title: topic.query }, topic.query)),
      ),
    ),
    topic.ranks.map((rank, place) => rankCell(rank, topic.ranked[place], site.runs[place], place + 1)),
    two ? element("td", { class: `change ${sign(topic.change)}`, "data-label": "Δ RR" }, signed(topic.change)) : null,
  );
}

function icon(name) {
  const drawn = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  drawn.setAttribute("class", "icon");
  use.setAttribute("href", `${base}static/icons.svg#${name}`);
  drawn.append(use);
  return drawn;
}

function rankCell(rank, ranked, run, number) {
  const text = rank ?? (ranked ? "not found" : "missing");
  const title = rank ? `rank ${rank}` : ranked ? "the right one is not among those that the run ranks" : "the run lacks this topic";
  return element("td", { class: rank ? "rank" : "rank missed", title, "data-label": two ? run : "rank", "data-run": number }, text);
}

function sign(change) {
  if (Math.abs(change) < 0.0005) return "";
  return change > 0 ? "gain" : "loss";
}

function signed(change) {
  if (sign(change) === "") return "0.000";
  return `${change > 0 ? "+" : "−"}${Math.abs(change).toFixed(3)}`;
}

function pager({ total, offset, at_once: most, rows }) {
  const turn = (to, text, there) => element("button", { type: "button", class: "button", "data-offset": String(to), disabled: !there }, text);
  const told = rows.length ? `${number(offset + 1)}–${number(offset + rows.length)} of ${number(total)}` : "";
  if (total <= most) return element("p", { class: "pager" }, told);
  return element(
    "nav", { class: "pager", "aria-label": "Pages of topics" },
    turn(offset - most, "Back", offset > 0), element("span", {}, told), turn(offset + most, "More", offset + rows.length < total),
  );
}

function number(value) {
  return value.toLocaleString("en");
}

export function listed(topic) {
  return topic ? $(`tr[data-topic="${CSS.escape(topic)}"] .opens`, list) : null;
}

// Mark a topic as the one that is shown and bring it into view; false where this page of the list lacks it.
export function goTo(topic) {
  for (const marked of list.querySelectorAll("tr[aria-current]")) marked.removeAttribute("aria-current");
  if (!topic) return false;
  const found = listed(topic)?.closest("tr");
  found?.setAttribute("aria-current", "true");
  found?.scrollIntoView({ block: "nearest" });
  return Boolean(found);
}
