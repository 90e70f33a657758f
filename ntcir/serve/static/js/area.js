// Areas of the map as the address has them: `south,west,north,east`, a west greater than its east over the date line.
const DIGITS = 5; // about a metre
const WAYS = /^(q|like|picture|r\..*|then\..*)$/;

// The keys of an address that say what is asked; all others narrow it, or say what of it was right.
function asks(params) {
  return [...params].filter(([key]) => WAYS.test(key)).map((pair) => pair.join("=")).join("&");
}

export function isRefined(before, after) {
  return asks(before) === asks(after);
}

export function boxOf(bounds) {
  const [south, north] = [Math.max(-90, bounds.getSouth()), Math.min(90, bounds.getNorth())];
  const whole = bounds.getEast() - bounds.getWest() >= 360;
  const [west, east] = whole ? [-180, 180] : [wrapped(bounds.getWest()), wrapped(bounds.getEast())];
  return [south, west, north, east].map((degrees) => Number(degrees.toFixed(DIGITS))).join(",");
}

function wrapped(longitude) {
  return ((((longitude + 180) % 360) + 360) % 360) - 180;
}

// The corners of an area, its east greater than its west as the map wants it.
export function cornersOf({ south, west, north, east }) {
  return [[south, west], [north, east < west ? east + 360 : east]];
}

// The corners of an area in the world that begins at `start`; null if it is not one.
export function rectangleOf(box, start = null) {
  const numbers = box.split(",").map(Number);
  if (numbers.length !== 4 || !numbers.every(Number.isFinite)) return null;
  const [south, west, north, east] = numbers;
  const corners = cornersOf({ south, west, north, east });
  const shift = start !== null && corners[1][1] < start ? 360 : 0;
  return corners.map(([latitude, longitude]) => [latitude, longitude + shift]);
}
