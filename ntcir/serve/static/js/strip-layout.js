// Where the photographs of a day stand in the strip: side by side, with a gap between two events.
export const GAP = 2; // pixels between photographs
const EVENT_GAP = 12; // and between events

// Returns the left of each photograph, the events with what they span, the hours that begin, and the length, in pixels.
export function layOut(photographs, ticks, wide) {
  const [left, events, hours] = [[], [], []];
  let x = 0;
  let tick = 0;
  photographs.forEach(({ event, seconds }, place) => {
    if (events.at(-1)?.number !== event) {
      if (place) x += EVENT_GAP;
      events.push({ number: event, from: x, to: x, first: place, count: 0 });
    }
    let hour = null;
    while (tick < ticks.length && ticks[tick].seconds <= seconds) {
      hour = ticks[tick].clock;
      tick += 1;
    }
    if (hour) hours.push({ x, clock: hour });
    left.push(x);
    x += wide;
    const here = events.at(-1);
    here.to = x;
    here.count += 1;
    x += GAP;
  });
  return { left, events, hours, length: Math.max(0, x - GAP) };
}
