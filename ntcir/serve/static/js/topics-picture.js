// A photograph of a topic, large, with a way to search from it.
import { address, element } from "./core.js";

export function bigPicture(link) {
  const { photo, text } = link.dataset;
  const shown = element(
    "dialog", { class: "big-picture", "aria-label": text },
    element("img", { src: link.getAttribute("href"), alt: text }),
    element(
      "p", {}, element("span", { class: "id" }, text),
      element("a", { class: "button", href: address("", { like: photo }) }, "More like this"),
      element("button", { type: "button", class: "button", onclick: () => shown.close() }, "Close"),
    ),
  );
  shown.addEventListener("mousedown", (event) => event.target === shown && shown.close());
  shown.addEventListener("close", () => {
    shown.remove();
    link.focus();
  });
  document.body.append(shown);
  shown.showModal();
}
