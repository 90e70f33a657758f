// Before anything is drawn: the theme that a person chose, so that a dark page does not flash in white.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("ntcir-theme");
  } catch {
    // A browser that keeps nothing follows the system.
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
