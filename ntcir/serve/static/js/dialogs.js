// Real dialogs: the browser keeps the focus inside, Escape closes them, and the focus goes back.
import { element } from "./core.js";
import { iconButton } from "./icons.js";

const FIELD = ".dialog-body :is(input:checked, input:not([type=radio]), select):enabled";

export function dialog({ id, title, body, actions = [], submit = null }) {
  document.getElementById(id)?.remove();
  const shown = element("dialog", { id, "aria-labelledby": `${id}-title` });
  const close = () => shown.close();
  const form = element(
    "form", { method: "dialog" },
    element("header", {}, element("h2", { id: `${id}-title` }, title), iconButton("close", "Close", close)),
    element("div", { class: "dialog-body" }, body),
    actions.length ? element("footer", {}, actions) : null,
  );
  form.addEventListener("submit", () => submit?.());
  shown.append(form);
  // A click beside the dialog is one on the dialog element itself.
  shown.addEventListener("mousedown", (event) => event.target === shown && close());
  shown.addEventListener("close", () => shown.remove());
  document.body.append(shown);
  shown.showModal();
  // Where something is to be filled in, that is what one has come for.
  if (actions.length) shown.querySelector(FIELD)?.focus();
  return shown;
}

export function dialogOpen() {
  return document.querySelector("dialog[open]") !== null;
}
