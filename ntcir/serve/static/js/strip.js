// The photographs of a day in order of time, an event beside the other. Only those in sight are elements of the page.
import { element, site, thumbnail } from "./core.js";
import { GAP, layOut } from "./strip-layout.js";

const OVERSCAN = 400; // pixels beside what is in sight
const LOAD_AFTER = 60; // milliseconds without scrolling: what only passes by is not loaded
const narrow = matchMedia("(max-width: 999px)"); // the day is then a view of its own, with more room

export class Strip {
  constructor(host, { point, hover, open }) {
    this.point = point;
    this.pointed = hover;
    this.open = open;
    this.photographs = [];
    this.places = new Map(); // id -> place
    this.left = []; // pixels
    this.events = [];
    this.hours = [];
    this.hits = new Map();
    this.current = -1;
    this.hovered = -1;
    this.drawn = new Map(); // place -> element
    this.moved = () => {};
    this.all = element("div", { class: "strip-all" });
    this.scroller = element(
      "div", {
        class: site.pictured ? "strip" : "strip plain", role: "listbox", tabindex: "0", "aria-orientation": "horizontal",
        "aria-label": "The day in order of time",
      },
      this.all,
    );
    host.replaceChildren(this.scroller);
    this.scroller.addEventListener("scroll", () => this.later(), { passive: true });
    this.scroller.addEventListener("pointerleave", () => this.pointed(null));
    this.scroller.addEventListener("keydown", (event) => this.key(event));
    this.scroller.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.scroller.addEventListener("focus", () => this.current < 0 && this.photographs.length && this.go(this.first()));
    new ResizeObserver(() => this.resized()).observe(this.scroller);
  }

  get selected() {
    return this.photographs[this.current] ?? null;
  }

  show(day) {
    this.photographs = day.photographs;
    this.places = new Map(this.photographs.map((photograph, place) => [photograph.id, place]));
    this.hits = new Map();
    this.current = -1;
    this.hovered = -1;
    this.scroller.removeAttribute("aria-activedescendant");
    this.scroller.setAttribute("aria-label", `${day.weekday}, ${day.day}, in order of time`);
    this.layOut(day.ticks);
    this.scroller.scrollLeft = 0;
    this.redraw();
  }

  layOut(ticks) {
    this.ticks = ticks;
    this.wide = narrow.matches ? 112 : 100;
    const laid = layOut(this.photographs, ticks, this.wide);
    Object.assign(this, { left: laid.left, events: laid.events, hours: laid.hours });
    this.all.style.width = `${laid.length}px`;
    this.all.style.setProperty("--photograph", `${this.wide}px`);
  }

  mark(hits, ranked) {
    this.hits = hits;
    this.ranked = ranked;
    for (const [place, drawn] of this.drawn) if (typeof place === "number") this.dress(drawn, place);
  }

  // Whether it is of this day; it is brought into sight.
  select(id) {
    const place = this.places.get(id);
    if (place === undefined) return false;
    if (place !== this.current) this.choose(place);
    this.bring(place);
    return true;
  }

  // Shows which photograph the mouse rests on, here or elsewhere.
  hover(id, brought = false) {
    this.drawn.get(this.hovered)?.classList.remove("hovered");
    this.hovered = this.places.get(id) ?? -1;
    if (this.hovered < 0) return;
    if (brought) this.bring(this.hovered);
    this.drawn.get(this.hovered)?.classList.add("hovered");
  }

  nearest(seconds) {
    if (!this.photographs.length) return null;
    let [low, high] = [0, this.photographs.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.photographs[middle].seconds <= seconds) low = middle;
      else high = middle;
    }
    const [before, after] = [this.photographs[low], this.photographs[high]];
    return seconds - before.seconds <= after.seconds - seconds ? before : after;
  }

  focus() {
    this.scroller.focus({ preventScroll: true });
  }

  // Drawing

  later() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  redraw() {
    this.all.replaceChildren();
    this.drawn.clear();
    this.draw();
  }

  resized() {
    const wide = narrow.matches ? 112 : 100;
    if (this.photographs.length && wide !== this.wide) {
      this.layOut(this.ticks);
      this.redraw();
      if (this.current >= 0) this.bring(this.current);
    } else {
      if (this.scroller.clientWidth && this.unseen) this.bring(this.current);
      this.later();
    }
  }

  draw() {
    const { scrollLeft, clientWidth } = this.scroller;
    if (!this.photographs.length || !clientWidth) return;
    const [from, to] = [scrollLeft - OVERSCAN, scrollLeft + clientWidth + OVERSCAN];
    const wanted = new Set();
    for (let place = this.first(from); place < this.left.length && this.left[place] < to; place += 1) wanted.add(place);
    for (const event of this.events) if (event.to > from && event.from < to) wanted.add(`event ${event.first}`);
    for (const hour of this.hours) if (hour.x > from && hour.x < to) wanted.add(`hour ${hour.x}`);
    for (const [key, drawn] of this.drawn) {
      if (wanted.has(key)) continue;
      drawn.remove();
      this.drawn.delete(key);
    }
    for (const key of wanted) {
      if (this.drawn.has(key)) continue;
      const made = typeof key === "number" ? this.photograph(key) : key.startsWith("event") ? this.bracket(key) : this.hour(key);
      this.drawn.set(key, made);
      this.all.append(made);
    }
    clearTimeout(this.loading);
    this.loading = setTimeout(() => this.load(), LOAD_AFTER);
    const inSight = this.photographs[Math.min(this.first(scrollLeft), this.photographs.length - 1)];
    const last = this.photographs[Math.max(0, this.first(scrollLeft + clientWidth) - 1)];
    this.moved(inSight.seconds, last.seconds);
  }

  load() {
    for (const [place, drawn] of this.drawn) {
      const image = typeof place === "number" && drawn.querySelector("img:not([src])");
      if (image) image.src = thumbnail(this.photographs[place].id);
    }
  }

  // The first photograph that ends behind an x.
  first(x = this.scroller.scrollLeft) {
    let [low, high] = [0, this.left.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.left[middle] + this.wide <= x) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  photograph(place) {
    const { clock } = this.photographs[place];
    const made = element(
      "div", {
        class: "strip-photograph", id: `strip-${place}`, role: "option", "aria-setsize": this.photographs.length,
        "aria-posinset": place + 1,
        onpointerenter: (event) => event.pointerType === "mouse" && this.pointed(this.photographs[place]),
        onclick: () => {
          this.pointTo(place);
          this.open(this.photographs[place]);
        },
      },
      site.pictured ? element("img", { alt: "", decoding: "async", draggable: "false" }) : null,
      element("span", { class: "strip-clock" }, clock.slice(0, 5)),
      element("span", { class: "strip-bar" }),
    );
    made.style.left = `${this.left[place]}px`;
    this.dress(made, place);
    return made;
  }

  dress(made, place) {
    const { id, clock } = this.photographs[place];
    const rank = this.hits.get(id);
    const kind = rank === undefined ? "" : !this.ranked ? "plain" : rank <= 10 ? "best" : rank <= 100 ? "good" : "rest";
    made.dataset.hit = kind;
    made.title = rank !== undefined && this.ranked ? `${clock}, rank ${rank}` : clock;
    const said = rank === undefined ? "" : this.ranked ? `, hit of rank ${rank}` : ", hit";
    made.setAttribute("aria-label", `${clock}${said}`);
    made.setAttribute("aria-selected", place === this.current);
  }

  bracket(key) {
    const event = this.events.find((each) => each.first === Number(key.slice(6)));
    const clock = this.photographs[event.first].clock.slice(0, 5);
    const text = event.count > 1 ? `${clock} · ${event.count}` : clock;
    const made = element("div", { class: "strip-event", "aria-hidden": "true" }, element("span", {}, text));
    made.style.left = `${event.from}px`;
    made.style.width = `${event.to - event.from}px`;
    return made;
  }

  hour(key) {
    const hour = this.hours.find((each) => each.x === Number(key.slice(5)));
    const made = element("div", { class: "strip-hour", "aria-hidden": "true" }, hour.clock);
    made.style.left = `${hour.x}px`;
    return made;
  }

  // Moving

  choose(place) {
    const before = this.drawn.get(this.current);
    this.current = place;
    if (before) before.setAttribute("aria-selected", "false");
    this.drawn.get(place)?.setAttribute("aria-selected", "true");
  }

  pointTo(place) {
    this.choose(place);
    this.point(this.photographs[place]);
  }

  bring(place) {
    const { scrollLeft, clientWidth } = this.scroller;
    this.unseen = !clientWidth; // brought into sight when there is any
    if (this.unseen) return;
    const x = this.left[place];
    if (x < scrollLeft || x + this.wide > scrollLeft + clientWidth) this.scroller.scrollLeft = x - (clientWidth - this.wide) / 2;
    this.draw();
    if (place === this.current) this.scroller.setAttribute("aria-activedescendant", `strip-${place}`);
  }

  go(place) {
    const there = Math.max(0, Math.min(this.photographs.length - 1, place));
    this.pointTo(there);
    this.bring(there);
  }

  key(event) {
    if (event.metaKey || event.ctrlKey || event.altKey || !this.photographs.length) return;
    const screen = Math.max(1, Math.floor(this.scroller.clientWidth / (this.wide + GAP)) - 1);
    const here = Math.max(0, this.current);
    const to = {
      ArrowLeft: here - 1,
      ArrowRight: here + 1,
      ArrowUp: this.eventBeside(here, -1),
      ArrowDown: this.eventBeside(here, 1),
      PageUp: here - screen,
      PageDown: here + screen,
      Home: 0,
      End: this.photographs.length - 1,
    }[event.key];
    if (to !== undefined) this.go(to);
    else if (event.key === "Enter" && this.selected) this.open(this.selected);
    else return;
    event.preventDefault();
    event.stopPropagation(); // the grid has these keys as well
  }

  eventBeside(place, sign) {
    const at = this.events.findLastIndex((event) => event.first <= place);
    return this.events[Math.max(0, Math.min(this.events.length - 1, at + sign))].first;
  }

  // A mouse without a sideways wheel scrolls as well; at either end the page does.
  wheel(event) {
    if (event.deltaX || event.shiftKey || event.ctrlKey) return;
    const before = this.scroller.scrollLeft;
    this.scroller.scrollLeft += event.deltaMode === 1 ? event.deltaY * 32 : event.deltaY;
    if (this.scroller.scrollLeft !== before) event.preventDefault();
  }
}
