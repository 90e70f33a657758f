// The day of the item that is looked at: its photographs as a strip, its readings under it, its way on the map.
import { $, announce, complain, element, emit, getJSON, on, site, state } from "./core.js";
import { remember, remembered } from "./memory.js";
import { Readings } from "./readings.js";
import { Strip } from "./strip.js";
import { count, items, longDay, many } from "./texts.js";

const narrow = matchMedia("(max-width: 999px)"); // the day is then a view of its own, which is not folded
const FOLLOW_AFTER = 350; // milliseconds that an item of another day is pointed at before its day is shown

class DayPanel {
  constructor(panel) {
    this.panel = panel;
    this.day = null; // as the server told it
    this.selected = null; // id
    this.wanted = null; // what to load when the panel is opened
    this.build();
    this.strip = new Strip(this.stripHost, {
      point: (photograph) => this.point(photograph),
      hover: (photograph) => this.hover(photograph),
      open: (photograph) => emit("open", { id: photograph.id, hit: this.hit(photograph), from: "day" }),
    });
    this.readings = new Readings(this.readingsHost, this.menuHost, {
      point: (seconds) => this.hover(this.strip.nearest(seconds), true),
      leave: () => this.hover(null),
      pick: (seconds) => this.pick(seconds),
    });
    this.strip.moved = (from, to) => this.readings.showWindow(from, to);
    this.fold(narrow.matches || remembered("day-panel", "open") === "open");
    narrow.addEventListener("change", () => narrow.matches && this.unfold(this.wanted));
    on("state", () => this.asked());
    on("select", ({ id, hit, from }) => id && from !== "day" && this.follow(id, hit));
    on("open", ({ id }) => id && this.show({ id }));
    on("hover", ({ id, from }) => from !== "day" && this.strip.hover(id));
    on("day", (wanted) => this.go(wanted));
    on("theme", () => this.readings.recolour());
  }

  build() {
    const step = (sign, text, hint) =>
      element("button", { type: "button", class: "day-step", "aria-label": hint, title: hint, onclick: () => this.step(sign) }, text);
    this.folder = element("button", {
      type: "button", class: "day-fold", "aria-controls": "day-body", onclick: () => this.toggle(),
    }, "Day");
    const days = site.facets?.days ?? [];
    this.picker = element("input", {
      type: "date", class: "day-picker", "aria-label": "Day", min: days[0]?.day, max: days.at(-1)?.day,
      onchange: () => this.picker.value && this.show({ day: this.picker.value }),
    });
    this.before = step(-1, "‹", "Previous day ([)");
    this.after = step(1, "›", "Next day (])");
    this.summary = element("p", { class: "day-summary" });
    this.menuHost = element("div", { class: "day-menu" });
    this.stripHost = element("div", { class: "day-strip" });
    this.readingsHost = element("div", { class: "day-readings" });
    this.body = element("div", { id: "day-body" }, this.stripHost, this.readingsHost);
    const head = element(
      "div", { class: "day-head" },
      this.folder, this.before, this.picker, this.after, this.summary, this.menuHost,
    );
    this.panel.replaceChildren(element("div", { class: "day" }, head, this.body));
    this.describe();
  }

  // Folding

  fold(open) {
    this.open = open;
    this.panel.classList.toggle("folded", !open);
    this.folder.setAttribute("aria-expanded", open);
    this.body.hidden = !open || !this.day;
    this.menuHost.hidden = this.body.hidden;
  }

  toggle() {
    this.fold(!this.open);
    remember("day-panel", this.open ? "open" : "folded");
    if (this.open && this.wanted) this.show(this.wanted);
    else if (this.open) this.refresh();
  }

  // Loading

  asked() {
    const day = state.get("day");
    if (day && day !== this.day?.day) this.show({ day });
    else this.markHits();
  }

  follow(id, hit) {
    clearTimeout(this.following);
    this.selected = id;
    if (this.strip.select(id)) {
      this.readings.mark(this.strip.selected.seconds);
      return;
    }
    if (hit && "day" in hit && !hit.day) return; // its time is not known
    this.following = setTimeout(() => this.show({ id }, true), FOLLOW_AFTER);
  }

  async show(wanted, quiet = false) {
    clearTimeout(this.following);
    if (wanted.id) this.selected = wanted.id;
    if (wanted.id && this.strip.select(wanted.id)) {
      this.readings.mark(this.strip.selected.seconds);
      return;
    }
    this.wanted = wanted;
    if (!this.open) return;
    this.request?.abort();
    this.request = new AbortController();
    this.panel.setAttribute("aria-busy", "true");
    try {
      this.day = await getJSON("day", wanted, this.request.signal);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (quiet) this.summary.textContent = error.message;
      else complain(error);
      this.panel.removeAttribute("aria-busy");
      return;
    }
    this.panel.removeAttribute("aria-busy");
    this.wanted = null;
    state.set({ day: this.day.day });
    this.fold(true);
    this.refresh();
    if (!quiet) announce(this.summary.textContent);
    emit("day", { day: this.day.day });
    emit("track", { day: this.day.day, points: this.day.track });
    await this.markHits();
  }

  refresh() {
    if (!this.day) return;
    this.describe();
    this.strip.show(this.day);
    this.readings.show(this.day);
    if (this.selected && this.strip.select(this.selected)) this.readings.mark(this.strip.selected.seconds);
    this.markHits();
  }

  async markHits() {
    if (!this.day || !this.open) return;
    const question = state.question();
    question.set("day", this.day.day);
    this.marking?.abort();
    this.marking = new AbortController();
    try {
      const { ranks, ranked, looked, total } = await getJSON("day/hits", question, this.marking.signal);
      const hits = new Map(Object.entries(ranks));
      this.strip.mark(hits, ranked);
      this.readings.markHits(this.day.photographs.filter((each) => hits.has(each.id)).map((each) => each.seconds));
      const unit = question.get("group") === "event" ? "event" : "hit";
      const all = looked < total ? `${count(hits.size)} of the best ${many(looked, unit)}` : many(hits.size, unit);
      this.describe(hits.size ? all : "");
    } catch (error) {
      // What is wrong with the question is said where the question is.
      if (error.name !== "AbortError") this.strip.mark(new Map(), false);
    }
  }

  describe(hits = "") {
    const day = this.day;
    this.before.disabled = !day?.previous;
    this.after.disabled = !day?.next;
    if (!day) {
      this.summary.textContent = "Point at a photograph, or choose a day.";
      return;
    }
    this.picker.value = day.day;
    const shown = day.photographs.length;
    const parts = [`${day.weekday.slice(0, 3)} ${longDay(day.day)}`, shown < day.total ? `${count(shown)} of ${items(day.total)}` : items(day.total)];
    if (hits) parts.push(hits);
    if (day.zone === "UTC") parts.push("times in UTC");
    this.summary.textContent = this.summary.title = parts.join(" · ");
  }

  // Pointing

  point(photograph) {
    this.selected = photograph.id;
    this.readings.mark(photograph.seconds);
    emit("select", { id: photograph.id, hit: this.hit(photograph), from: "day" });
  }

  // The mouse rests on a photograph, or on the time of one, which is then brought into sight.
  hover(photograph, brought = false) {
    this.strip.hover(photograph?.id ?? null, brought);
    const marked = photograph ?? this.strip.selected;
    if (marked) this.readings.mark(marked.seconds);
    if (photograph) emit("hover", { id: photograph.id, hit: this.hit(photograph), from: "day" });
    else emit("hover", { id: null, hit: null, from: "day" });
  }

  pick(seconds) {
    const photograph = this.strip.nearest(seconds);
    if (!photograph) return;
    this.strip.select(photograph.id);
    this.point(photograph);
    this.strip.focus();
  }

  // Other parts know an item by more than its id; where it was is where the way of the day last was.
  hit({ id, clock, seconds, event }) {
    const at = this.day.track.findLast((point) => point[2] <= seconds);
    return { id, day: this.day.day, clock, event, position: at ? [at[0], at[1]] : null };
  }

  // What others ask for: the day of an item, a day, or the one beside that which is shown.
  async go({ id, day, step, enter = false }) {
    if (step) this.step(step);
    else if (id) {
      await this.unfold({ id });
      if (enter && this.strip.selected?.id === id) this.strip.focus();
    } else if (day && day !== this.day?.day) this.unfold({ day });
  }

  async unfold(wanted) {
    if (!this.open) this.fold(true);
    if (wanted) await this.show(wanted);
  }

  step(sign) {
    const day = sign < 0 ? this.day?.previous : this.day?.next;
    if (day) this.show({ day });
  }
}

if (site.timed) new DayPanel($("#day-panel"));
