// The items of the present collection: small photographs in the order in which they were added.
import { $, element, emit, site } from "./core.js";
import { icon, iconButton } from "./icons.js";
import { plain } from "./plain.js";
import { photograph } from "./tile.js";
import { count, items as counted, moment, score, shortDay } from "./texts.js";

const AT_ONCE = 120; // items that are drawn; more on request
let drawn = AT_ONCE;
let of = null;

function label(item) {
  if (item.gone) return `${item.id}: no longer in the corpus`;
  return [moment(item) || item.id, item.caption, item.score === null ? null : `score ${score(item.score)}`].filter(Boolean).join(", ");
}

function body(item) {
  if (item.gone) return element("span", { class: "gone" }, `${site.noun} is gone`);
  return site.pictured ? photograph(item.id) : element("span", { class: "text", dir: "auto" }, item.caption ?? item.id);
}

function card(item, changeable, takeOut) {
  const look = () => !item.gone && emit("select", { id: item.id, hit: null, from: "collection" });
  const open = element(
    "button", { type: "button", class: "collection-open", "aria-label": label(item), title: item.id, disabled: item.gone, onfocus: look, onclick: () => emit("open", { id: item.id, hit: null, from: "collection" }) },
    body(item),
  );
  const foot = element(
    "p", {}, element("span", { dir: "auto" }, item.day && !item.gone ? `${shortDay(item.day)} ${item.clock.slice(0, 5)}` : item.id),
    item.address ? element("a", { href: `?${item.address}`, title: "Ask again what it was found by" }, icon("search"), element("span", { class: "unseen" }, `Ask again what ${item.id} was found by`)) : null,
    changeable ? iconButton("close", `Take ${item.id} out`, () => takeOut(item.id)) : null,
  );
  const made = element("li", {}, open, foot);
  made.dataset.id = item.id;
  return made;
}

function hint(present) {
  const what = `Press c on a ${site.noun}, or its bookmark, to put it aside.`;
  return element("p", { class: "nothing" }, icon("collect"), present ? `${plain(present.name)} is empty. ${what}` : `Nothing is collected yet. ${what}`);
}

// Draw a collection into a place; what has the focus keeps it where it is still there.
export function drawItems(place, { present, items }, takeOut) {
  if (of !== present?.number) {
    of = present?.number;
    drawn = AT_ONCE;
  }
  const focused = place.contains(document.activeElement) ? [...place.querySelectorAll("li")].findIndex((each) => each.contains(document.activeElement)) : -1;
  if (!items.length) {
    place.replaceChildren(hint(present));
    if (focused >= 0) $("#collection-tab").focus();
    return;
  }
  const cards = items.slice(0, drawn).map((item) => card(item, present.here, takeOut));
  const more = items.length - cards.length;
  const again = () => {
    drawn += AT_ONCE * 4;
    drawItems(place, { present, items }, takeOut);
  };
  place.replaceChildren(
    element("ul", { class: "collection-list", "aria-label": `${plain(present.name)}: ${counted(items.length)}` }, cards),
    more > 0 ? element("button", { type: "button", class: "button wide", onclick: again }, `Show more of the other ${count(more)}`) : "",
  );
  if (focused >= 0) place.querySelectorAll("li")[Math.min(focused, cards.length - 1)]?.querySelector("button")?.focus();
}

// Mark the item that is looked at, wherever that is done.
export function select(place, id) {
  for (const each of place.querySelectorAll("li")) each.classList.toggle("selected", each.dataset.id === id);
}
