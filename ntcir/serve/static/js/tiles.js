// A map of the user's own: one PMTiles archive, of which the browser asks the server for the bytes that it needs.
import { address } from "./core.js";
import { theme } from "./theme.js";

const VECTOR = 1; // tile type of the archive's header

// Returns what credits the map, and what gives it the theme's colours.
export async function addTiles(map) {
  const archive = new pmtiles.PMTiles(new URL(address("map.pmtiles"), location.href).href);
  const header = await archive.getHeader();
  const metadata = await archive.getMetadata().catch(() => ({}));
  let layer = null;
  const draw = () => {
    if (layer && header.tileType !== VECTOR) return;
    layer?.remove();
    layer = header.tileType === VECTOR ? vectors(archive, header) : pictures(archive, header);
    layer.addTo(map);
  };
  draw();
  return { credit: textOf(metadata.attribution ?? ""), recolour: draw, bounds: boundsOf(header) };
}

function vectors(archive, header) {
  // Without an attribution of the layer's own: it would be HTML.
  return protomapsL.leafletLayer({
    url: archive, flavor: theme(), lang: "en", attribution: "", maxDataZoom: header.maxZoom,
  });
}

function pictures(archive, header) {
  return pmtiles.leafletRasterLayer(archive, {
    minNativeZoom: header.minZoom, maxNativeZoom: header.maxZoom, className: "map-tile",
  });
}

function boundsOf(header) {
  const { minLat, minLon, maxLat, maxLon } = header;
  return minLat < maxLat && minLon < maxLon ? [[minLat, minLon], [maxLat, maxLon]] : null;
}

// An attribution is HTML with links: its text is kept. Nothing but characters such as &copy; is left to a parser.
function textOf(html) {
  const text = String(html).replace(/<[^>]*>/g, "").replaceAll("<", "");
  return new DOMParser().parseFromString(text, "text/html").body.textContent.trim();
}
