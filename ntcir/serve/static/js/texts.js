// How numbers, days and columns are written.
import { site } from "./core.js";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const days = site.facets?.days ?? [];
const oneYear = days.length > 0 && days[0].day.slice(0, 4) === days[days.length - 1].day.slice(0, 4);

export function count(number) {
  return number.toLocaleString("en-US");
}

// "3 photographs", "1 event"
export function many(number, one, more = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : more}`;
}

export function items(number) {
  return many(number, site.noun, site.plural);
}

// 2020-03-16 -> "16 Mar", with the year where the corpus has several
export function shortDay(day) {
  const [year, month, date] = day.split("-").map(Number);
  return `${date} ${MONTHS[month - 1]}${oneYear ? "" : ` ${year}`}`;
}

// As shortDay, always with its year.
export function longDay(day) {
  return oneYear ? `${shortDay(day)} ${day.slice(0, 4)}` : shortDay(day);
}

export function moment(item) {
  return item.day ? `${item.weekday} ${shortDay(item.day)} ${item.clock.slice(0, 5)}` : "";
}

// "heart_rate(bpm)" -> "heart rate (bpm)": the column's own name is in the title beside it.
export function columnName(column) {
  return column.replaceAll("_", " ").replace(/\s*\(/, " (").trim();
}

export function score(value) {
  return value.toFixed(3);
}

// At most four digits that count, as one would type it.
export function rounded(value) {
  return String(Number(Number(value).toPrecision(4)));
}

export function minutes(value) {
  if (value % 1440 === 0) return value === 1440 ? "a day" : `${value / 1440} days`;
  if (value % 60 === 0) return `${value / 60} h`;
  return `${value} min`;
}
