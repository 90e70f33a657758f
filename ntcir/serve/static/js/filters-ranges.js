// The range of a column of numbers, with what the corpus has of it.
import { $, element, state } from "./core.js";
import { columnName, rounded } from "./texts.js";

export function rangeFilter(column, { least, most, low, high }) {
  const [minKey, maxKey] = [`min.${column}`, `max.${column}`];
  const change = (key) => (event) => state.set({ [key]: event.target.value.trim() || null });
  const input = (key, placeholder, word) =>
    element("input", { type: "text", inputmode: "decimal", placeholder: rounded(placeholder), "aria-label": `${word} ${columnName(column)}`, onchange: change(key) });
  const [from, to] = [input(minKey, least, "Least"), input(maxKey, most, "Most")];
  const share = (value) => `${Math.min(100, Math.max(0, ((value - least) / (most - least)) * 100))}%`;
  const band = element("span", { class: "band thin", "aria-hidden": "true" }, element("span", { class: "usual" }), element("span", { class: "chosen" }));
  band.style.setProperty("--low", share(low));
  band.style.setProperty("--high", share(high));
  const node = element(
    "fieldset", { class: "filter" },
    element("legend", { title: column }, columnName(column)),
    element("div", { class: "pair" }, from, element("span", {}, "–"), to),
    band,
    element("small", {}, `mostly ${rounded(low)} – ${rounded(high)}`),
  );
  const number = (text, otherwise) => (text && Number.isFinite(Number(text)) ? Number(text) : otherwise);
  return {
    node,
    active: () => state.get(minKey) !== null || state.get(maxKey) !== null,
    show() {
      [from.value, to.value] = [state.get(minKey) ?? "", state.get(maxKey) ?? ""];
      const chosen = $(".chosen", band);
      chosen.hidden = !from.value && !to.value;
      chosen.style.left = share(number(from.value, least));
      chosen.style.right = `calc(100% - ${share(number(to.value, most))})`;
    },
  };
}
