// Colours of the page for what is drawn on a canvas, which knows no style sheet: asked anew when the theme changes.
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export const still = matchMedia("(prefers-reduced-motion: reduce)");
