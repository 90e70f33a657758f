// The area of the map, the quality of photographs, the least score.
import { element, emit, getJSON, on, site, state } from "./core.js";
import { ranked } from "./ask.js";
import { button, iconButton } from "./icons.js";
import { items } from "./texts.js";

const POLL = 5000; // milliseconds between two looks at how many photographs are judged

export function areaFilter() {
  const use = button("map", "Use the map’s view", () => emit("area"), { class: "button quiet wide" });
  const chip = element("p", { class: "chip" }, element("span", {}, "Only within the map’s area"), iconButton("close", "Remove the area", () => state.set({ box: null }), { class: "chip-close" }));
  return {
    node: element("fieldset", { class: "filter" }, element("legend", {}, "Area"), chip, use),
    show() {
      chip.hidden = state.get("box") === null;
    },
  };
}

function check(key, text) {
  const box = element("input", { type: "checkbox", onchange: () => state.set({ [key]: box.checked ? "1" : null }) });
  const number = element("small");
  return { box, number, node: element("label", { class: "check" }, box, element("span", {}, text), number) };
}

export function qualityFilter() {
  const [sharp, bright] = [check("sharp", "Hide blurred"), check("bright", "Hide dark")];
  const note = element("small", { hidden: true });
  async function look() {
    const { quality } = await getJSON("status").catch(() => ({ quality: null }));
    if (!quality) return;
    sharp.number.textContent = quality.blurred;
    bright.number.textContent = quality.dark;
    const looked = quality.judged + (quality.unreadable ?? 0);
    note.hidden = quality.judged >= site.items || looked >= site.items;
    note.textContent = `${Math.floor((100 * quality.judged) / site.items)}% of ${items(site.items)} judged so far; the others are not hidden.`;
    if (!note.hidden) setTimeout(() => (document.hidden ? document.addEventListener("visibilitychange", look, { once: true }) : look()), POLL);
  }
  look();
  return {
    node: element("fieldset", { class: "filter" }, element("legend", {}, "Quality"), sharp.node, bright.node, note),
    show() {
      sharp.box.checked = state.get("sharp") === "1";
      bright.box.checked = state.get("bright") === "1";
    },
  };
}

export function scoreFilter() {
  let best = null; // of the present answer
  const input = element("input", { type: "text", inputmode: "decimal", id: "filter-floor", placeholder: "any", onchange: () => state.set({ floor: input.value.trim() || null }) });
  const hint = element("small");
  const node = element("fieldset", { class: "filter" }, element("legend", {}, "Score"), element("div", { class: "pair" }, element("label", { for: "filter-floor" }, "at least"), input), hint);
  function show() {
    node.hidden = !ranked() && state.get("floor") === null;
    input.value = state.get("floor") ?? "";
    hint.textContent = best === null ? "" : `the best has ${best.toFixed(3)}`;
  }
  on("hits", ({ hits }) => {
    best = hits[0]?.score ?? null;
    show();
  });
  return { node, show };
}
