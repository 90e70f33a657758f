// The query bar: words, and a chip for everything else that is asked.
import { $, element, on, state, site } from "./core.js";
import {
  FIRST, THEN, WITHIN, activePart, ask, asked, clearQuery, closeThen, hasThen, openThen, ranked, setActive,
} from "./ask.js";
import { chipsOf, marksChip } from "./chips.js";
import { button, icon, iconButton } from "./icons.js";
import { askByReading } from "./reading.js";
import { minutes } from "./texts.js";
import { choosePicture } from "./upload.js";

const can = new Set(site.ways);
const form = $("#search");
const touch = matchMedia("(hover: none) and (pointer: coarse)").matches;
const SPANS = [30, 60, 120, 360, 1440];

function hint(part) {
  if (part === THEN) return can.has("words") ? "What happens then…" : "A photograph, picture or reading of what happens then";
  if (can.has("words")) return "Describe a moment…";
  const ways = [`Pick a ${site.noun} below`];
  if (can.has("picture")) ways.push(touch ? "add a picture" : "drop a picture");
  if (can.has("reading")) ways.push("add a reading");
  return `${ways.slice(0, -1).join(", ")}${ways.length > 1 ? " or " : ""}${ways.at(-1)}`;
}

class Row {
  constructor(part) {
    this.part = part;
    this.chips = element("ul", { class: "chips", "aria-label": part ? "Parts of what happens then" : "Parts of the query" });
    this.words = can.has("words")
      ? element("input", {
          type: "search", name: `${part}q`, class: "words", enterkeyhint: "search", spellcheck: "false",
          placeholder: hint(part), "aria-label": part ? "Words for what happens then" : "Words", maxlength: 2000,
        })
      : null;
    this.empty = this.words ? null : element("span", { class: "hint" }, hint(part));
    this.box = element("div", { class: "box" }, icon(part ? "then" : "search"), part ? this.gap() : null, this.chips, this.words ?? this.empty, this.tools());
    this.box.addEventListener("focusin", () => activePart() !== part && setActive(part));
    this.box.addEventListener("click", (event) => {
      if (activePart() !== part) setActive(part);
      if (event.target === this.box || event.target === this.chips) this.words?.focus();
    });
  }

  gap() {
    const change = (key) => (event) => state.set({ [key]: event.target.value });
    const spans = SPANS.map((span) => element("option", { value: span }, minutes(span)));
    this.within = element("select", { "aria-label": "Within", onchange: change("then.within") }, spans);
    this.order = element(
      "select", { "aria-label": "After or before", onchange: change("then.order") },
      element("option", { value: "after" }, "after"), element("option", { value: "before" }, "before"),
    );
    return element("span", { class: "gap" }, element("span", { class: "word" }, "then within"), this.within, this.order);
  }

  tools() {
    const part = this.part;
    const target = (act) => () => {
      setActive(part);
      act();
    };
    return element(
      "span", { class: "box-tools" },
      can.has("picture") ? iconButton("picture", "Add a picture", target(choosePicture)) : null,
      can.has("reading") ? iconButton("reading", "Add a reading", () => askByReading(part)) : null,
      part === THEN ? iconButton("close", "Remove this part", closeThen) : null,
    );
  }

  show() {
    const chips = chipsOf(this.part);
    if (this.part === FIRST) chips.push(...marksChip());
    const held = [...this.chips.querySelectorAll("button")].indexOf(document.activeElement);
    this.chips.replaceChildren(...chips);
    this.chips.hidden = chips.length === 0;
    if (held >= 0) this.focus([...this.chips.querySelectorAll("button")][held]);
    if (this.words) this.words.value = state.get(`${this.part}q`) ?? "";
    if (this.empty) this.empty.hidden = chips.length > 0;
    this.box.classList.toggle("active", hasThen() && activePart() === this.part);
    if (this.part === THEN) this.showGap();
  }

  // Where nothing is named, or it is gone: the words, or the first of what can be added.
  focus(wanted = null) {
    (wanted ?? this.words ?? $("button", this.box.lastChild))?.focus();
  }

  showGap() {
    const span = String(state.get("then.within") ?? WITHIN);
    if (![...this.within.options].some((option) => option.value === span)) {
      this.within.append(element("option", { value: span }, minutes(Number(span))));
    }
    this.within.value = span;
    this.order.value = state.get("then.order") ?? "after";
  }
}

const first = new Row(FIRST);
const then = new Row(THEN);
const addThen = button("then", "And then", () => {
  form.requestSubmit(); // words that are typed, but not asked yet
  openThen();
  show();
  then.focus(); // the button has gone
}, { class: "tool", id: "then-button" });
const clear = button("close", "Clear", clearQuery, { class: "tool", id: "clear-query", title: "Clear the query; filters stay" });
// Enter is enough for most; whoever goes by Tab, or by ear, finds a button.
const submit = can.has("words") ? element("button", { type: "submit", class: "button primary until-focus" }, "Search") : null;
form.append(element("div", { class: "rows" }, first.box, then.box), element("div", { class: "form-tools" }, submit, site.timed ? addThen : null, clear));

function show() {
  first.show();
  then.show();
  then.box.hidden = !hasThen();
  addThen.hidden = hasThen() || !site.timed;
  allowThen();
  clear.hidden = !ranked() && !hasThen();
}

// Something can follow only what is asked.
function allowThen() {
  addThen.disabled = !asked(FIRST) && !first.words?.value.trim();
  addThen.title = addThen.disabled ? "Ask for something first: then for what happens after, or before" : "What happens some time after, or before";
}
first.words?.addEventListener("input", allowThen);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const words = (row) => row.words?.value.trim() || null;
  ask({ q: words(first), "then.q": words(then) });
});
// The cross in a search field clears it: that is a new query as well.
form.addEventListener("search", () => form.requestSubmit());
on("state", show);
on("part", show);

// What is asked, in a few words: the title of the page and of its results.
export function inWords() {
  const part = (prefix) => {
    const counted = (key, one) => {
      const number = state.all(`${prefix}${key}`).length;
      return number ? [number === 1 ? `a ${one}` : `${number} ${one}s`] : [];
    };
    const reading = [...new Set(state.params().keys())].some((key) => key.startsWith(`${prefix}r.`));
    const words = state.get(`${prefix}q`);
    return [...(words ? [`“${words}”`] : []), ...counted("like", site.noun), ...counted("picture", "picture"), ...(reading ? ["a reading"] : [])].join(" + ");
  };
  const order = state.get("then.order") === "before" ? "before" : "then";
  return [part(FIRST), asked(THEN) ? `${order} ${part(THEN)}` : ""].filter(Boolean).join(", ");
}

export function focusQuery() {
  const row = activePart() === THEN ? then : first;
  row.focus();
  row.words?.select();
}
