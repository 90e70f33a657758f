// The parts of the page; each begins by itself and talks to the others over the events of core.js.
import "./core.js";
import "./theme.js";
import "./layout.js";
import "./query.js";
import "./upload.js";
import "./filters.js";
import "./marks.js";
import "./results.js";
import "./grid.js";
import "./event.js";
import "./item.js";
import "./map.js";
import "./day.js";
import "./collections.js";
import "./help.js";
import "./keyboard.js";
import { emit } from "./core.js";

// Everybody listens now: what the address asks for is asked.
emit("state", { changed: false });
