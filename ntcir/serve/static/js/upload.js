// A picture of one's own to ask with: from a file, pasted or dropped anywhere on the page.
import { announce, complain, element, post, settle, site } from "./core.js";
import { addPicture } from "./ask.js";
import { icon } from "./icons.js";

const MOST = 20 * 2 ** 20; // bytes; the server has the last word
const can = site.ways.includes("picture");

async function upload(file) {
  settle();
  if (!file.type.startsWith("image/")) {
    complain(new Error(`${file.name || "What was dropped"} is not a picture.`));
    return;
  }
  if (file.size > MOST) {
    complain(new Error(`${file.name || "The picture"} has ${Math.ceil(file.size / 2 ** 20)} MB; at most ${MOST / 2 ** 20} are possible.`));
    return;
  }
  document.body.classList.add("uploading");
  try {
    const { picture } = await post("upload", file);
    announce("The picture is part of the query.");
    addPicture(picture);
  } catch (error) {
    complain(error);
  } finally {
    document.body.classList.remove("uploading");
  }
}

const chooser = element("input", { type: "file", accept: "image/*", id: "picture-file", class: "unseen", tabindex: -1, "aria-label": "A picture to ask with" });
chooser.addEventListener("change", () => {
  if (chooser.files.length) upload(chooser.files[0]);
  chooser.value = ""; // the same file may be chosen again
});

export function choosePicture() {
  chooser.click();
}

function pictureIn(transfer) {
  return [...(transfer?.files ?? [])].find((file) => file.type.startsWith("image/")) ?? transfer?.files?.[0] ?? null;
}

const overlay = element("div", { class: "drop", hidden: true }, element("p", {}, icon("picture"), "Drop the picture to search with it"));

// "dragleave" comes for every element that is crossed; only a drag that stops coming is over.
let over = null;
function hover(event) {
  if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
  event.preventDefault();
  overlay.hidden = false;
  clearTimeout(over);
  over = setTimeout(() => (overlay.hidden = true), 300);
}

function drop(event) {
  const file = pictureIn(event.dataTransfer);
  if (!file) return;
  event.preventDefault();
  overlay.hidden = true;
  upload(file);
}

function paste(event) {
  const file = pictureIn(event.clipboardData);
  if (!file) return; // words are pasted as usual
  event.preventDefault();
  upload(file);
}

if (can) {
  document.body.append(chooser, overlay);
  document.addEventListener("dragover", hover);
  document.addEventListener("drop", drop);
  document.addEventListener("paste", paste);
}
