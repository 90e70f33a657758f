// What every part of the page shares: the address as its state, requests, messages, and one bus of events.
//
// Events on `document`, each with a `detail`:
//   ntcir:state   {changed}                    the address has changed: ask again
//   ntcir:hits    {total, unit, ranked, hits}  the first hits of an answer are there
//   ntcir:select  {id, hit, from}              an item is looked at, in the grid, on the map or in the strip
//   ntcir:open    {id}                         an item is to be shown in full
//   ntcir:collected {id, collection}           an item went into a collection, or out of it (null)
//   ntcir:collect {id, score}                  an item is to go into the present collection, or out of it
//   ntcir:undo    {}                           the last change of a collection is to be taken back
//   ntcir:hover   {id, hit, from}              the mouse rests on an item; null when it has left
//   ntcir:day     {id, enter} or {step} the day of an item is to be shown, and gone into if "enter"; or the next (1) or last (-1) one
//   ntcir:area    {}                           the map's view is to become the area (the key "box")
//   ntcir:export  {collection}                 the hits are to be saved, or the collection instead
//   ntcir:view    {view}                       another part of the page is in sight
//   ntcir:theme   {theme}                      colours are others: "light" or "dark"

export const site = JSON.parse(document.getElementById("site").textContent);
export const base = site.base;

// Keys of the address that say how the page looks, not what is asked.
const LOOKS = new Set(["at", "day", "tab"]);

export function $(selector, within = document) {
  return within.querySelector(selector);
}

export function emit(name, detail = {}) {
  document.dispatchEvent(new CustomEvent(`ntcir:${name}`, { detail }));
}

export function on(name, listener) {
  document.addEventListener(`ntcir:${name}`, (event) => listener(event.detail));
}

// An element with attributes and children; strings become text, never HTML.
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export const state = {
  params() {
    return new URLSearchParams(location.search);
  },
  // What is asked, without how the page looks.
  question() {
    const params = this.params();
    for (const key of LOOKS) params.delete(key);
    return params;
  },
  get(key) {
    return this.params().get(key);
  },
  all(key) {
    return this.params().getAll(key);
  },
  // Change keys: null removes one, a list repeats it. A change of the question is an entry of the browser's history.
  set(changes) {
    const before = this.question().toString();
    const params = this.params();
    for (const [key, value] of Object.entries(changes)) {
      params.delete(key);
      for (const each of value === null || value === undefined ? [] : [value].flat()) {
        if (String(each).trim() !== "") params.append(key, each);
      }
    }
    this.replace(params, before);
  },
  replace(params, before = this.question().toString()) {
    const text = params.toString();
    const address = text ? `?${text}` : location.pathname;
    const asked = new URLSearchParams(params);
    for (const key of LOOKS) asked.delete(key);
    if (asked.toString() === before) {
      history.replaceState(null, "", address);
      return;
    }
    history.pushState(null, "", address);
    emit("state", { changed: true });
  },
};

window.addEventListener("popstate", () => emit("state", { changed: true }));

export class Refused extends Error {}

export function address(path, params = {}) {
  const query = params instanceof URLSearchParams ? params : new URLSearchParams(params);
  const text = query.toString();
  return `${base}${path}${text ? `?${text}` : ""}`;
}

export function thumbnail(id) {
  return address("thumb", { id });
}

async function answered(request) {
  let response;
  try {
    response = await request;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The server does not answer: is it still running?");
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(body.error ?? `The server answered ${response.status}.`);
  return body;
}

export function getJSON(path, params = {}, signal = undefined) {
  return answered(fetch(address(path, params), { signal, headers: { "X-Requested-With": "ntcir" } }));
}

export function post(path, body) {
  const raw = body instanceof Blob || body instanceof FormData;
  return answered(
    fetch(address(path), {
      method: "POST",
      headers: { "X-Requested-With": "ntcir", ...(raw ? {} : { "Content-Type": "application/json" }) },
      body: raw ? body : JSON.stringify(body),
    }),
  );
}

const TOGETHER = 1200; // milliseconds in which what is said belongs together: "Marked right. 1,920 photographs ..."
let saying = { text: "", at: -TOGETHER };

// Sentences for whoever hears the page; the second of two in a row does not silence the first.
export function announce(text) {
  const place = $("#announcement");
  const before = performance.now() - saying.at < TOGETHER && saying.text !== text ? `${saying.text} ` : "";
  saying = { text: before + text, at: performance.now() };
  place.textContent = "";
  requestAnimationFrame(() => (place.textContent = saying.text));
}

export function complain(error) {
  if (error.name === "AbortError") return;
  const place = $("#complaint");
  place.textContent = error.message;
  place.hidden = false;
}

export function settle() {
  $("#complaint").hidden = true;
}

// htmx asks for fragments; what changes something needs this header as well.
document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-Requested-With"] = "ntcir";
});

// A refusal is a fragment as well, one sentence: it is shown where the answer would have been.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (xhr.status >= 400 && xhr.getResponseHeader("Content-Type")?.startsWith("text/html")) event.detail.shouldSwap = true;
});
document.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
  if (!xhr.getResponseHeader("Content-Type")?.startsWith("text/html")) complain(new Refused(`The server answered ${xhr.status}.`));
});
document.addEventListener("htmx:sendError", () => complain(new Refused("The server does not answer: is it still running?")));
