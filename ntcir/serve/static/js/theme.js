// Light or dark: as the system has it, until a person chooses.
import { $, announce, emit } from "./core.js";
import { remember } from "./memory.js";

const dark = matchMedia("(prefers-color-scheme: dark)");

export function theme() {
  return document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
}

$("#theme-button").addEventListener("click", () => {
  const chosen = theme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  remember("theme", chosen);
  announce(`The page is ${chosen}.`);
  emit("theme", { theme: chosen });
});
dark.addEventListener("change", () => emit("theme", { theme: theme() }));
