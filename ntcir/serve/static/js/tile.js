// One hit in the grid: its photograph or its text, when and where, and what one can do with it.
import { element, site, thumbnail } from "./core.js";
import { icon } from "./icons.js";
import { act, isCollected, markOf } from "./marks.js";
import { columnName, count, many, moment, score } from "./texts.js";

const ACTIONS = [["right", "Right (r)", "right"], ["wrong", "Wrong (w)", "wrong"], ["collect", "Collect (c)", "collect"], ["like", "More like this (l)", "like"]];

export function labelsOf(hit) {
  return [...new Set(Object.values(hit.labels ?? {}))].join(" · "); // two columns may say the same
}

// What a screen reader says of a tile.
export function spoken(hit) {
  const parts = [
    hit.rank ? `Rank ${count(hit.rank)}` : "", hit.score === null || hit.score === undefined ? "" : `score ${score(hit.score)}`,
    moment(hit) || hit.id, labelsOf(hit), hit.caption ?? "", markOf(hit.id) ? `marked ${markOf(hit.id)}` : "",
    isCollected(hit.id) ? "collected" : "", hit.in_event > 1 ? `event of ${many(hit.in_event, "hit")}` : "",
    hit.then ? `then ${moment(hit.then)}` : "",
  ];
  return parts.filter(Boolean).join(", ");
}

// A photograph by id; where it cannot be had, that is said in its place.
export function photograph(id, load = true) {
  const shown = element("img", { alt: "", decoding: "async", draggable: "false" });
  shown.dataset.source = thumbnail(id);
  if (load) shown.src = shown.dataset.source;
  shown.addEventListener("load", () => shown.classList.add("there"));
  shown.addEventListener("error", () => {
    if (!shown.hasAttribute("src")) return; // it was taken out of sight, not missed
    shown.replaceWith(element("span", { class: "gone", title: "The photograph is not on disk, or cannot be read." }, `${site.noun} is gone`));
  });
  return shown;
}

function buttons(hit) {
  return element(
    "div", { class: "tile-actions" },
    ACTIONS.map(([name, text, symbol]) =>
      element("button", { type: "button", class: `icon-button ${name}`, title: text, "aria-label": text, "aria-pressed": pressed(name, hit.id), onclick: () => act(name, hit) }, icon(symbol)),
    ),
  );
}

function pressed(name, id) {
  if (name === "collect") return String(isCollected(id));
  return name === "like" ? null : String(markOf(id) === name);
}

function badges(hit) {
  const mark = markOf(hit.id);
  return element(
    "span", { class: "badges", "aria-hidden": "true" },
    mark ? element("i", { class: mark }, icon(mark)) : null,
    isCollected(hit.id) ? element("i", { class: "collected" }, icon("collect")) : null,
  );
}

function eventButton(hit) {
  const text = `Open the event: ${many(hit.in_event, "hit")} (e)`;
  return element("button", { type: "button", class: "in-event", title: text, "aria-label": text, onclick: () => act("event", hit) }, icon("event"), `+${count(hit.in_event - 1)}`);
}

function partner(hit, load) {
  const then = hit.then;
  return element(
    "button", { type: "button", class: "partner", tabindex: -1, title: `Then: ${moment(then)}`, "aria-label": `Open what happens then: ${moment(then)}`, onclick: () => act("open", then) },
    site.pictured ? photograph(then.id, load) : null, element("span", {}, then.clock?.slice(0, 5) ?? ""),
  );
}

// The tile of a hit, or its place while the hit is not there. `load` is false while one scrolls past it.
export function tile(index, total, hit, load = true) {
  const node = element("div", { role: "listitem", class: "tile", "aria-setsize": total, "aria-posinset": index + 1 });
  node.dataset.index = index;
  if (!hit) {
    node.classList.add("waiting");
    node.append(element("span", { class: "shot" }), element("span", { class: "foot" }));
    return node;
  }
  node.dataset.id = hit.id;
  const open = element(
    "button", { type: "button", class: "shot", tabindex: -1, "aria-label": spoken(hit) },
    site.pictured ? photograph(hit.id, load) : element("span", { class: "text", dir: "auto" }, hit.caption ?? hit.id),
    element("span", { class: "rank" }, count(hit.rank), hit.score === null ? null : element("b", {}, score(hit.score))),
  );
  const label = labelsOf(hit);
  const named = Object.entries(hit.labels ?? {}).map(([column, value]) => `${columnName(column)}: ${value}`).join("\n");
  node.append(
    open, badges(hit),
    element("div", { class: "foot", title: [hit.id, named].filter(Boolean).join("\n") }, element("span", { class: "when" }, moment(hit) || hit.id), element("span", { class: "where", dir: "auto" }, label || (site.pictured ? hit.caption ?? "" : ""))),
  );
  if (hit.in_event > 1) node.append(eventButton(hit));
  if (hit.then) node.append(partner(hit, load));
  // Most tiles are only looked at: their buttons are made when somebody points at them.
  const arm = () => {
    if (!node.querySelector(".tile-actions")) open.after(buttons(hit));
  };
  node.addEventListener("pointerenter", arm);
  node.addEventListener("focusin", arm);
  return node;
}

// Pictures of a tile that are waited for no longer, or now.
export function unload(node) {
  for (const shown of node.querySelectorAll("img")) if (!shown.complete) shown.removeAttribute("src");
}

export function load(node) {
  for (const shown of node.querySelectorAll("img:not([src])")) shown.src = shown.dataset.source;
}
