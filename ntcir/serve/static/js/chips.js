// Chips: a part of the query each, with a button that takes it away.
import { address, element, emit, site, state, thumbnail } from "./core.js";
import { reading, setReading, without } from "./ask.js";
import { iconButton } from "./icons.js";
import { askByReading } from "./reading.js";
import { columnName, rounded } from "./texts.js";

function chip(content, removed, remove, kind = "") {
  return element("li", { class: `chip ${kind}` }, content, iconButton("close", `Remove ${removed}`, remove, { class: "chip-close" }));
}

function picture(source, text) {
  const shown = element("img", { src: source, alt: text, width: 32, height: 24, decoding: "async" });
  shown.addEventListener("error", () => shown.replaceWith(element("span", {}, `${text} (gone)`)));
  return shown;
}

function likeChip(part, id) {
  const look = () => emit("open", { id });
  const content = site.pictured
    ? element("button", { type: "button", class: "chip-open", title: id, "aria-label": `Look at ${id}`, onclick: look }, picture(thumbnail(id), ""), "like this")
    : element("button", { type: "button", class: "chip-open", title: id, onclick: look }, `like ${id}`);
  return chip(content, id, () => without(`${part}like`, id), "with-picture");
}

function pictureChip(part, digest) {
  const shown = [picture(address("uploaded", { picture: digest }), ""), element("span", {}, "your picture")];
  return chip(shown, "the picture", () => without(`${part}picture`, digest), "with-picture");
}

function readingChip(part, column, value) {
  const number = Number.isFinite(Number(value)) && value.trim() !== "" ? rounded(value) : value;
  const content = element(
    "button", { type: "button", class: "chip-open", title: `${column} = ${value}`, onclick: () => askByReading(part, column) },
    element("span", { class: "column" }, columnName(column)), element("b", {}, number),
  );
  const rest = () => setReading(part, Object.fromEntries(reading(part).filter(([name]) => name !== column)));
  return chip(content, `${columnName(column)} ${value}`, rest);
}

const MOST_READINGS = 4; // chips; a whole reading has two dozen columns, and the form shows them all

function readingChips(part) {
  const all = reading(part);
  const shown = all.slice(0, all.length > MOST_READINGS + 1 ? MOST_READINGS : all.length).map(([column, value]) => readingChip(part, column, value));
  if (all.length === shown.length) return shown;
  const rest = element("button", { type: "button", class: "chip-open", onclick: () => askByReading(part) }, `${all.length - shown.length} more columns`);
  return [...shown, chip(rest, "the whole reading", () => setReading(part, {}))];
}

export function chipsOf(part) {
  return [
    ...state.all(`${part}like`).map((id) => likeChip(part, id)),
    ...state.all(`${part}picture`).map((digest) => pictureChip(part, digest)),
    ...readingChips(part),
  ];
}

// Relevance feedback, as one chip.
export function marksChip() {
  const [right, wrong] = [state.all("right").length, state.all("wrong").length];
  const told = [right ? `towards ${right}` : "", wrong ? `away from ${wrong}` : ""].filter(Boolean).join(", ");
  if (!told) return [];
  return [chip(element("span", {}, `moved ${told}`), "all marks", () => state.set({ right: null, wrong: null }), "marks")];
}

