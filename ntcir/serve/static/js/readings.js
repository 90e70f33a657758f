// Readings over a day as small charts with one axis of time, and as a table for whoever does not see them.
import { element } from "./core.js";
import { remember, remembered } from "./memory.js";
import { Chart } from "./chart.js";
import { clockOf, rangeOf } from "./day-axis.js";
import { columnName, rounded } from "./texts.js";

const MOST = 3; // charts at once
const ROOM = 1000; // pixels of the window from which all of them are drawn, unless a person chooses
const narrow = matchMedia("(max-width: 999px)"); // the day is then a view of its own
// Over so many seconds without readings no line is drawn: a twentieth of the axis where that is less.
const GAP = 15 * 60;
const GAPS = 20;
// Columns that are not chosen unless a person does: where one was (that is the map's) and how sure a device is.
const DULL = /lat|lng|lon|hour|conf|prob|minutes|time/i;

export class Readings {
  constructor(host, menuHost, { point, leave, pick }) {
    this.listeners = { point, leave, pick };
    this.charts = [];
    this.day = null;
    this.hits = [];
    this.marked = null; // seconds
    this.window = null;
    this.chosen = JSON.parse(remembered("readings", "null"));
    this.rows = element("div", { class: "readings-rows" });
    this.table = element("table", { class: "unseen" });
    host.replaceChildren(this.rows, this.table);
    this.menu = element("details", { class: "readings-menu" }, element("summary", {}, "Readings"), element("ul"));
    menuHost.replaceChildren(this.menu);
    document.addEventListener("pointerdown", (event) => this.menu.contains(event.target) || (this.menu.open = false));
    this.menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      this.menu.open = false;
      this.menu.querySelector("summary").focus();
      event.stopPropagation();
    });
    new ResizeObserver(() => this.resize()).observe(this.rows);
  }

  show(day) {
    this.day = day;
    this.marked = null;
    this.hits = [];
    this.draw();
    this.fillMenu();
    this.fillTable();
  }

  // Those that were chosen and change on this day; the one that tells most is always among them.
  series() {
    const all = this.day.readings.series;
    if (!all.length) return [];
    const wanted = all.filter((each) => (this.chosen ? this.chosen.includes(each.name) : !DULL.test(each.name)));
    const first = this.telling();
    // On a laptop three would take the photographs half of their room.
    const few = !this.chosen && !narrow.matches && innerHeight < ROOM;
    return [first, ...wanted.filter((each) => each !== first).slice(0, few ? 0 : MOST - 1)];
  }

  // The reading that tells most.
  telling() {
    const all = this.day.readings.series;
    return all.find((each) => !DULL.test(each.name)) ?? all[0];
  }

  draw() {
    for (const chart of this.charts) chart.destroy();
    this.charts = [];
    this.rows.replaceChildren();
    const shown = this.series();
    if (!shown.length) {
      const none = this.day.photographs.length ? "No reading changes on this day." : "Nothing is known of this day.";
      this.rows.append(element("p", { class: "readings-none" }, none));
      return;
    }
    const times = this.day.readings.times;
    const range = rangeOf(this.day);
    const holes = holesOf(times, range);
    const ticks = this.day.ticks;
    shown.forEach((series, place) => {
      const host = element("div", { class: "reading" });
      this.rows.append(host);
      this.charts.push(
        new Chart(host, {
          name: columnName(series.name), series, times: withHoles(times, holes, (time) => time),
          values: withHoles(series.values, holes, () => null), range, ticks,
          last: place === shown.length - 1, ...this.listeners,
          clock: (seconds) => clockOf(seconds, ticks),
        }),
      );
    });
    this.dress();
  }

  dress() {
    for (const chart of this.charts) {
      chart.showHits(this.hits);
      if (this.marked !== null) chart.mark(this.marked);
      if (this.window) chart.showWindow(...this.window);
    }
  }

  mark(seconds) {
    this.marked = seconds;
    for (const chart of this.charts) chart.mark(seconds);
  }

  markHits(seconds) {
    this.hits = seconds;
    for (const chart of this.charts) chart.showHits(seconds);
  }

  showWindow(from, to) {
    this.window = [from, to];
    for (const chart of this.charts) chart.showWindow(from, to);
  }

  recolour() {
    if (this.day) this.draw();
  }

  resize() {
    for (const chart of this.charts) chart.resize();
  }

  fillMenu() {
    const all = this.day.readings.series;
    this.menu.hidden = all.length < 2;
    const shown = new Set(this.series().map((each) => each.name));
    const first = this.telling()?.name;
    const items = all.map(({ name }) => {
      const box = element("input", { type: "checkbox", checked: shown.has(name), onchange: () => this.choose(name, box.checked) });
      box.disabled = name === first || (!box.checked && shown.size >= MOST);
      return element("li", {}, element("label", {}, box, columnName(name)));
    });
    this.menu.querySelector("ul").replaceChildren(...items);
  }

  choose(name, on) {
    const shown = this.series().slice(1).map((each) => each.name);
    this.chosen = on ? [...shown, name] : shown.filter((each) => each !== name);
    remember("readings", JSON.stringify(this.chosen));
    this.draw();
    this.fillMenu();
    const again = [...this.menu.querySelectorAll("label")].find((label) => label.textContent === columnName(name));
    again?.querySelector("input").focus();
  }

  fillTable() {
    const head = ["Reading", "Least", "Mean", "Most"].map((text) => element("th", { scope: "col" }, text));
    const rows = this.day.readings.series.map(({ name, values }) => {
      const known = values.filter((value) => value !== null);
      const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
      const cells = [Math.min(...known), mean, Math.max(...known)].map((value) => element("td", {}, rounded(value)));
      return element("tr", {}, element("th", { scope: "row" }, columnName(name)), cells);
    });
    this.table.replaceChildren(
      element("caption", {}, `Readings of ${this.day.weekday}, ${this.day.day}`),
      element("thead", {}, element("tr", {}, head)), element("tbody", {}, rows),
    );
  }
}

// Places behind which so much time passes that the readings there are not one line.
function holesOf(times, [from, to]) {
  const steps = times.slice(1).map((time, place) => time - times[place]).sort((one, other) => one - other);
  const least = Math.max(Math.min(GAP, (to - from) / GAPS), 4 * (steps[steps.length >> 1] ?? 0));
  return new Set(times.slice(1).flatMap((time, place) => (time - times[place] > least ? [place] : [])));
}

function withHoles(values, holes, fill) {
  return values.flatMap((value, place) =>
    holes.has(place) ? [value, fill(typeof value === "number" ? value + 1 : null)] : [value]);
}
