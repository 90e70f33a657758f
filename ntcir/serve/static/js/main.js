// The parts of the page; each begins by itself and talks to the others over the events of core.js.
import "./core.js";
