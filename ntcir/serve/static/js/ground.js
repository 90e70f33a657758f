// Where the corpus has been at all, and the names of its places: the map under the hits when there are no streets.
import { token } from "./colours.js";

const GRID_FROM = 9; // the zoom from which there is a grid: further away there is land
const GRID = 70; // pixels between two of its lines, at least
const CELLS_TO = 16; // the zoom from which cells are a mere pattern
const NAMES_FROM = 10; // the zoom from which places have names
const MARGIN = 4; // pixels between two names
const HIGH = 15; // pixels of a name
const ASIDE = 4; // pixels between a place, or its circle of hits, and its name
// Where a name may stand: under its place, over it, beside it, at a slant.
const AROUND = [[0, 1], [0, -1], [1, 0], [-1, 0], [0.75, 0.75], [-0.75, 0.75], [0.75, -0.75], [-0.75, -0.75]];

export const Ground = L.Layer.extend({
  initialize(ground) {
    this.cells = ground.cells;
    this.step = ground.step;
    this.names = ground.names;
    this.busiest = Math.max(1, ...this.cells.map((cell) => cell[2]));
    this.circles = []; // of hits, which names keep clear of: {latlng, radius}
    this.west = null; // where the world begins that positions are shown in
  },
  onAdd(map) {
    const pane = map.getPane("ground") ?? map.createPane("ground");
    pane.style.zIndex = 250;
    pane.style.pointerEvents = "none";
    this.canvas = L.DomUtil.create("canvas", "leaflet-zoom-hide", pane);
    map.on("moveend zoomend viewreset resize move", this.later, this);
    this.draw();
  },
  onRemove(map) {
    map.off("moveend zoomend viewreset resize move", this.later, this);
    this.canvas.remove();
  },
  // Where the corpus has been at all: what is shown where nothing is found.
  corners() {
    const [latitudes, longitudes] = [0, 1].map((axis) => this.cells.map((cell) => cell[axis]));
    if (!this.cells.length) return null;
    return [[Math.min(...latitudes), Math.min(...longitudes)], [Math.max(...latitudes), Math.max(...longitudes)]];
  },
  // Over the date line, what is west of the area lies behind its east.
  unwrap(west) {
    this.west = west;
    this.later();
  },
  avoid(circles) {
    this.circles = circles;
    this.later();
  },
  later() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  },
  draw() {
    const map = this._map;
    if (!map) return;
    const size = map.getSize();
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = size.x * ratio;
    this.canvas.height = size.y * ratio;
    this.canvas.style.width = `${size.x}px`;
    this.canvas.style.height = `${size.y}px`;
    L.DomUtil.setPosition(this.canvas, map.containerPointToLayerPoint([0, 0]));
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    if (map.getZoom() >= GRID_FROM) drawGrid(pen, map, size);
    if (map.getZoom() <= CELLS_TO) this.drawCells(pen, map, size);
    if (map.getZoom() >= NAMES_FROM) this.drawNames(pen, map, size);
  },
  place(map, latitude, longitude) {
    const shifted = this.west !== null && longitude < this.west ? longitude + 360 : longitude;
    return map.latLngToContainerPoint([latitude, shifted]);
  },
  drawCells(pen, map, size) {
    const wide = (this.step / 360) * 256 * 2 ** map.getZoom();
    const radius = Math.min(9, Math.max(1.5, wide * 0.6));
    pen.fillStyle = token("--muted");
    for (const [latitude, longitude, count] of this.cells) {
      const { x, y } = this.place(map, latitude, longitude);
      if (x < -9 || y < -9 || x > size.x + 9 || y > size.y + 9) continue;
      pen.globalAlpha = 0.16 + 0.3 * (Math.log1p(count) / Math.log1p(this.busiest));
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.fill();
    }
    pen.globalAlpha = 1;
  },
  drawNames(pen, map, size) {
    const circles = this.circles.map(({ latlng, radius }) => ({ ...pick(map.latLngToContainerPoint(latlng)), radius }));
    const taken = circles.map(({ x, y, radius }) => [x - radius, y - radius, x + radius, y + radius]);
    const named = new Set(); // a circle has one name: that of its greatest place
    pen.font = `500 11.5px ${token("--font")}`;
    pen.textAlign = "center";
    pen.textBaseline = "top";
    pen.lineJoin = "round";
    pen.lineWidth = 3.5;
    pen.strokeStyle = token("--bg");
    pen.fillStyle = token("--ink");
    for (const { name, position } of this.names) {
      const place = this.place(map, ...position);
      if (place.x < 0 || place.y < 0 || place.x > size.x || place.y > size.y) continue;
      const circle = circles.find((each) => Math.hypot(each.x - place.x, each.y - place.y) < each.radius + ASIDE);
      if (named.has(circle)) continue;
      const { x, y, radius } = circle ?? { ...pick(place), radius: 3 };
      const half = pen.measureText(name).width / 2;
      const aside = radius + ASIDE;
      const free = AROUND.map(([right, down]) => [x + right * (aside + half), y + down * (aside + HIGH / 2) - HIGH / 2])
        .find(([middle, top]) => middle - half > 0 && middle + half < size.x && !taken.some(([left, up, right, down]) =>
          middle - half - MARGIN < right && middle + half + MARGIN > left && top < down && top + HIGH > up));
      if (!free) continue;
      if (circle) named.add(circle);
      const [middle, top] = free;
      taken.push([middle - half, top, middle + half, top + HIGH]);
      pen.strokeText(name, middle, top);
      pen.fillText(name, middle, top);
    }
  },
});

// Lines of round degrees: where there are no streets, they tell ground from an empty page, and near from far.
function drawGrid(pen, map, size) {
  const { _southWest: low, _northEast: high } = map.getBounds();
  const step = roundUp((GRID / size.x) * (high.lng - low.lng));
  pen.beginPath();
  for (let at = Math.ceil(low.lng / step); at * step < high.lng; at += 1) {
    const x = Math.round(map.latLngToContainerPoint([low.lat, at * step]).x) + 0.5;
    pen.moveTo(x, 0);
    pen.lineTo(x, size.y);
  }
  for (let at = Math.ceil(low.lat / step); at * step < high.lat; at += 1) {
    const y = Math.round(map.latLngToContainerPoint([at * step, low.lng]).y) + 0.5;
    pen.moveTo(0, y);
    pen.lineTo(size.x, y);
  }
  pen.lineWidth = 1;
  pen.strokeStyle = token("--line");
  pen.stroke();
}

// 1, 2 or 5 of a power of ten.
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((each) => each * power >= value);
}

function pick({ x, y }) {
  return { x, y };
}
