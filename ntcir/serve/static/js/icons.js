// Symbols of icons.svg, and buttons that have one.
import { base, element } from "./core.js";

const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("class", "icon");
  drawn.setAttribute("aria-hidden", "true");
  drawn.setAttribute("focusable", "false");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${base}static/icons.svg#${name}`);
  drawn.append(use);
  return drawn;
}

// A button with an icon whose text is shown.
export function button(name, text, onclick, attributes = {}) {
  return element("button", { type: "button", class: "button", onclick, ...attributes }, icon(name), text);
}

// A button of which only the icon is seen; its text is a hint and what a screen reader says.
export function iconButton(name, text, onclick, { class: more = "", ...attributes } = {}) {
  const named = { type: "button", class: `icon-button ${more}`.trim(), title: text, "aria-label": text };
  return element("button", { ...named, onclick, ...attributes }, icon(name));
}
