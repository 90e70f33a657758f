// The map: hits with positions, linked with the other parts of the page, and an area to search in.
import { $, element, emit, getJSON, on, site, state } from "./core.js";
import { Clusters } from "./clusters.js";
import { token } from "./colours.js";
import { Ground } from "./ground.js";
import { boxOf, cornersOf, isRefined, rectangleOf } from "./area.js";
import { addLand } from "./land.js";
import { count, many } from "./texts.js";
import { addTiles } from "./tiles.js";

const CLOSEST = 17; // the zoom beyond which an answer in one place is not enlarged
const RING = 12; // pixels that a ring is wider than what it is around
const PAN_AFTER = 300; // milliseconds that an item is pointed at before the map follows

class HitMap {
  constructor(panel) {
    this.marks = new Map();
    this.points = new Map(); // by id
    this.bounds = null;
    this.chosen = null; // the point that is looked at, and the one that the mouse rests on
    this.pointed = null;
    this.asked = null; // the question of the answer that is shown
    this.moved = false; // by the user, since the map last fitted an answer
    this.own = false; // it is the page that moves the map now
    this.build(panel);
    this.map = L.map(this.view, {
      preferCanvas: true, attributionControl: false, zoomControl: false, minZoom: 1, maxZoom: 19, zoomSnap: 0.5,
    }).setView([20, 0], 1);
    L.control.zoom({ position: "topleft", zoomInTitle: "Zoom in", zoomOutTitle: "Zoom out" }).addTo(this.map);
    L.control.scale({ imperial: false, maxWidth: 90 }).addTo(this.map);
    this.selected = L.marker([0, 0], {
      icon: L.divIcon({ className: "map-selected", iconSize: [30, 30] }), interactive: false, keyboard: false,
      zIndexOffset: 1e6,
    });
    this.hovered = L.marker([0, 0], {
      icon: L.divIcon({ className: "map-hovered", iconSize: [26, 26] }), interactive: false, keyboard: false,
      zIndexOffset: 1e6,
    });
    this.lines = L.layerGroup().addTo(this.map);
    this.clusters = new Clusters(this.map, this.marks);
    this.clusters.drawn = (circles) => this.drawn(circles);
    this.map.on("movestart", () => (this.moved = this.moved || !this.own));
    this.map.on("moveend", () => {
      this.own = false;
      this.showTools();
    });
    new ResizeObserver(() => this.resized()).observe(this.view);
    this.addBackground();
    on("state", () => this.load());
    on("theme", () => this.recolour());
    on("select", (detail) => this.select(detail));
    on("hover", (detail) => this.hover(detail));
    on("area", () => this.searchHere());
    on("track", ({ points }) => this.showTrack(points));
  }

  build(panel) {
    this.view = element("div", {
      class: "map-view", role: "application", "aria-label": "Map of the hits: arrow keys move it, plus and minus zoom",
    });
    this.said = element("p", { class: "map-said", "aria-live": "polite" });
    this.search = element("button", { type: "button", class: "button", onclick: () => this.searchHere() }, "Search in this area");
    this.clear = element("button", { type: "button", class: "button", onclick: () => state.set({ box: null }) }, "Clear area");
    this.places = element("details", { class: "map-places" }, element("summary"), element("ul"));
    this.credit = element("p", { class: "map-credit" }, "Leaflet");
    const tools = element("div", { class: "map-tools" }, this.search, this.clear);
    const frame = element("div", { class: "map-frame" }, this.view, tools, this.places, this.credit);
    panel.replaceChildren(element("div", { class: "map" }, frame, this.said));
    this.showTools();
    document.addEventListener("pointerdown", (event) => this.places.contains(event.target) || (this.places.open = false));
    this.places.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.places.open) return;
      this.places.open = false;
      $("summary", this.places).focus();
      event.stopPropagation();
    });
  }

  async addBackground() {
    try {
      if (site.pmtiles) {
        this.background = await addTiles(this.map);
        this.view.classList.add("map-tiled");
        this.credit.textContent = [this.background.credit, "Leaflet"].filter(Boolean).join(" · ");
        if (!this.bounds && this.background.bounds) this.move(() => this.map.fitBounds(this.background.bounds, { animate: false }));
        return;
      }
      this.background = await addLand(this.map);
      this.credit.textContent = "Natural Earth · Leaflet";
      this.ground = new Ground(await getJSON("map/ground"));
      this.ground.addTo(this.map);
      this.ground.unwrap(this.west());
      if (!this.bounds && !this.moved) this.fit();
      this.clusters.draw(); // names keep clear of circles
    } catch (error) {
      this.say(`The background of the map is missing: ${error.message}`);
    }
  }

  async load() {
    this.request?.abort();
    this.request = new AbortController();
    const question = state.question();
    this.panel().setAttribute("aria-busy", "true");
    try {
      const found = await getJSON("map", question, this.request.signal);
      this.show(found, question);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.show({ points: [], places: [], bounds: null, total: 0, shown: 0, looked: 0, without_position: 0 }, question);
      this.say("No hits are shown."); // why is said where the question is
    }
    this.panel().removeAttribute("aria-busy");
  }

  panel() {
    return this.view.closest("#map-panel");
  }

  show(found, question) {
    this.bounds = found.bounds;
    this.marks.clear();
    for (const mark of ["wrong", "right"]) for (const id of question.getAll(mark)) this.marks.set(id, mark);
    for (const point of found.points) point.latlng = this.latlng(point.position);
    this.points = new Map(found.points.map((point) => [point.id, point]));
    if (this.chosen) this.chosen = this.points.get(this.chosen.id) ?? this.chosen;
    this.pointed = null;
    const ranked = found.points.some((point) => point.score !== null);
    this.ground?.unwrap(this.west());
    this.unit = question.get("group") === "event" ? "event" : "hit";
    this.clusters.show(found.points, ranked, this.unit);
    this.showPlaces(found.places, ranked);
    this.say(sentence(found, ranked, this.unit));
    this.showArea(question.get("box"));
    const refined = this.asked !== null && isRefined(this.asked, question);
    if (!refined || !this.moved) this.fit();
    this.asked = question;
    this.showTools();
  }

  // Over the date line, an area's west is greater than its east: what is west of it is shown one world further.
  west() {
    return this.bounds && this.bounds.west > this.bounds.east ? this.bounds.west : null;
  }

  latlng([latitude, longitude]) {
    const west = this.west();
    return L.latLng(latitude, west !== null && longitude < west ? longitude + 360 : longitude);
  }

  fit() {
    const area = this.bounds ? cornersOf(this.bounds) : this.area?.getBounds() ?? this.ground?.corners();
    if (!area || !this.view.clientWidth || !this.view.clientHeight) {
      this.unfitted = Boolean(area);
      return;
    }
    this.unfitted = false;
    this.move(() => this.map.fitBounds(area, { padding: [32, 32], maxZoom: CLOSEST, animate: false }));
    this.moved = false;
  }

  // Whatever the page does itself is not the user's doing.
  move(action) {
    this.own = true;
    action();
    this.own = false;
  }

  resized() {
    this.move(() => this.map.invalidateSize({ animate: false }));
    if (this.unfitted || !this.moved) this.fit();
  }

  select({ id, hit = null, from = "" }) {
    clearTimeout(this.following);
    this.chosen = this.points.get(id) ?? (hit?.position ? { id, position: hit.position } : null);
    this.ring(this.selected, this.chosen);
    if (!this.chosen) return;
    const latlng = this.latlng(this.chosen.position);
    if (from === "map" || this.map.getBounds().pad(-0.02).contains(latlng)) return;
    this.following = setTimeout(() => {
      this.own = true; // until the map has moved
      this.map.panTo(latlng, { animate: !matchMedia("(prefers-reduced-motion: reduce)").matches });
    }, PAN_AFTER);
  }

  drawn(circles) {
    this.ground?.avoid(circles);
    this.ring(this.selected, this.chosen);
    this.ring(this.hovered, this.pointed);
  }

  // What the mouse rests on elsewhere is shown, but not gone to.
  hover({ id, hit = null, from = "" }) {
    this.pointed = id === null || from === "map" ? null : this.points.get(id) ?? (hit?.position ? { id, position: hit.position } : null);
    this.ring(this.hovered, this.pointed);
  }

  // A ring around a point, or around the circle that it is a part of.
  ring(marker, point) {
    if (!point) {
      marker.remove();
      return;
    }
    const circle = this.clusters.circleOf(point);
    const size = (circle?.size ?? 10) + RING;
    marker.setLatLng(circle?.latlng ?? this.latlng(point.position));
    marker.setIcon(L.divIcon({ className: marker.options.icon.options.className, iconSize: [size, size] }));
    marker.addTo(this.map);
  }

  showPlaces(places, ranked) {
    this.places.hidden = places.length === 0;
    $("summary", this.places).textContent = places.length === 1 ? "1 place" : `${places.length} places`;
    $("ul", this.places).replaceChildren(
      ...places.map(({ name, count: hits, rank, id }) =>
        element("li", {},
          element("button", { type: "button", onclick: () => this.go(id) },
            element("span", {}, name),
            element("span", { class: "map-count" },
              `${many(hits, this.unit)}${ranked ? `, best rank ${count(rank)}` : ""}`))),
      ),
    );
  }

  go(id) {
    emit("select", { id, from: "map" });
    const point = this.points.get(id);
    if (point) this.map.setView(point.latlng, Math.max(this.map.getZoom(), 15));
  }

  showTrack(points) {
    this.track = points;
    this.lines.clearLayers();
    let shift = 0;
    const path = points.map(([latitude, longitude], place) => {
      if (place) {
        const step = longitude - points[place - 1][1];
        if (Math.abs(step) > 180) shift -= 360 * Math.sign(step); // the shorter way around
      }
      return shift ? [latitude, longitude + shift] : this.latlng([latitude, longitude]);
    });
    if (path.length < 2) return;
    const style = { color: token("--accent"), weight: 2, opacity: 0.75, interactive: false, lineJoin: "round" };
    this.lines.addLayer(L.polyline(path, style));
  }

  showArea(box) {
    this.area?.remove();
    this.area = null;
    const corners = box && rectangleOf(box, this.west());
    if (!corners) return;
    this.area = L.rectangle(corners, { color: token("--accent"), weight: 1.5, dashArray: "5 4", fill: false, interactive: false });
    this.area.addTo(this.map);
  }

  showTools() {
    this.clear.hidden = state.get("box") === null;
    this.search.classList.toggle("primary", this.moved);
  }

  searchHere() {
    this.moved = true; // what is found there is looked at from here
    state.set({ box: boxOf(this.map.getBounds()) });
  }

  recolour() {
    this.background?.recolour();
    this.ground?.later();
    if (this.track) this.showTrack(this.track);
    this.showArea(state.get("box"));
  }

  say(text) {
    this.said.textContent = text;
  }
}

function sentence({ shown, total, looked, without_position: without }, ranked, unit) {
  if (!total) return `No ${unit}s.`;
  const all = shown + without >= total;
  let text = many(shown, unit);
  if (!all) text = ranked ? `The best ${count(shown)} of ${many(total, unit)}` : `${count(shown)} of ${many(total, unit)}, evenly spaced in time`;
  if (!without) return `${text}.`;
  const among = looked < total ? `of the first ${count(looked)} ` : "";
  return `${text}; ${count(without)} ${among}without a position.`;
}

if (site.placed) new HitMap($("#map-panel"));
