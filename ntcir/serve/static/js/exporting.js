// Hits or a collection as a file: asked for, saved, and what was left out is said.
import { address, announce, complain, element, on, Refused, state } from "./core.js";
import { dialog } from "./dialogs.js";
import { shownAnswer } from "./grid.js";
import { remember, remembered } from "./memory.js";
import { plain } from "./plain.js";
import { many } from "./texts.js";

const FORMATS = [
  ["trec", "TREC run", "Lines of topic, Q0, id, rank, score and tag."],
  ["ntcir19", "NTCIR-19 Lifelog", "CSV of GROUP-ID, RUN-ID, TOPIC-ID, IMAGE-ID and SCORE; at most 100 a topic."],
  ["csv", "Table", "CSV with times, places and labels, for a spreadsheet."],
];
const USUAL = { trec: 1000, ntcir19: 100, csv: 1000 };
const MOST = { trec: 100000, ntcir19: 100, csv: 100000 };
const KEPT = ["format", "group_id", "run_id"]; // of one export for the next

function field(name, label, attributes) {
  return element("p", { class: "stacked", "data-field": name }, element("label", { for: `export-${name}` }, label), element("input", { type: "text", id: `export-${name}`, name, spellcheck: "false", ...attributes }));
}

function radio(name, value, text, hint, chosen, disabled = false) {
  const input = element("input", { type: "radio", name, value, checked: chosen, disabled });
  return element("label", { class: "check" }, input, element("span", { dir: "auto" }, text), hint ? element("small", {}, hint) : null);
}

// What the fields say, as the server takes it; the address says what the hits are.
function asked(form, collection) {
  const fields = new FormData(form);
  const hits = fields.get("of") !== "collection";
  const query = hits ? state.question() : new URLSearchParams();
  for (const [name, value] of fields) if (String(value).trim()) query.set(name, value);
  if (!hits) {
    query.set("collection", collection.number);
    query.delete("k");
  }
  return query;
}

function saveAs(blob, name) {
  const place = URL.createObjectURL(blob);
  element("a", { href: place, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(place), 60000);
}

async function save(query) {
  const response = await fetch(address("export", query), { headers: { "X-Requested-With": "ntcir" } }).catch(() => null);
  if (!response) throw new Refused("The server does not answer: is it still running?");
  if (!response.ok) throw new Refused((await response.json().catch(() => ({}))).error ?? `The server answered ${response.status}.`);
  const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? "export.txt";
  saveAs(await response.blob(), name);
  return [`Saved as ${name}.`, response.headers.get("X-Remark")].filter(Boolean).join(" ");
}

export function exportDialog(collection, of = collection?.count ? "collection" : "hits") {
  const answer = shownAnswer();
  const format = remembered("export-format", "trec");
  const message = element("p", { class: "note", role: "status" });
  const topic = collection?.topic ?? "";
  const body = [
    element(
      "fieldset", {}, element("legend", {}, "What"),
      radio("of", "hits", "The hits", answer ? many(answer.total, "hit") : null, of === "hits"),
      radio("of", "collection", collection ? plain(collection.name) : "A collection", collection ? many(collection.count, "item") : "there is none", of === "collection", !collection?.count),
    ),
    element("fieldset", {}, element("legend", {}, "As"), FORMATS.map(([value, text, hint]) => radio("format", value, text, hint, value === format))),
    element(
      "div", { class: "fields" },
      field("topic", "Topic", { value: topic, placeholder: "KIS26001" }),
      field("group_id", "Group", { value: remembered("export-group_id", ""), placeholder: "ORG" }),
      field("run_id", "Run", { value: remembered("export-run_id", ""), placeholder: "ntcir" }),
      field("k", "How many hits", { type: "number", min: 1, step: 1 }),
    ),
    message,
  ];
  const shown = dialog({ id: "export-dialog", title: "Export", body, actions: [element("button", { type: "submit", class: "button primary" }, "Save")] });
  const form = shown.querySelector("form");
  const settle = () => {
    const now = new FormData(form);
    const layout = now.get("format");
    const needed = { topic: layout !== "csv", group_id: layout === "ntcir19", run_id: layout !== "csv", k: now.get("of") === "hits" };
    for (const [name, is] of Object.entries(needed)) {
      const place = shown.querySelector(`[data-field="${name}"]`);
      place.hidden = !is;
      place.querySelector("input").disabled = !is;
    }
    const topics = form.elements.topic;
    topics.required = layout !== "csv";
    form.elements.k.placeholder = USUAL[layout];
    form.elements.k.max = MOST[layout];
  };
  form.addEventListener("change", settle);
  // It stays open: what was left out is read, and another format may be wanted.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const name of KEPT) if (new FormData(form).has(name)) remember(`export-${name}`, new FormData(form).get(name));
    message.textContent = "";
    message.className = "note";
    save(asked(form, collection)).then(
      (words) => {
        message.textContent = words;
        announce(words);
      },
      (error) => {
        message.textContent = error.message;
        message.className = "error";
      },
    ).catch(complain);
  });
  settle();
}

on("export", ({ collection = null }) => exportDialog(collection, "hits"));
