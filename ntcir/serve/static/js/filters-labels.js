// A column of words, such as places, as a checklist that can be searched.
import { element, state } from "./core.js";
import { columnName, count } from "./texts.js";

const SEARCHED = 9; // from so many values on there is a field to find one
const LISTED = 200; // values at once; the field finds the others

export function checklist(column, values, opened = false) {
  const key = `label.${column}`;
  const list = element("ul", { class: "checks" });
  const counter = element("b", { class: "count", hidden: true });
  const rest = element("small", { hidden: true });
  const find = element("input", { type: "search", class: "find", placeholder: `Find in ${count(values.length)}`, "aria-label": `Find in ${columnName(column)}`, oninput: fill });
  const node = element(
    "details", { class: "filter", open: opened },
    element("summary", { title: column }, columnName(column), counter),
    values.length >= SEARCHED ? find : null, list, rest,
  );
  let built = false;

  function toggle(event) {
    const { value, checked } = event.target;
    const chosen = state.all(key).filter((each) => each !== value);
    state.set({ [key]: checked ? [...chosen, value] : chosen });
  }

  function row({ value, count: number }, chosen) {
    const box = element("input", { type: "checkbox", value, onchange: toggle });
    box.checked = chosen;
    return element("li", {}, element("label", { title: value }, box, element("span", { dir: "auto" }, value), number === null ? null : element("small", {}, count(number))));
  }

  function fill() {
    built = true;
    const chosen = new Set(state.all(key));
    const sought = find.value.trim().toLowerCase();
    const known = new Set(values.map((each) => each.value));
    // What the address names, but the list has not, is shown as well: it could not be taken back otherwise.
    const strange = [...chosen].filter((value) => !known.has(value)).map((value) => ({ value, count: null }));
    const fitting = [...strange, ...values].filter((each) => each.value.toLowerCase().includes(sought));
    const order = [...fitting.filter((each) => chosen.has(each.value)), ...fitting.filter((each) => !chosen.has(each.value))];
    const held = document.activeElement?.closest?.("li") && list.contains(document.activeElement) ? document.activeElement.value : null;
    list.replaceChildren(...order.slice(0, LISTED).map((each) => row(each, chosen.has(each.value))));
    rest.hidden = order.length > 0 && order.length <= LISTED;
    rest.textContent = order.length ? `${count(order.length - LISTED)} more: find them by name.` : "None has this in its name.";
    if (held !== null) [...list.querySelectorAll("input")].find((box) => box.value === held)?.focus();
  }

  node.addEventListener("toggle", () => node.open && !built && fill());
  return {
    node,
    active: () => state.all(key).length > 0,
    show() {
      const number = state.all(key).length;
      counter.hidden = number === 0;
      counter.textContent = number;
      if (number && !built) node.open = true;
      if (node.open || built) fill();
    },
  };
}
