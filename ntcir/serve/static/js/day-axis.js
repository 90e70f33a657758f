// The axis of time under a day's readings: from a round clock time before the first item to one after the last.
const HOUR = 3600;
const MINUTE = 60;
// How long a day may be, in seconds, for its axis to begin and end at a multiple of so many: a drive of some minutes
// would fill but a corner of an hour.
const STEPS = [[10 * MINUTE, MINUTE], [HOUR, 5 * MINUTE], [Infinity, HOUR]];

export function rangeOf({ photographs, length }) {
  const [first, last] = [photographs[0].seconds, photographs.at(-1).seconds];
  const step = STEPS.find(([most]) => last - first < most)[1];
  const end = Math.ceil((last + 1) / step) * step;
  return [Math.max(0, Math.floor(first / step) * step), Math.min(Math.max(length, end), end)];
}

// The wall clock at a second of the day: that of the last whole hour, and what has passed since.
export function clockOf(seconds, ticks) {
  const tick = ticks.findLast((each) => each.seconds <= seconds) ?? { seconds: 0, clock: "00:00" };
  const minutes = Math.floor((seconds - tick.seconds) / MINUTE);
  const hour = (Number(tick.clock.slice(0, 2)) + Math.floor(minutes / 60)) % 24;
  return `${String(hour).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

// What is written at the axis, at most so many: whole hours of the wall clock, or minutes where all is within an hour.
export function marksOf([from, to], ticks, most) {
  if (to - from > HOUR) {
    const inside = ticks.filter((tick) => tick.seconds >= from && tick.seconds <= to);
    const step = [1, 2, 3, 4, 6, 12].find((each) => inside.length / each <= most) ?? 12;
    return inside.filter((tick) => Number(tick.clock.slice(0, 2)) % step === 0);
  }
  const minutes = [1, 2, 5, 10, 15, 30].find((each) => (to - from) / (each * MINUTE) < most) ?? 30;
  const step = minutes * MINUTE;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.floor((to - first) / step) + 1 }, (_, place) => {
    const seconds = first + place * step;
    return { seconds, clock: clockOf(seconds, ticks) };
  });
}
