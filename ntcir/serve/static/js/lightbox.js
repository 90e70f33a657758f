// A photograph over the whole window, with its neighbours in the results.
import { $, address, element, site } from "./core.js";
import { step } from "./item.js";
import { hitOf } from "./grid.js";
import { iconButton } from "./icons.js";
import { moment } from "./texts.js";
import { labelsOf } from "./tile.js";

export function openLightbox(id) {
  const picture = element("img", { alt: `${site.noun} ${id}` });
  const caption = element("p");
  const link = element("a", { target: "_blank", rel: "noopener" }, "Open in a tab");
  const shown = element(
    "dialog", { class: "lightbox", "aria-label": "Photograph in full" },
    picture,
    element("footer", {}, iconButton("left", "Previous", () => go(-1)), caption, link, iconButton("next", "Next", () => go(1)), iconButton("close", "Close", () => shown.close())),
  );
  function fill(wanted) {
    picture.src = link.href = address("picture", { id: wanted });
    const hit = hitOf(wanted);
    caption.textContent = [hit && moment(hit), hit && labelsOf(hit), wanted].filter(Boolean).join("  ·  ");
  }
  async function go(by) {
    const hit = await step(by);
    if (hit) fill(hit.id);
  }
  shown.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    go(by);
  });
  shown.addEventListener("click", (event) => (event.target === shown || event.target === picture) && shown.close());
  shown.addEventListener("close", () => {
    shown.remove();
    $("#item-panel .item-picture")?.focus(); // another one, if one has gone on meanwhile
  });
  fill(id);
  document.body.append(shown);
  shown.showModal();
}
