// The answer to a question, in pages that are fetched when they are looked at; only the last ones are kept.
import { complain, getJSON } from "./core.js";

export const PAGE = 60; // hits; a divisor of nothing in particular, about two screens
const KEPT = 40; // pages

export class Answer {
  constructor(question) {
    this.question = new URLSearchParams(question);
    this.pages = new Map(); // number -> hits, the one that was used last at the end
    this.flying = new Map(); // number -> AbortController
    this.failed = new Set();
    this.places = new Map(); // id -> index, of everything that was ever there
    this.arrived = () => {};
  }

  // Fetch the first page, from which the number of hits is known.
  async begin(signal) {
    const told = await this.fetch(0, signal);
    Object.assign(this, { total: told.total, atMost: told.shown_at_most, unit: told.unit, ranked: told.ranked, remarks: told.remarks });
    this.shown = Math.min(told.total, told.shown_at_most);
    this.keep(0, told.hits);
    return this;
  }

  fetch(number, signal) {
    const params = new URLSearchParams(this.question);
    params.set("offset", number * PAGE);
    params.set("count", PAGE);
    return getJSON("hits", params, signal);
  }

  keep(number, hits) {
    this.pages.delete(number);
    this.pages.set(number, hits);
    hits.forEach((hit, index) => this.places.set(hit.id, number * PAGE + index));
    if (this.pages.size > KEPT) this.pages.delete(this.pages.keys().next().value);
  }

  // The hit at an index, or null while its page is not there.
  at(index) {
    return this.pages.get(Math.floor(index / PAGE))?.[index % PAGE] ?? null;
  }

  indexOf(id) {
    return this.places.get(id) ?? -1;
  }

  // Fetch the pages of a range of indexes that are not there; what is no longer looked at is no longer waited for.
  want(first, last) {
    const wanted = new Set();
    for (let number = Math.floor(first / PAGE); number <= Math.floor(last / PAGE); number++) wanted.add(number);
    for (const [number, flight] of this.flying) if (!wanted.has(number)) flight.abort();
    for (const number of wanted) {
      const hits = this.pages.get(number);
      if (hits) this.keep(number, hits); // used last
      else if (!this.flying.has(number) && !this.failed.has(number)) this.load(number);
    }
  }

  async load(number) {
    const flight = new AbortController();
    this.flying.set(number, flight);
    try {
      this.keep(number, (await this.fetch(number, flight.signal)).hits);
      this.arrived();
    } catch (error) {
      if (error.name !== "AbortError") this.failed.add(number); // not asked again and again while one scrolls
      complain(error);
    } finally {
      if (this.flying.get(number) === flight) this.flying.delete(number);
    }
  }

  // The hit at an index, fetched if need be.
  async reach(index) {
    const number = Math.floor(index / PAGE);
    if (!this.pages.has(number)) this.keep(number, (await this.fetch(number)).hits);
    return this.at(index);
  }

  end() {
    for (const flight of this.flying.values()) flight.abort();
    this.arrived = () => {};
  }
}
