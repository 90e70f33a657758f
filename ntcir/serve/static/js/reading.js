// A reading as the query: a field a column, with what the corpus has of it behind each.
import { $, element, site } from "./core.js";
import { THEN, reading, setActive, setReading } from "./ask.js";
import { dialog } from "./dialogs.js";
import { columnName, rounded } from "./texts.js";

const facets = site.facets ?? {};
const numbers = facets.numbers ?? {};
const labels = facets.labels ?? {};
// What tells most of a moment comes first.
const TELLING = ["heart_rate(bpm)", "semantic_name", "movement", "city", "new_lat", "new_lng", "calories", "distance", "altitude"];
const MOST_OPTIONS = 200;

function place(column) {
  const telling = TELLING.indexOf(column);
  return telling >= 0 ? telling : TELLING.length;
}

const known = site.columns.filter((column) => column in numbers || column in labels).sort((a, b) => place(a) - place(b));
const unknown = site.columns.filter((column) => !known.includes(column));

// The corpus's range, its middle nine tenths darker, and a thumb that sets the field.
function band(column, input) {
  const { least, most, low, high } = numbers[column];
  const share = (value) => (most > least ? ((value - least) / (most - least)) * 100 : 50);
  const slider = element("input", { type: "range", min: least, max: most, step: "any", tabindex: -1, "aria-hidden": "true" });
  const drawn = element("span", { class: "band" }, element("span", { class: "usual" }), slider);
  drawn.style.setProperty("--low", `${share(low)}%`);
  drawn.style.setProperty("--high", `${share(high)}%`);
  const follow = () => {
    const set = input.value.trim() !== "" && Number.isFinite(Number(input.value));
    drawn.classList.toggle("set", set);
    slider.value = set ? input.value : (low + high) / 2;
  };
  slider.addEventListener("input", () => {
    input.value = rounded(slider.value);
    follow();
  });
  input.addEventListener("input", follow);
  follow();
  return drawn;
}

function field(column, value, index) {
  const id = `reading-${index}`;
  const number = numbers[column];
  const input = element("input", { type: "text", id, name: column, value, autocomplete: "off", spellcheck: "false", maxlength: 200 });
  const label = element("label", { for: id, title: column }, columnName(column));
  if (number) {
    input.inputMode = "decimal";
    const hint = element("small", { id: `${id}-hint` }, `${rounded(number.least)} – ${rounded(number.most)}`);
    input.setAttribute("aria-describedby", hint.id);
    return element("div", { class: "field" }, label, input, band(column, input), hint);
  }
  const options = (labels[column] ?? []).slice(0, MOST_OPTIONS);
  if (options.length === 0) return element("div", { class: "field" }, label, input);
  input.setAttribute("list", `${id}-values`);
  const list = element("datalist", { id: `${id}-values` }, options.map((each) => element("option", { value: each.value })));
  return element("div", { class: "field" }, label, input, list);
}

function form(part) {
  const values = Object.fromEntries(reading(part));
  const fields = known.map((column, index) => field(column, values[column] ?? "", index));
  const rest = unknown.map((column, index) => field(column, values[column] ?? "", known.length + index));
  return [
    element("p", { class: "lead" }, "Fill in what you know. The band is the corpus’s range, darker where nine tenths of it lie; what stays empty counts as missing."),
    element("div", { class: "fields" }, fields),
    rest.length
      ? element("details", { open: unknown.some((column) => values[column]) }, element("summary", {}, "Columns without values in this corpus"), element("div", { class: "fields" }, rest))
      : null,
  ];
}

// Opens the form for a part of the query, at a column if one is named.
export function askByReading(part, column = null) {
  setActive(part);
  const shown = dialog({
    id: "reading-dialog",
    title: part === THEN ? "A reading of what happens then" : "Ask by a reading",
    body: form(part),
    actions: [
      element("button", { type: "submit", class: "button primary" }, "Ask"),
      element("button", { type: "button", class: "button", onclick: () => shown.querySelectorAll("input[type=text]").forEach(empty) }, "Empty all"),
    ],
    submit: () => setReading(part, typed(shown)),
  });
  const start = column && [...shown.querySelectorAll("input[type=text]")].find((input) => input.name === column);
  (start ?? $("input[type=text]", shown)).focus();
}

function empty(input) {
  input.value = "";
  input.dispatchEvent(new Event("input"));
}

function typed(within) {
  const inputs = [...within.querySelectorAll("input[type=text]")];
  return Object.fromEntries(inputs.filter((input) => input.value.trim()).map((input) => [input.name, input.value.trim()]));
}
