// Hits as circles on the map: those too near each other to be told apart are one, with their number in it.
import { element, emit, site, thumbnail } from "./core.js";
import { count as figure, many, score } from "./texts.js";

const NEAR = 38; // pixels between the middles of two circles
const MARGIN = 0.25; // of the view, around it
const BEST = 10;
const GOOD = 100;
const HINT = { width: 190, height: 180 }; // pixels at most
const MOST_LISTED = 24;
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export class Clusters {
  constructor(map, marks) {
    this.map = map;
    this.marks = marks; // id -> "right" or "wrong"
    this.drawn = () => {}; // told the circles
    this.layer = L.layerGroup().addTo(map);
    this.points = [];
    this.ranked = false;
    map.on("moveend", () => this.draw());
  }

  // Points have a `latlng`, best first.
  show(points, ranked, unit) {
    this.points = points;
    this.unit = unit; // "hit", or "event"
    this.ranked = ranked;
    this.draw();
  }

  draw() {
    if (!this.map._loaded) return;
    this.layer.clearLayers();
    const around = this.map.getBounds().pad(MARGIN);
    const groups = this.groups(this.points.filter((point) => around.contains(point.latlng)));
    for (const group of groups) this.layer.addLayer(this.circle(group));
    this.groupsDrawn = groups;
    this.drawn(groups.map(({ members }) => ({ latlng: members[0].latlng, radius: diameter(members.length) / 2 })));
  }

  // Where a point is seen: the middle of its circle, and how wide that is.
  circleOf(point) {
    const group = this.groupsDrawn?.find(({ members }) => members.includes(point));
    return group ? { latlng: group.members[0].latlng, size: diameter(group.members.length) } : null;
  }

  // The best hit that is still alone is the middle of a group; worse ones near it join. So a group stands where its best is.
  groups(points) {
    const cells = new Map();
    const groups = [];
    for (const point of points) {
      const { x, y } = this.map.latLngToLayerPoint(point.latlng);
      const [column, row] = [Math.floor(x / NEAR), Math.floor(y / NEAR)];
      let joined = null;
      for (let i = -1; i <= 1 && !joined; i += 1) {
        for (let j = -1; j <= 1 && !joined; j += 1) {
          const near = cells.get(`${column + i},${row + j}`) ?? [];
          joined = near.find((group) => Math.hypot(group.x - x, group.y - y) < NEAR) ?? null;
        }
      }
      if (joined) {
        joined.members.push(point);
        continue;
      }
      const group = { x, y, members: [point] };
      groups.push(group);
      const key = `${column},${row}`;
      cells.set(key, [...(cells.get(key) ?? []), group]);
    }
    return groups;
  }

  circle({ members }) {
    const [best] = members;
    const count = members.length;
    const size = diameter(count);
    const drawn = element("span", { class: "map-circle" }, count === 1 ? "" : compact.format(count));
    const icon = L.divIcon({
      html: drawn, className: `map-hit ${this.kind(best)} ${this.mark(members)}`, iconSize: [size, size],
    });
    const marker = L.marker(best.latlng, {
      icon, keyboard: false, riseOnHover: true, zIndexOffset: this.ranked ? -best.rank : count,
    });
    marker.on("mouseover", () => this.aim(marker, size));
    marker.on("mouseover", () => emit("hover", { id: best.id, hit: null, from: "map" }));
    marker.on("mouseout", () => emit("hover", { id: null, hit: null, from: "map" }));
    marker.on("click", () => (count === 1 ? emit("open", { id: best.id, from: "map" }) : this.enter(members, marker)));
    marker.bindTooltip(() => this.hint(members), { className: "map-hint" });
    return marker;
  }

  // The hint stands where it has room.
  aim(marker, size) {
    const { x, y } = this.map.latLngToContainerPoint(marker.getLatLng());
    const right = this.map.getSize().x - x;
    const direction = Math.min(x, right) > HINT.width / 2 ? (y > HINT.height ? "top" : "bottom") : x < right ? "right" : "left";
    const [across, down] = { top: [0, -1], bottom: [0, 1], right: [1, 0], left: [-1, 0] }[direction];
    Object.assign(marker.getTooltip().options, { direction, offset: L.point((across * size) / 2, (down * size) / 2) });
  }

  kind(best) {
    if (!this.ranked) return "plain";
    if (best.rank <= BEST) return "best";
    return best.rank <= GOOD ? "good" : "rest";
  }

  mark(members) {
    const found = new Set(members.map((point) => this.marks.get(point.id)));
    return found.has("right") ? "right" : found.has("wrong") ? "wrong" : "";
  }

  hint(members) {
    const [best] = members;
    const all = members.length === 1 ? null : many(members.length, this.unit);
    const scored = best.score === null ? "" : ` · ${score(best.score)}`;
    const rank = this.ranked ? `${all ? "best rank" : "Rank"} ${figure(best.rank)}${scored}` : null;
    const text = [all, rank].filter(Boolean).join(", ");
    return element(
      "div", {},
      site.pictured ? element("img", { src: thumbnail(best.id), alt: "", width: 160, height: 120 }) : null,
      element("span", {}, text || `One ${this.unit}`),
    );
  }

  // Nearer where that tells the hits apart, else a list of them.
  enter(members, marker) {
    const bounds = L.latLngBounds(members.map((point) => point.latlng));
    const zoom = this.map.getBoundsZoom(bounds, false, L.point(60, 60));
    const apart = !bounds.getNorthEast().equals(bounds.getSouthWest(), 1e-7);
    if (apart && this.map.getZoom() < Math.min(zoom, this.map.getMaxZoom())) {
      this.map.fitBounds(bounds, { padding: [40, 40] });
      return;
    }
    marker.closeTooltip();
    this.map.openPopup(this.list(members), marker.getLatLng(), { className: "map-popup", maxWidth: 300, minWidth: 230 });
  }

  list(members) {
    const shown = members.slice(0, MOST_LISTED).map((point) =>
      element(
        "button", {
          type: "button", class: "map-tile-button",
          "aria-label": this.ranked ? `Rank ${point.rank}` : `Hit ${point.rank}`,
          onclick: () => emit("open", { id: point.id, from: "map" }),
          onpointerenter: () => emit("hover", { id: point.id, hit: null, from: "map" }),
          onfocus: () => emit("hover", { id: point.id, hit: null, from: "map" }),
        },
        site.pictured ? element("img", { src: thumbnail(point.id), alt: "", loading: "lazy" }) : null,
        this.ranked || !site.pictured ? element("span", {}, `${point.rank}`) : null,
      ),
    );
    const rest = members.length - shown.length;
    return element(
      "div", {},
      element("p", {}, `${many(members.length, this.unit)} here`),
      element("div", { class: "map-tiles" }, shown),
      rest > 0 ? element("p", {}, `and ${figure(rest)} more: search in this area to see them.`) : null,
    );
  }
}

function diameter(count) {
  return count === 1 ? 14 : Math.round(Math.min(44, 20 + 11 * Math.log10(count)));
}
