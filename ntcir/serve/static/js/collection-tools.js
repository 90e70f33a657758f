// What stands above the items of a collection: which one it is, and what can be done with it as a whole.
import { element } from "./core.js";
import { dialog } from "./dialogs.js";
import { exportDialog } from "./exporting.js";
import { button, iconButton } from "./icons.js";
import { plain } from "./plain.js";
import { count } from "./texts.js";

const LONGEST = { name: 200, topic: 256, note: 2000 }; // characters, as the server has it

const choice = element("select", { id: "collection-choice", "aria-label": "Collection" });
const about = element("p", { class: "note", dir: "auto" });
const buttons = {};

function named(id, label, value, attributes = {}) {
  return element("p", { class: "stacked" }, element("label", { for: id }, label), element("input", { type: "text", id, value, maxlength: LONGEST[id.split("-")[1]], ...attributes }));
}

// Ask what a collection is called; `done` gets its name, topic and note.
function ask(title, verb, { name = "", topic = "", note = "" }, done) {
  const fields = [
    named("collection-name", "Name", name, { required: true }),
    named("collection-topic", "Topic, if it answers one (such as KIS26001)", topic ?? "", { spellcheck: "false" }),
    named("collection-note", "Note", note),
  ];
  const read = (key) => shown.querySelector(`#collection-${key}`).value;
  const shown = dialog({
    id: "collection-dialog",
    title,
    body: fields,
    actions: [element("button", { type: "submit", class: "button primary" }, verb)],
    submit: () => done({ name: read("name"), topic: read("topic") || null, note: read("note") }),
  });
  shown.querySelector("input").select();
}

export function toolbar(actions, present) {
  choice.addEventListener("change", () => actions.choose(Number(choice.value)));
  Object.assign(buttons, {
    rename: iconButton("edit", "Rename the collection", () => ask("Rename the collection", "Rename", present(), actions.rename)),
    remove: iconButton("trash", "Delete the collection", actions.remove),
    save: button("download", "Export", () => exportDialog(present())),
  });
  const create = iconButton("plus", "New collection", () => ask("New collection", "Create", {}, actions.create));
  const undo = iconButton("undo", "Undo the last change of a collection", actions.undo);
  return element(
    "header", { class: "collection-bar" },
    element("div", {}, choice, create, buttons.rename, buttons.remove, undo, buttons.save), about,
  );
}

function option(collection, present) {
  const made = element("option", { value: collection.number }, `${plain(collection.name)} (${count(collection.count)})${collection.here ? "" : ` – ${plain(collection.corpus)}`}`);
  made.selected = collection.number === present?.number;
  return made;
}

export function tools({ all, present }) {
  choice.replaceChildren(...all.map((each) => option(each, present)));
  choice.hidden = !all.length;
  buttons.rename.disabled = buttons.remove.disabled = !present?.here;
  const elsewhere = present && !present.here ? `Of ${plain(present.corpus)}: it can be read here, and changed where that is served.` : null;
  about.textContent = [present?.topic ? `Topic ${present.topic}.` : null, present?.note, elsewhere].filter(Boolean).join(" ");
  about.hidden = !about.textContent;
}
