// What is beside the results: tabs on a wide window, views one at a time on a narrow one.
import { $, emit, on, site, state } from "./core.js";

const narrow = matchMedia("(max-width: 999px)");
const tabs = [...document.querySelectorAll('#side [role="tab"]')];
const views = [...document.querySelectorAll("#views button")];
const names = tabs.map((tab) => tab.id.replace("-tab", ""));

export const isNarrow = () => narrow.matches;
export const shownTab = () => names.find((name) => $(`#${name}-tab`).getAttribute("aria-selected") === "true");
export const shownView = () => document.body.dataset.view;

function showTab(name) {
  if (!names.includes(name)) return;
  for (const tab of tabs) {
    const chosen = tab.id === `${name}-tab`;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    $(`#${tab.getAttribute("aria-controls")}`).hidden = !chosen;
  }
  state.set({ tab: name === names[0] ? null : name });
}

export function showView(name) {
  const there = name === "results" || names.includes(name) || (name === "day" && site.timed);
  if (!there) return;
  if (names.includes(name)) showTab(name);
  document.body.dataset.view = name;
  for (const view of views) {
    if (view.dataset.view === name) view.setAttribute("aria-current", "true");
    else view.removeAttribute("aria-current");
  }
  emit("view", { view: name });
}

// Bring a part into sight: "map", "item", "collection" or "day".
export function bring(name) {
  // On a phone the back button leads from an item to the results, not to another question.
  if (narrow.matches && shownView() === "results" && name !== "results") history.pushState({ view: name }, "");
  showView(name);
}

for (const tab of tabs) tab.addEventListener("click", () => showView(tab.id.replace("-tab", "")));
for (const view of views) view.addEventListener("click", () => showView(view.dataset.view));
$('#side [role="tablist"]').addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  event.stopPropagation();
  const next = names[(names.indexOf(shownTab()) + step + names.length) % names.length];
  showView(next);
  $(`#${next}-tab`).focus();
});

window.addEventListener("popstate", () => narrow.matches && showView("results"));
// What is asked anew on a phone is looked at there, not behind another view.
let question = state.question().toString();
on("state", () => {
  const asked = state.question().toString();
  if (asked !== question && narrow.matches) showView("results");
  question = asked;
});

showTab(state.get("tab") && names.includes(state.get("tab")) ? state.get("tab") : names[0]);
