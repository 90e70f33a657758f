// Where the corpus has been at all, and the names of its places: the map under the hits when there are no streets.
import { token } from "./colours.js";

const NAMES_FROM = 10; // the zoom from which places have names
const MARGIN = 4; // pixels between two names
const HIGH = 15; // pixels of a name
const ASIDE = 24; // pixels from a place to its name, which a circle of hits has room in
const AROUND = [[0, 1.15], [0, -1.15], [1, 0], [-1, 0]]; // under, over, right, left

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
    this.drawCells(pen, map, size);
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
    const taken = this.circles.map(({ latlng, radius }) => {
      const { x, y } = map.latLngToContainerPoint(latlng);
      return [x - radius, y - radius, x + radius, y + radius];
    });
    pen.font = `500 11.5px ${token("--font")}`;
    pen.textAlign = "center";
    pen.textBaseline = "top";
    pen.lineJoin = "round";
    pen.lineWidth = 3.5;
    pen.strokeStyle = token("--surface");
    pen.fillStyle = token("--ink");
    for (const { name, position } of this.names) {
      const { x, y } = this.place(map, ...position);
      if (x < 0 || y < 0 || x > size.x || y > size.y) continue;
      const half = pen.measureText(name).width / 2;
      const free = AROUND.map(([right, down]) => [x + right * (half + ASIDE), y + down * ASIDE - HIGH / 2])
        .find(([middle, top]) => !taken.some(([left, up, right, down]) =>
          middle - half - MARGIN < right && middle + half + MARGIN > left && top < down && top + HIGH > up));
      if (!free) continue;
      const [middle, top] = free;
      taken.push([middle - half, top, middle + half, top + HIGH]);
      pen.strokeText(name, middle, top);
      pen.fillText(name, middle, top);
    }
  },
});
