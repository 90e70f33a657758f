// Days, hours of the day, days of the week.
import { element, state } from "./core.js";
import { count, longDay, many, shortDay } from "./texts.js";

const MOST_BARS = 48;
const PRESETS = [["Night", "22-5"], ["Morning", "5-12"], ["Afternoon", "12-17"], ["Evening", "17-22"]];
const WEEKDAYS = [["mon", "Monday"], ["tue", "Tuesday"], ["wed", "Wednesday"], ["thu", "Thursday"], ["fri", "Friday"], ["sat", "Saturday"], ["sun", "Sunday"]];

function group(title, ...content) {
  return element("fieldset", { class: "filter" }, element("legend", {}, title), content);
}

// Neighbouring days share a bar where there are many.
function bins(days) {
  const size = Math.ceil(days.length / MOST_BARS);
  const found = [];
  for (let start = 0; start < days.length; start += size) {
    const held = days.slice(start, start + size);
    found.push({ from: held[0].day, to: held.at(-1).day, count: held.reduce((sum, each) => sum + each.count, 0) });
  }
  return found;
}

export function dateFilter(days) {
  const [least, most] = [days[0]?.day, days.at(-1)?.day];
  const input = (key, label) =>
    element("input", { type: "date", id: `filter-${key}`, min: least, max: most, "aria-label": label, onchange: (event) => state.set({ [key]: event.target.value || null }) });
  const [from, to] = [input("from", "From day"), input("to", "To day")];
  const all = bins(days);
  const top = Math.max(...all.map((bin) => bin.count), 1);
  const bars = all.map((bin) => {
    const span = bin.from === bin.to ? shortDay(bin.from) : `${shortDay(bin.from)} – ${shortDay(bin.to)}`;
    // The two fields say the same to whoever does not see the bars.
    const bar = element("button", { type: "button", tabindex: -1, title: `${span}: ${count(bin.count)}`, onclick: () => pick(bin) }, element("i"));
    bar.firstChild.style.height = `${Math.max(8, (bin.count / top) * 100)}%`;
    return bar;
  });
  const pick = (bin) => {
    const same = state.get("from") === bin.from && state.get("to") === bin.to;
    state.set({ from: same ? null : bin.from, to: same ? null : bin.to });
  };
  const node = group(
    "Dates",
    days.length > 1 ? element("div", { class: "bars", "aria-hidden": "true" }, bars) : null,
    element("div", { class: "pair" }, from, element("span", {}, "–"), to),
    element("small", {}, least === most ? `1 day, ${least ? longDay(least) : ""}` : `${many(days.length, "day")}, ${shortDay(least)} – ${longDay(most)}`),
  );
  return {
    node,
    show() {
      [from.value, to.value] = [state.get("from") ?? "", state.get("to") ?? ""];
      bars.forEach((bar, index) => {
        const bin = all[index];
        bar.classList.toggle("out", (from.value !== "" && bin.to < from.value) || (to.value !== "" && bin.from > to.value));
      });
    },
  };
}

export function hoursFilter() {
  const input = (label) =>
    element("input", { type: "number", min: 0, max: 24, step: "any", inputmode: "decimal", placeholder: label === "From hour" ? "0" : "24", "aria-label": label, onchange: change });
  const [from, to] = [input("From hour"), input("To hour")];
  function change() {
    const none = from.value === "" && to.value === "";
    state.set({ hours: none ? null : `${from.value || 0}-${to.value || 24}` });
  }
  const presets = PRESETS.map(([name, hours]) =>
    element("button", { type: "button", class: "toggle", "aria-pressed": "false", title: hours.replace("-", " to ").concat(" o’clock"), onclick: () => state.set({ hours: state.get("hours") === hours ? null : hours }) }, name),
  );
  const cells = Array.from({ length: 24 }, () => element("i"));
  const node = group(
    "Hours",
    element("div", { class: "toggles four" }, presets),
    element("div", { class: "hours", "aria-hidden": "true" }, cells),
    element("div", { class: "pair" }, from, element("span", {}, "–"), to),
  );
  return {
    node,
    show() {
      const hours = state.get("hours") ?? "";
      const [first, last] = hours.split("-");
      [from.value, to.value] = hours ? [first, last] : ["", ""];
      presets.forEach((preset, index) => preset.setAttribute("aria-pressed", String(PRESETS[index][1] === hours)));
      const [start, end] = [Number(first), Number(last)];
      const within = (hour) => (start <= end ? hour >= Math.floor(start) && hour < end : hour >= Math.floor(start) || hour < end);
      cells.forEach((cell, hour) => cell.classList.toggle("on", hours !== "" && within(hour)));
    },
  };
}

export function weekdayFilter() {
  const toggle = (day) => {
    const chosen = state.all("weekday");
    state.set({ weekday: chosen.includes(day) ? chosen.filter((each) => each !== day) : [...chosen, day] });
  };
  const buttons = WEEKDAYS.map(([day, name]) =>
    element("button", { type: "button", class: "toggle", "aria-pressed": "false", title: name, "aria-label": name, onclick: () => toggle(day) }, name.slice(0, 2)),
  );
  return {
    node: group("Weekdays", element("div", { class: "toggles seven" }, buttons)),
    show() {
      const chosen = new Set(state.all("weekday"));
      buttons.forEach((each, index) => each.setAttribute("aria-pressed", String(chosen.has(WEEKDAYS[index][0]))));
    },
  };
}
