// What is collected: the present collection, its items, and what is done to it. The server keeps everything.
import { $, announce, complain, element, emit, getJSON, on, post, site, state } from "./core.js";
import { toolbar, tools } from "./collection-tools.js";
import { drawItems, select } from "./collection-items.js";
import { remember, remembered } from "./memory.js";
import { items as counted } from "./texts.js";

const MEMORY = `collection-${site.corpus}`; // each corpus has a present collection of its own
const FIRST_NAME = "Collection"; // of the one that is made by collecting without one
const panel = $("#collection-panel");
const list = element("div", { id: "collection-items" });
const shown = { all: [], present: null, items: [] };

// Requests go one after the other: of two quick presses of a key the first one is done first.
let queue = Promise.resolve();
function inTurn(work) {
  queue = queue.then(() => work().catch(complain));
  return queue;
}

export function present() {
  return shown.present;
}

// Tell the other parts what went in and out since they were last told.
let told = new Set();
function tell() {
  const now = new Set(shown.present ? shown.items.map((item) => item.id) : []);
  for (const id of told) if (!now.has(id)) emit("collected", { id, collection: null });
  for (const id of now) if (!told.has(id)) emit("collected", { id, collection: shown.present.number });
  told = now;
}

function draw() {
  tools(shown);
  drawItems(list, shown, (id) => inTurn(() => takeOut(id)));
}

async function reload(wanted = shown.present?.number ?? Number(remembered(MEMORY))) {
  shown.all = (await getJSON("collections")).collections;
  const own = shown.all.filter((each) => each.here);
  const there = shown.all.find((each) => each.number === wanted) ?? own[own.length - 1] ?? shown.all[0] ?? null;
  shown.present = there;
  shown.items = there ? (await getJSON(`collections/${there.number}`)).items : [];
  if (there) remember(MEMORY, String(there.number));
  draw();
  tell();
}

async function change(path, body, words) {
  const answer = await post(path, body);
  await reload(answer.number);
  announce(words(answer));
  return answer;
}

async function putIn(id, score) {
  if (!shown.present?.here) await change("collections", { name: FIRST_NAME }, (made) => `The collection ${made.name} is new.`);
  const address = state.question().toString();
  await change(`collections/${shown.present.number}/items`, { id, score, address }, (into) => `Collected in ${into.name}: ${counted(into.count)}.`);
}

async function takeOut(id) {
  await change(`collections/${shown.present.number}/remove`, { id }, (from) => `Taken out of ${from.name}: ${counted(from.count)}.`);
}

async function undo() {
  const { undone, collection } = await post("collections/undo", {});
  await reload(collection);
  announce(`Undone: ${undone}.`);
}

const actions = {
  choose: (number) => inTurn(() => reload(number)),
  create: (called) => inTurn(() => change("collections", called, (made) => `The collection ${made.name} is new.`)),
  rename: (called) => inTurn(() => change(`collections/${shown.present.number}/rename`, called, (now) => `The collection is called ${now.name}.`)),
  remove: () => inTurn(() => change(`collections/${shown.present.number}/delete`, {}, () => "The collection is deleted; undo brings it back.")),
  undo: () => inTurn(undo),
};

panel.append(toolbar(actions, present), list);
on("collect", ({ id, score }) => inTurn(() => (told.has(id) ? takeOut(id) : putIn(id, score ?? null))));
on("undo", actions.undo);
on("select", ({ id }) => select(list, id));
// Another window, or another person, may have changed something meanwhile.
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && inTurn(() => reload()));
inTurn(() => reload());
