// What pages are made of: elements, the ground they stand on, and a bar to step and play.

import { figure } from "./arithmetic.js";
import { followGround, stillOf } from "./ground.js";
import { make } from "./text.js";

// Write a text on a pill, whose ground, the element before it, becomes as wide.
export function write(text, content) {
  const ground = text.previousElementSibling, size = Number(text.getAttribute("font-size")), wide = 0.58 * size * content.length + 12;
  text.textContent = content;
  ground.setAttribute("width", wide);
  ground.setAttribute("x", Number(text.getAttribute("x")) - wide / 2);
}

// Put a page in the place of its still picture; null where that was done before. What has to be drawn again where the
// ground changes is told by `redraw`, if it is set on what is returned.
export function open(root, style) {
  const found = stillOf(root);
  if (!found) return null;
  const { place, still } = found, shadow = place.attachShadow({ mode: "open" });
  for (const element of still.querySelectorAll("style")) element.remove();
  const opened = { place, shadow, still, redraw: () => {} };
  followGround(root, (dark) => { place.toggleAttribute("data-dark", dark); opened.redraw(); });
  shadow.append(make("style", {}, style));
  return opened;
}

// Take the legend out of a picture and return it as a line, which is in sight where the picture is wider than its frame.
export function legendOf(still) {
  const text = still.querySelector("text.legend");
  text.previousElementSibling.remove();
  text.remove();
  return make("div", { class: "legend" }, text.textContent);
}

// A bar with buttons and a slider over steps 0 to last; show(step) returns what is said of it.
export function bar(frame, { last, pause, label, show }) {
  let step = 0, timer = null;
  const status = make("div", { class: "status", "aria-live": "polite" });
  const slider = make("input", { type: "range", min: 0, max: last, step: 1, "aria-label": label });
  const buttons = {};
  const go = (wanted) => {
    step = Math.max(0, Math.min(last, wanted));
    status.textContent = show(step);
    slider.value = step;
    slider.setAttribute("aria-valuetext", status.textContent);
    buttons.First.disabled = buttons.Back.disabled = step === 0;
    buttons.Next.disabled = buttons.Last.disabled = step === last;
    if (step === last) stop();
  };
  const stop = () => { clearInterval(timer); timer = null; buttons.Play.textContent = "Play"; };
  const toggle = () => {
    if (timer !== null) { stop(); return; }
    go(step === last ? 0 : step + 1);
    if (step === last) return;
    buttons.Play.textContent = "Pause";
    timer = setInterval(() => (frame.isConnected ? go(step + 1) : stop()), pause);
  };
  const row = make("div", { class: "bar fixed" });
  for (const [name, act] of [["First", () => go(0)], ["Back", () => go(step - 1)], ["Play", toggle], ["Next", () => go(step + 1)], ["Last", () => go(last)]]) {
    buttons[name] = make("button", { type: "button" }, name);
    buttons[name].addEventListener("click", act);
    row.append(buttons[name]);
  }
  slider.addEventListener("input", () => { if (timer !== null) stop(); go(Number(slider.value)); });
  row.append(slider);
  const keys = { ArrowRight: () => go(step + 1), ArrowLeft: () => go(step - 1), PageDown: () => go(step + 10), PageUp: () => go(step - 10), Home: () => go(0), End: () => go(last), " ": toggle };
  const press = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.key === "Tab" || event.key === "Escape") return;
    event.stopPropagation();
    const target = event.composedPath()[0], own = target.tagName === "INPUT" && target !== slider;
    const pressing = (target.tagName === "BUTTON" || target.getAttribute("role") === "button") && [" ", "Enter"].includes(event.key);
    if (own || pressing || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  };
  frame.addEventListener("keydown", press);
  const end = () => { stop(); frame.removeEventListener("keydown", press); };
  return { row, status, go, again: () => go(step), last: () => go(last), end };
}

// A slider with its name and number.
export function knob(name, value, span, act) {
  const reach = Math.max(1, Math.abs(value)) * span, shown = make("output");
  const input = make("input", { type: "range", min: value - reach, max: value + reach, step: reach / 200, "aria-label": name });
  const write = (number) => { input.value = number; shown.textContent = figure(number, false, 3); };
  write(value);
  input.addEventListener("input", () => { shown.textContent = figure(Number(input.value), false, 3); act(Number(input.value)); });
  return { element: make("label", { class: "knob" }, make("span", {}, name), input, shown), write };
}
