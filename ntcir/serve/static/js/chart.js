// One reading over a day: a line, the corpus's usual range behind it, hits, and the item that is looked at.
import { element } from "./core.js";
import { token } from "./colours.js";
import { marksOf } from "./day-axis.js";
import { rounded } from "./texts.js";

const HEIGHT = 52;
const HIGHER = 84; // where the day is a view of its own
const AXIS = 18; // of time, under the last chart
const SIDE = 44; // of values
const PLACE_OF_LABEL = 46; // pixels between times that are written
const narrow = matchMedia("(max-width: 999px)");

export class Chart {
  constructor(host, options) {
    this.host = host;
    this.options = options;
    this.hits = [];
    this.value = element("span", { class: "reading-value" });
    const label = element("p", { class: "reading-name" }, element("span", {}, options.name), this.value);
    this.body = element("div", { class: "reading-chart", "aria-hidden": "true" });
    host.append(label, this.body);
    this.markLine = element("div", { class: "reading-mark", hidden: true });
    this.windowBand = element("div", { class: "reading-window", hidden: true });
    this.plot = new uPlot(this.settings(), [options.times, options.values], this.body);
    this.plot.over.append(this.windowBand, this.markLine);
    this.plot.over.addEventListener("click", () => {
      if (this.plot.cursor.left >= 0) options.pick(this.plot.posToVal(this.plot.cursor.left, "x"));
    });
  }

  settings() {
    const { last, range, series } = this.options;
    const axis = { stroke: token("--muted"), font: `10px ${token("--font")}`, ticks: { show: false } };
    return {
      width: this.width(),
      height: (narrow.matches ? HIGHER : HEIGHT) + (last ? AXIS : 0),
      padding: [6, 16, last ? 0 : 4, 0], // half of an hour at the end is to the right of it
      legend: { show: false },
      cursor: {
        sync: { key: "day", setSeries: false }, y: false, drag: { x: false, y: false },
        points: { size: 6, fill: token("--accent"), stroke: token("--surface") },
      },
      scales: { x: { time: false, range: () => range }, y: { range: () => padded(extent(series)) } },
      axes: [
        {
          ...axis, show: last, size: AXIS, gap: 3, grid: { show: false },
          splits: () => this.marks().map((tick) => tick.seconds),
          values: () => this.marks().map((tick) => tick.clock),
        },
        {
          ...axis, size: SIDE, gap: 4, grid: { show: false },
          splits: () => ends(series),
          values: (_, splits) => splits.map((value) => rounded(value.toPrecision(3))),
        },
      ],
      series: [
        {},
        {
          stroke: token("--accent"), width: 1.75, spanGaps: false,
          points: { show: true, size: 4, filter: () => this.lone() },
        },
      ],
      hooks: { drawClear: [() => this.drawBand()], draw: [() => this.drawn()], setCursor: [() => this.read()] },
    };
  }

  width() {
    return Math.max(120, Math.floor(this.body.clientWidth || this.host.clientWidth || 600));
  }

  marks() {
    const room = Math.max(1, Math.floor((this.width() - SIDE) / PLACE_OF_LABEL));
    return marksOf(this.options.range, this.options.ticks, room);
  }

  // A reading between two that are missing is a dot: it has no line.
  lone() {
    const { values } = this.options;
    return values.flatMap((value, place) =>
      value !== null && (values[place - 1] ?? null) === null && (values[place + 1] ?? null) === null ? [place] : []);
  }

  drawBand() {
    const { low, high } = this.options.series;
    if (low === undefined || high === undefined) return;
    const { ctx, bbox } = this.plot;
    const [top, bottom] = [high, low].map((end) => this.plot.valToPos(end, "y", true));
    ctx.save();
    ctx.fillStyle = token("--accent-soft");
    ctx.globalAlpha = 0.6;
    ctx.fillRect(bbox.left, top, bbox.width, Math.max(1, bottom - top));
    ctx.restore();
  }

  drawn() {
    this.drawHits();
    this.place();
  }

  drawHits() {
    const { ctx, bbox } = this.plot;
    ctx.save();
    ctx.fillStyle = token("--ink");
    const wide = 2 * devicePixelRatio;
    for (const seconds of this.hits) {
      const x = this.plot.valToPos(seconds, "x", true);
      ctx.fillRect(x - wide / 2, bbox.top, wide, 4 * devicePixelRatio);
    }
    ctx.restore();
  }

  showHits(seconds) {
    this.hits = seconds;
    this.plot.redraw(false, false);
  }

  mark(seconds) {
    this.marked = seconds;
    this.place();
    this.tell(this.near(seconds));
  }

  showWindow(from, to) {
    this.window = [from, to];
    this.place();
  }

  // Where the marks stand is known once the chart has been drawn, and changes with its width.
  place() {
    if (this.plot?.scales.x.min === undefined || this.plot.scales.x.min === null) return;
    const at = (seconds) => this.plot.valToPos(seconds, "x");
    this.markLine.hidden = this.marked === undefined;
    if (!this.markLine.hidden) this.markLine.style.left = `${at(this.marked)}px`;
    this.windowBand.hidden = this.window === undefined;
    if (this.windowBand.hidden) return;
    const [left, right] = this.window.map(at);
    this.windowBand.style.left = `${left}px`;
    this.windowBand.style.width = `${Math.max(2, right - left)}px`;
  }

  // The cursor is over one of the charts: all tell what they read there, that one says where it is.
  read() {
    const { idx, left, event } = this.plot.cursor;
    if (left < 0 || idx === null || idx === undefined) {
      if (this.marked !== undefined) this.tell(this.near(this.marked));
      if (this.pointed) this.options.leave();
      this.pointed = false;
      return;
    }
    this.tell(idx);
    if (!event) return;
    this.pointed = true;
    this.options.point(this.plot.posToVal(left, "x"));
  }

  near(seconds) {
    return this.plot.valToIdx(seconds);
  }

  tell(place) {
    const { times, values, clock } = this.options;
    const value = values[place] ?? null;
    this.value.textContent = `${value === null ? "–" : rounded(value)} at ${clock(times[place])}`;
  }

  resize() {
    const width = this.width();
    if (width === this.plot.width) return;
    this.plot.setSize({ width, height: this.plot.height });
  }

  destroy() {
    this.plot.destroy();
  }
}

// What is written beside the chart: the corpus's usual range, or that of the day.
function ends({ values, low, high }) {
  return low < high ? [low, high] : extent({ values });
}

// From the least to the most of the day, with the corpus's usual range as far as it is known.
function extent({ values, low, high }) {
  const known = values.filter((value) => value !== null);
  const ends = [low, high].filter((end) => end !== undefined);
  return [Math.min(...known, ...ends), Math.max(...known, ...ends)];
}

function padded([least, most]) {
  const more = (most - least) * 0.1 || 1;
  return [least - more, most + more];
}
