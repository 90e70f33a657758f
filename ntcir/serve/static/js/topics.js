// The page of topics: a list of which a page at a time is there, and one topic beside it. Its state is the address.
import { $, address, announce, complain, getJSON, settle, site } from "./core.js";
import { goTo, listed, show } from "./topics-list.js";
import { bigPicture } from "./topics-picture.js";

const form = $(".topics-tools");
const panel = $("#topic-panel");
const KEYS = ["sort", "direction", "find", "topic", "offset"];
// Where list and topic are beside each other.
const wide = matchMedia("(min-width: 1000px)");
let asking = null;

function params() {
  const given = new URLSearchParams(location.search);
  return Object.fromEntries(KEYS.filter((key) => given.get(key)).map((key) => [key, given.get(key)]));
}

function choice() {
  const { sort, direction, find } = params();
  return Object.fromEntries(Object.entries({ sort, direction, find }).filter(([, value]) => value));
}

// A step from topic to topic is no entry of the browser's history; opening the first one is, so that "back" closes it.
function change(changes, { entry = false } = {}) {
  const next = Object.entries({ ...params(), ...changes }).filter(([, value]) => value);
  const text = new URLSearchParams(next).toString();
  history[entry ? "pushState" : "replaceState"](null, "", text ? `?${text}` : location.pathname);
}

function fill() {
  const { sort = "worst", direction = "", find = "" } = params();
  form.elements.sort.value = sort;
  if (form.elements.direction) form.elements.direction.value = direction;
  if (document.activeElement !== form.elements.find) form.elements.find.value = find;
}

async function list() {
  asking?.abort();
  asking = new AbortController();
  const { topic, offset } = params();
  const where = offset ? { offset } : topic ? { topic } : {};
  try {
    const answer = await getJSON("topics/rows", { ...choice(), ...where }, asking.signal);
    settle();
    show(answer, params());
    return answer;
  } catch (error) {
    complain(error);
    return null;
  }
}

async function open(topic, { entry = !params().topic, focus = false } = {}) {
  change({ topic }, { entry });
  document.body.classList.add("topic-open");
  await fetchTopic(topic);
  if (!goTo(topic)) {
    // The next one is on another page of the list.
    change({ offset: null });
    await list();
    goTo(topic);
  }
  if (focus) $("h2", panel)?.focus({ preventScroll: true });
}

async function fetchTopic(topic) {
  panel.setAttribute("aria-busy", "true");
  await window.htmx.ajax("GET", address("topic", { ...choice(), id: topic }), { target: panel });
  panel.removeAttribute("aria-busy");
  panel.scrollTop = 0;
  const place = $(".place", panel)?.textContent;
  document.title = `${topic} – ${site.corpus} – ntcir`;
  announce(place ? `Topic ${topic}, ${place}` : `Topic ${topic}`);
}

function close({ entry = true } = {}) {
  const { topic } = params();
  change({ topic: null }, { entry });
  panel.replaceChildren();
  document.body.classList.remove("topic-open");
  document.title = `Topics – ${site.corpus} – ntcir`;
  goTo(null);
  if (topic) listed(topic)?.focus();
}

// Steps are taken one after the other: the second of two quick ones begins where the first has led.
let stepping = Promise.resolve();
function step(way) {
  stepping = stepping.then(() => go(way)).catch(complain);
}

async function go(way) {
  const shown = $(".topic", panel);
  const topic = shown ? shown.dataset[way] : $("#topic-list tr[data-topic]")?.dataset.topic;
  if (topic) await open(topic);
  else announce(way === "after" ? "This is the last topic." : "This is the first topic.");
}

function again(changes) {
  change({ ...changes, offset: null }, { entry: true });
  fill();
  list().then(() => params().topic && fetchTopic(params().topic));
}

form.addEventListener("submit", (event) => event.preventDefault());
form.elements.sort.addEventListener("change", (event) => again({ sort: event.target.value }));
form.elements.direction?.addEventListener("change", (event) => again({ direction: event.target.value }));
let typing = 0;
form.elements.find.addEventListener("input", (event) => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    change({ find: event.target.value.trim(), offset: null });
    list().then((answer) => answer && announce(answer.total === 1 ? "1 topic" : `${answer.total} topics`));
  }, 150);
});

$("#topic-list").addEventListener("click", (event) => {
  const sorted = event.target.closest("[data-sort]");
  const paged = event.target.closest("[data-offset]");
  const row = event.target.closest("tr[data-topic]");
  if (sorted) again({ sort: sorted.dataset.sort });
  else if (paged) {
    change({ offset: paged.dataset.offset }, { entry: true });
    list().then(() => $("#topic-list").scrollTo(0, 0));
  } else if (row) open(row.dataset.topic, { focus: event.detail === 0 });
});

panel.addEventListener("click", (event) => {
  const to = event.target.closest("[data-go]")?.dataset.go;
  if (to === "close") close();
  else if (to) step(to);
  const picture = event.target.closest("a.enlarge");
  if (picture && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    bigPicture(picture);
  }
});

panel.addEventListener("error", (event) => event.target.closest?.("a.enlarge")?.classList.add("gone"), true);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
  const typed = event.target.closest?.("input, select, textarea");
  if (event.key === "Escape") {
    if (typed) typed.blur();
    else if (wide.matches) listed($(".topic", panel)?.dataset.topic)?.focus();
    else if (params().topic) close();
  }
  if (typed) return;
  // A person who switched keys of one letter off on the search page does without them here as well.
  if (localStorage.getItem("ntcir-keys") === "off") return;
  if (event.key === "j") step("after");
  else if (event.key === "k") step("before");
  else if (event.key === "/") form.elements.find.focus();
  else return;
  event.preventDefault();
});

// A refusal is a paragraph, which is shown where the topic would be.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status >= 400 && event.detail.target === panel) event.detail.shouldSwap = true;
});

window.addEventListener("popstate", start);

async function start() {
  fill();
  const { topic } = params();
  document.body.classList.toggle("topic-open", Boolean(topic));
  if (!topic) panel.replaceChildren();
  const [answer] = await Promise.all([list(), topic ? fetchTopic(topic) : null]);
  // Beside a wide list an empty half says nothing: the first topic of it is shown, without being asked for.
  if (!topic && answer?.rows.length && wide.matches) {
    await fetchTopic(answer.rows[0].topic);
    document.title = `Topics – ${site.corpus} – ntcir`;
    goTo(answer.rows[0].topic);
  } else if (topic) goTo(topic);
}

start();
