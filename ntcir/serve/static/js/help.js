// What the keys do, and what a person should know of the index.
import { element, site } from "./core.js";
import { dialog } from "./dialogs.js";
import { remember, remembered } from "./memory.js";
import { items } from "./texts.js";

const KEYS = [
  ["In the results", [
    ["← → ↑ ↓", "move"], ["Home End", "first, last"], ["PgUp PgDn", "a screen up, down"], ["Enter", "open"],
    ["l", "more like this"], ["r", "right: the query moves towards it"], ["w", "wrong: the query moves away from it"],
    ["c", "collect, or take out"], ["e", "photographs of its event"], ["u", "undo"],
  ]],
  ["On the page", [
    ["/", "query"], ["f", "filters"], ["g", "group by event"], ["m", "show on the map, go into it"], ["d", "go to its day"],
    ["[ ]", "day before, day after"], ["t", "topics"], ["?", "this help"], ["Esc", "close, back to the results"],
  ]],
];

export function keysOn() {
  return remembered("keys", "on") === "on";
}

function table([title, keys]) {
  const shown = keys.filter(([key]) => (key !== "t" || site.topics) && (!["m"].includes(key) || site.placed) && (!["d", "[ ]", "g", "e"].includes(key) || site.timed));
  return element(
    "table", { class: "keys" }, element("caption", {}, title),
    element("tbody", {}, shown.map(([key, text]) => element("tr", {}, element("th", { scope: "row" }, key.split(" ").map((each) => element("kbd", {}, each))), element("td", {}, text)))),
  );
}

export function help() {
  const box = element("input", { type: "checkbox", onchange: () => remember("keys", box.checked ? null : "off") });
  box.checked = keysOn();
  dialog({
    id: "help-dialog",
    title: "Help and keys",
    body: [
      element("ul", { class: "tips" },
        element("li", {}, "The parts of a query add up: words, pictures, readings and ", site.plural, "."),
        element("li", {}, "“And then” finds a moment that another one follows, or precedes."),
        element("li", {}, "Mark hits right or wrong, and the query moves towards the one and away from the other."),
        element("li", {}, "The address holds the whole query: bookmark it, or go back to undo.")),
      element("div", { class: "key-tables" }, KEYS.map(table)),
      element("label", { class: "check" }, box, element("span", {}, "Single letters are keys")),
    ],
  });
}

export function about() {
  const facts = [["Corpus", site.corpus], ["Found", items(site.items)], ["Model", site.model], ["Asked by", site.ways.join(", ") || "nothing"]];
  dialog({
    id: "about-dialog",
    title: "About this page",
    body: [
      element("dl", { class: "item-facts" }, facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)))),
      site.remarks.length ? element("ul", { class: "tips" }, site.remarks.map((text) => element("li", {}, text))) : element("p", { class: "lead" }, "Everything in the corpus could be used."),
      element("p", { class: "lead" }, "Nothing is loaded from elsewhere, and nothing leaves this machine."),
    ],
  });
}
