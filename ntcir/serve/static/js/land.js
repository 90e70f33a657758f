// Land and water where there is no map of the user's own: an outline so coarse that it is shown from afar only, and a
// small map of the world in the corner that says where one is.
import { address } from "./core.js";
import { token } from "./colours.js";

export const FINEST = 7; // the zoom up to which the outline tells more than it hides
const WORLDS = [-360, 0, 360]; // the map goes on over the date line
const LOCATOR = { width: 116, height: 58 };

async function outline() {
  const response = await fetch(address("static/vendor/world-atlas/land-110m.json"));
  if (!response.ok) throw new Error(`The land outline: the server answered ${response.status}.`);
  const topology = await response.json();
  const land = topojson.feature(topology, topology.objects.land);
  const polygons = polygonsOf(land).map((polygon) => polygon.map(unwrapped));
  return { type: "MultiPolygon", coordinates: polygons };
}

// A ring that crosses the date line goes on behind it, where it would else jump over the whole world. One that does not
// come back goes around a pole, and is closed over it.
function unwrapped(ring) {
  let shift = 0;
  const points = ring.map(([longitude, latitude], place) => {
    const step = place ? longitude - ring[place - 1][0] : 0;
    if (Math.abs(step) > 180) shift -= 360 * Math.sign(step);
    return [longitude + shift, latitude];
  });
  if (!shift) return points;
  const pole = points[0][1] < 0 ? -90 : 90;
  return [...points, [points.at(-1)[0], pole], [points[0][0], pole], points[0]];
}

export async function addLand(map) {
  const land = await outline();
  const pane = map.createPane("land");
  pane.style.zIndex = 200;
  pane.style.pointerEvents = "none";
  const renderer = L.canvas({ pane: "land", padding: 0.5 });
  const worlds = L.layerGroup(
    WORLDS.map((shift) =>
      L.geoJSON(land, {
        pane: "land",
        renderer,
        interactive: false,
        style: landStyle,
        coordsToLatLng: ([longitude, latitude]) => L.latLng(latitude, longitude + shift),
      }),
    ),
  );
  const locator = new Locator(land);
  locator.addTo(map);
  const refresh = () => {
    const far = map.getZoom() <= FINEST;
    if (far !== map.hasLayer(worlds)) (far ? worlds.addTo(map) : worlds.remove());
    map.getContainer().classList.toggle("map-far", far);
  };
  map.on("zoomend", refresh);
  refresh();
  return {
    recolour() {
      worlds.eachLayer((world) => world.setStyle(landStyle()));
      locator.draw();
    },
  };
}

function landStyle() {
  return { fillColor: token("--surface"), fillOpacity: 1, color: token("--muted"), opacity: 0.45, weight: 0.75 };
}

const Locator = L.Control.extend({
  options: { position: "bottomright" },
  initialize(land) {
    this.land = land;
  },
  onAdd(map) {
    this.canvas = document.createElement("canvas");
    this.canvas.className = "map-locator";
    this.canvas.setAttribute("aria-hidden", "true");
    map.on("moveend", this.draw, this);
    this.draw();
    return this.canvas;
  },
  onRemove(map) {
    map.off("moveend", this.draw, this);
  },
  draw() {
    const map = this._map;
    if (!map || !map._loaded) return;
    this.canvas.hidden = map.getZoom() < 4; // from so far one sees it
    if (this.canvas.hidden) return;
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = LOCATOR;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const x = (longitude) => ((longitude + 180) / 360) * width;
    const y = (latitude) => ((90 - latitude) / 180) * height;
    pen.fillStyle = token("--muted");
    pen.globalAlpha = 0.45;
    pen.beginPath();
    for (const ring of this.land.coordinates.flat()) {
      for (const world of WORLDS) {
        ring.forEach(([longitude, latitude], place) => pen[place ? "lineTo" : "moveTo"](x(longitude + world), y(latitude)));
        pen.closePath();
      }
    }
    pen.fill();
    const { lat, lng } = map.getCenter().wrap();
    pen.globalAlpha = 1;
    pen.strokeStyle = pen.fillStyle = token("--accent");
    pen.beginPath();
    pen.arc(x(lng), y(lat), 2, 0, 2 * Math.PI);
    pen.fill();
    pen.beginPath();
    pen.arc(x(lng), y(lat), 5, 0, 2 * Math.PI);
    pen.stroke();
  },
});

function polygonsOf(land) {
  const shapes = land.type === "FeatureCollection" ? land.features.map((each) => each.geometry) : [land.geometry];
  return shapes.flatMap((shape) => (shape.type === "MultiPolygon" ? shape.coordinates : [shape.coordinates]));
}
