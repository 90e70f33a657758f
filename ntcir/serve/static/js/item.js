// One item in full: a fragment of the server's, beside the results.
import { $, address, announce, complain, element, emit, on, site, state } from "./core.js";
import { FIRST, activePart, setReading } from "./ask.js";
import { focusAt, hitOf, neighbour, position, shownAnswer } from "./grid.js";
import { icon, iconButton } from "./icons.js";
import { bring, isNarrow, showView, shownTab } from "./layout.js";
import { openLightbox } from "./lightbox.js";
import { act, isCollected, markOf } from "./marks.js";
import { count, score } from "./texts.js";

const panel = $("#item-panel");
const body = element("div", { id: "item-body" });
const standing = element("p", { class: "standing" });
const previous = iconButton("left", "Previous in the results", () => step(-1));
const next = iconButton("next", "Next in the results", () => step(1));
const close = iconButton("close", "Close (Esc)", closeItem);
const bar = element("div", { class: "item-bar" }, previous, standing, next, close);
panel.append(bar, body);

let id = null;
export const openItem = () => id;

function nothing() {
  bar.hidden = true;
  body.replaceChildren(element("p", { class: "nothing" }, icon("item"), `Open a ${site.noun} to see all that is known of it.`));
}

async function show(wanted) {
  id = wanted;
  state.set({ at: id });
  bring("item");
  stand();
  body.setAttribute("aria-busy", "true");
  await window.htmx.ajax("GET", address("item", { id }), { target: body });
  body.removeAttribute("aria-busy");
  panel.scrollTop = 0;
  dress();
  const title = $("h2", body);
  if (title) announce(`Opened ${title.textContent.trim()}, ${standing.textContent}.`);
}

// Its rank and score, where it is among the hits that were seen.
function stand() {
  bar.hidden = false;
  const hit = hitOf(id);
  const index = shownAnswer()?.indexOf(id) ?? -1;
  const rank = index >= 0 ? `${count(index + 1)} of ${count(shownAnswer().total)}` : "not among the hits seen";
  standing.replaceChildren(rank, ...(hit?.score === null || !hit ? [] : [" ", element("b", {}, score(hit.score))]));
  previous.disabled = index <= 0;
  next.disabled = index < 0 || index + 1 >= shownAnswer().shown;
}

function dress() {
  const article = $(".item", body);
  if (!article || id === null) return;
  const pressed = { right: markOf(id) === "right", wrong: markOf(id) === "wrong", collect: isCollected(id) };
  for (const [name, on] of Object.entries(pressed)) $(`[data-action="${name}"]`, article)?.setAttribute("aria-pressed", String(on));
  const picture = $(".item-picture img", article);
  picture?.addEventListener("error", () => picture.replaceWith(element("span", { class: "gone" }, `The ${site.noun} is gone.`)), { once: true });
}

export async function step(by) {
  const hit = id === null ? null : await neighbour(id, by);
  if (!hit) return null;
  emit("select", { id: hit.id, hit, from: "grid" });
  await show(hit.id);
  return hit;
}

export function closeItem() {
  if (id === null) return false;
  const inside = panel.contains(document.activeElement);
  const index = shownAnswer()?.indexOf(id) ?? -1;
  id = null;
  state.set({ at: null });
  nothing();
  if (isNarrow()) showView("results");
  else if (shownTab() === "item" && site.placed) showView("map");
  if (inside || isNarrow()) focusAt(index >= 0 ? index : position().current);
  return true;
}

panel.addEventListener("click", (event) => {
  const picture = event.target.closest(".item-picture");
  if (picture && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    openLightbox(id);
    return;
  }
  const name = event.target.closest("[data-action]")?.dataset.action;
  if (!name) return;
  const article = $(".item", body);
  if (name === "reading") setReading(activePart() || FIRST, JSON.parse(article.dataset.reading));
  else if (name === "map" || name === "day") emit("reveal", { part: name, id });
  else act(name, hitOf(id) ?? { id, score: null });
});

on("open", ({ id: wanted, hit, from }) => {
  emit("select", { id: wanted, hit: hit ?? hitOf(wanted), from: from ?? (hitOf(wanted) ? "grid" : "item") });
  show(wanted).catch(complain);
});
on("state", dress);
on("hits", () => id !== null && stand());
on("collected", dress);

nothing();
const asked = state.get("at");
if (asked) on("hits", restore);
// An address with an open item opens it once there is an answer to place it in.
let restored = false;
function restore() {
  if (restored) return;
  restored = true;
  emit("open", { id: asked, from: "address" });
}
