// The stage: it puts a picture on the page with its camera, controls and lines, and walks through the steps.

import { make } from "./text.js";
import { followGround, stillOf } from "./ground.js";
import { Camera, LEGIBLE } from "./camera.js";
import { Cards } from "./cards.js";
import { beats } from "./motion.js";
import { linesOf, spoken } from "./lines.js";
import { attachQuiz } from "./quiz.js";
import { attachNumbers } from "./numbers.js";
import { attachPaths } from "./paths.js";

const PAUSE = 2100; // milliseconds between two steps while it plays
const NARROW = 620; // pixels below which the picture runs from top to bottom
const READABLE = 0.55; // the least scale at which cards can be read
const DOCKED = 4; // copies at the edge at most
const FOLDED = 60; // cards of a picture whose groups are folded at first
const PHASES = { forward: "forward: computing values", seed: "backward: start", backward: "backward: propagating gradients" };
const HELP = "Arrow keys step, Home and End jump, Space plays; plus and minus zoom, 0 shows all, Shift with arrow keys moves the picture.";

class Stage {
  constructor(place, drawing, data, extensions) {
    for (const step of data.steps) if (step.phase === "forward") step.parts = [];
    this.data = data;
    this.calls = {};
    this.step = -1;
    this.side = make("div", { class: "side" });
    this.hidden = (_at) => false; // whether a step is not shown before it is guessed
    this.ask = null;
    this.verdict = "";
    this.docked = [];
    const asks = matchMedia("(prefers-reduced-motion: reduce)");
    this.still = () => asks.matches;
    this.root = place.attachShadow({ mode: "open" });
    this.root.append(make("style", {}, data.style));
    this.last = data.steps.length - 1;
    this.seed = data.steps.findIndex((step) => step.phase === "seed");
    this.numbers = {
      values: Object.fromEntries(data.cards.filter((card) => card.value !== undefined).map((card) => [card.id, card.value])),
      partials: Object.fromEntries(data.wires.filter((wire) => wire.partial !== undefined).map((wire) => [wire.id, wire.partial])),
      steps: data.steps.map((step) => ({ grad: step.grad, parts: step.parts })),
    };
    const steps = this.last >= 0 ? "Backward pass, step by step. " + HELP : "Picture. Plus and minus zoom, 0 shows all, Shift with arrow keys moves the picture.";
    this.element = make("div", { class: "stage", role: "group", tabindex: "0", "aria-label": steps });
    this.svg = drawing;
    this.svg.removeAttribute("width");
    this.svg.removeAttribute("height");
    this.svg.removeAttribute("viewBox");
    this.svg.setAttribute("class", "view");
    this.svg.setAttribute("role", "group"); // what is in it can be reached
    this.picture = make("div", { class: "picture" }, this.svg);
    this.cards = new Cards(this.svg, data);
    this.camera = new Camera(this.svg, this.cards.world, this.still);
    this.controls();
    this.talk();
    this.element.append(this.picture, this.bar, this.live, this.side);
    this.root.append(this.element);
    this.listen();
    followGround(place, (dark) => this.element.classList.toggle("dark", dark));
    this.resize(true);
    for (const attach of extensions) attach(this);
    if (this.last >= 0) this.show(data.start, { at_once: true });
    new ResizeObserver(() => this.resize(false)).observe(this.picture);
  }

  get reduced() { return this.still(); }
  on(name, act) { (this.calls[name] ??= []).push(act); }
  call(name, ...more) { return (this.calls[name] || []).map((act) => act(this, ...more)).some((taken) => taken === true); }
  place(id) { return this.cards.cards.get(id).box; }
  card(id) { return this.cards.cards.get(id).group; }
  wire(id) { return this.cards.wires.get(id).group; }
  highlight(chosen) { this.cards.highlight(chosen); }

  controls() {
    const button = (name, act, label) => {
      const made = make("button", { type: "button", ...(label ? { "aria-label": label, title: label } : {}) }, name);
      made.addEventListener("click", act);
      return made;
    };
    this.zooms = make("div", { class: "zooms" }, button("+", () => this.camera.zoom(1.3), "Zoom in"),
      button("−", () => this.camera.zoom(1 / 1.3), "Zoom out"), button("Fit", () => this.camera.fit(), "Show all"));
    this.picture.append(this.zooms);
    this.bar = make("div", { class: "bar" });
    this.tools = make("div", { class: "tools" });
    if (this.last < 0) {
      this.bar.append(this.tools);
      return;
    }
    this.buttons = {
      first: button("First", () => this.show(0)), back: button("Back", () => this.show(this.step - 1)), play: button("Play", () => this.toggle()),
      next: button("Next", () => this.show(this.step + 1)), end: button("Last", () => this.show(this.last)),
    };
    this.bar.append(...Object.values(this.buttons));
    if (this.seed > 0) this.tools.append(button("Backward pass", () => this.show(this.seed)));
    const { breaks } = this.data;
    if (breaks.length) this.tools.append(button("Next break", () => this.show(breaks.find((at) => at > this.step) ?? breaks[0])));
    this.slider = make("input", { type: "range", min: "0", max: String(this.last), step: "1", "aria-label": "Step" });
    this.slider.addEventListener("input", () => this.show(Number(this.slider.value)));
    this.bar.append(this.slider, this.tools);
  }

  talk() {
    this.status = make("div", { class: "status" });
    this.lines = make("div", { class: "lines" });
    this.spoken = make("div", { class: "spoken", "aria-live": "polite" });
    this.code = make("div", { class: "code" });
    this.live = make("div", { class: "talk" }, ...(this.last < 0 ? [] : [this.status, this.lines, this.code]), this.spoken);
    const notes = this.data.notes.map(([ids, text]) => {
      const made = make("button", { type: "button", class: "note" }, text);
      made.disabled = ids.length === 0;
      made.addEventListener("click", () => this.point(ids));
      for (const id of ids) this.card(id).classList.add("noted");
      return made;
    });
    if (notes.length) this.side.append(make("div", { class: "notes" }, make("b", {}, "Found"), ...notes));
  }

  say(text) { this.spoken.textContent = text; }

  // Bring cards into view and mark them.
  point(ids) {
    this.reveal(ids);
    this.camera.frame(ids.map((id) => this.place(id)));
    this.cards.light(...ids);
  }

  // Unfold the groups that some cards are in.
  reveal(ids) {
    for (const frame of this.cards.frames) if (frame.folded && frame.cards.some((id) => ids.includes(id))) this.cards.fold(frame, false);
  }

  // Show a step. With `beats`, or one step forward, the numbers move along the wires.
  show(wanted, { at_once = false, beats: moving = wanted === this.step + 1 } = {}) {
    const before = this.step;
    this.step = Math.max(0, Math.min(this.last, wanted));
    this.stopBeats?.();
    const event = this.data.steps[this.step], asking = this.hidden(this.step);
    if (before !== this.step && !asking) this.verdict = moving ? this.verdict : "";
    this.reveal([event.card, ...this.cards.acting(this.step).map((wire) => this.cards.wires.get(wire).from)]);
    if (asking) this.cards.asked(this.step, this.numbers);
    else this.cards.show(this.step, this.numbers);
    this.status.textContent = `Step ${this.step + 1} of ${this.last + 1} – ${PHASES[event.phase]}` + (this.data.breaks.includes(this.step) ? " – break" : "");
    this.tell(asking);
    this.slider.value = String(this.step);
    this.slider.setAttribute("aria-valuetext", this.status.textContent);
    const { first, back, next, end } = this.buttons;
    first.disabled = back.disabled = this.step === 0;
    next.disabled = end.disabled = this.step === this.last;
    if (this.step === this.last || this.data.breaks.includes(this.step) || asking) this.stop();
    this.look(at_once);
    if (moving && !asking && !at_once && event.phase === "backward" && !this.still()) this.stopBeats = beats(this.cards, this.step, this.numbers);
    this.call("show");
  }

  tell(asking = this.hidden(this.step)) {
    const blocks = asking ? [this.ask(this.step)] : linesOf(this);
    const verdict = this.verdict && !asking ? [make("p", { class: "verdict" }, this.verdict)] : [];
    this.lines.replaceChildren(...verdict, ...blocks.map((block) => make("div", { class: "block" }, ...block)));
    this.say(asking ? this.status.textContent : `${this.status.textContent}. ${this.verdict} ${spoken(this)}`);
    this.showCode();
    const typed = this.lines.querySelector("form input");
    if (typed && this.element.matches(":focus-within") && matchMedia("(pointer: fine)").matches) typed.focus({ preventScroll: true });
    if (!asking) this.verdict = "";
  }

  showCode() {
    const { code } = this.data, card = this.cards.cards.get(this.data.steps[this.step].card);
    if (!code.length) return;
    if (!this.code.childElementCount) {
      this.code.append(...code.map((line) => make("div", { title: line.file }, make("span", { class: "where" }, `${line.file}:${line.line}`), make("code", {}, line.text))));
    }
    [...this.code.children].forEach((line, at) => line.classList.toggle("current", at === card.code));
    const current = this.code.querySelector(".current");
    if (current) this.code.scrollTop = current.offsetTop - this.code.clientHeight / 2;
  }

  // Show other numbers at the current step; nothing is laid out again.
  renumber(numbers) {
    this.stopBeats?.();
    this.numbers = numbers;
    if (this.last < 0) return;
    if (this.hidden(this.step)) this.cards.asked(this.step, numbers);
    else this.cards.show(this.step, numbers);
    this.dock(this.docked);
    this.tell();
    this.call("renumber");
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.buttons.play.textContent = "Play";
  }

  toggle() {
    if (this.timer) return this.stop();
    this.show(this.step === this.last ? 0 : this.step + 1);
    if (this.step === this.last || this.hidden(this.step)) return;
    this.buttons.play.textContent = "Pause";
    this.timer = setInterval(() => { if (this.element.isConnected) this.show(this.step + 1); else this.stop(); }, PAUSE);
  }

  select(id) {
    if (this.call("select", id) || this.last < 0) return;
    const forward = this.seed > 0 && this.step < this.seed, { steps } = this.data;
    let found = steps.findIndex((step) => step.card === id && step.phase === (forward ? "forward" : "backward"));
    if (found < 0 && this.cards.last.has(id)) found = this.cards.last.get(id);
    if (found >= 0) this.show(found);
  }

  resize(first) {
    const width = this.picture.clientWidth, layout = width < NARROW && this.data.layouts.tall ? "tall" : "wide";
    if (!first && this.seenWidth === width && this.seenHeight === this.picture.clientHeight) return;
    this.seenWidth = width;
    const changed = this.layout !== layout;
    this.layout = layout;
    if (changed && !first) for (const frame of this.cards.frames) this.cards.fold(frame, false);
    if (changed) this.cards.arrange(layout);
    this.camera.size = this.data.layouts[layout].size;
    const fits = (width - 36) / this.camera.size[0];
    const whole = this.camera.size[1] * (fits > LEGIBLE ? Math.min(1.15, fits) : 1) + 80;
    this.picture.style.height = `${Math.max(220, Math.min(innerHeight * (width < NARROW ? 0.5 : 0.64), width < NARROW ? this.camera.size[1] + 80 : Math.max(whole, 320)))}px`;
    this.seenHeight = this.picture.clientHeight;
    if (first) {
      const map = this.camera.addMap(this.cards.boxes());
      if (map) this.picture.append(map);
      if (this.last < 0 && this.data.cards.length > FOLDED) for (const frame of this.cards.frames) this.cards.fold(frame, true);
    } else if (changed && this.camera.redraw) this.camera.redraw(this.cards.boxes());
    if (this.last < 0 || this.step < 0) this.camera.fit(true);
    else {
      if (changed && !this.hidden(this.step)) this.cards.show(this.step, this.numbers);
      this.look(true);
    }
  }

  // Frame what the step is about. What is too far away to be read then stands at the edge, as a copy.
  look(at_once) {
    const scene = this.cards.scene(this.step), [own, ...others] = [...scene];
    let near = scene;
    if (this.camera.scaleOf([...scene.values()]) < READABLE) {
      near = new Map([own]);
      for (const [id, box] of others) if (this.camera.scaleOf([...near.values(), box]) >= READABLE) near.set(id, box);
    }
    const far = others.filter(([id]) => !near.has(id));
    this.camera.head = Math.max(0, ...far.map(([, box]) => box[3] * 0.8));
    this.camera.frame([...near.values()], at_once);
    this.dock(far.map(([id]) => id));
  }

  // Show copies of cards at the upper edge.
  dock(ids) {
    this.docks?.remove();
    this.docked = ids.slice(0, DOCKED);
    if (!this.docked.length) return;
    this.docks = make("svg:g", { class: "docks", "aria-hidden": "true" });
    const k = this.layout === "tall" ? 0.7 : 0.8;
    let x = 8, y = 8, tallest = 0;
    for (const id of this.docked) {
      const [left, top, w, h] = this.place(id), copy = this.card(id).cloneNode(true);
      if (x + w * k > this.camera.width - 8) [x, y] = [8, y + tallest * k + 8];
      for (const name of ["id", "tabindex", "role", "aria-label"]) copy.removeAttribute(name);
      this.docks.append(make("svg:g", { class: "dock", "data-card": id, transform: `translate(${x} ${y}) scale(${k}) translate(${-left} ${-top})` }, copy));
      x += w * k + 8;
      tallest = Math.max(tallest, h);
    }
    this.svg.append(this.docks);
  }

  listen() {
    const { svg, cards } = this;
    for (const card of cards.cards.values()) {
      const roving = cards.cards.size > 60;
      for (const [name, value] of Object.entries({ tabindex: roving ? "-1" : "0", role: "button", "aria-label": card.tip })) card.group.setAttribute(name, value);
      if (card.id in this.data.inner) card.group.setAttribute("aria-expanded", "false");
      card.group.addEventListener("focus", () => { if (card.group.matches(":focus-visible")) { this.point([card.id]); this.lightTerms(card.id); } });
    }
    for (const frame of cards.frames) {
      for (const [name, value] of Object.entries({ class: "frame", tabindex: "0", role: "button", "aria-expanded": "true", "aria-label": frame.name })) frame.element.setAttribute(name, value);
    }
    const steps = (by) => this.last >= 0 && this.show(this.step + by);
    const keys = {
      ArrowRight: () => steps(1), ArrowDown: () => steps(1), PageDown: () => steps(10),
      ArrowLeft: () => steps(-1), ArrowUp: () => steps(-1), PageUp: () => steps(-10),
      Home: () => this.last >= 0 && this.show(0), End: () => this.last >= 0 && this.show(this.last), " ": () => this.last >= 0 && this.toggle(),
      "+": () => this.camera.zoom(1.3), "=": () => this.camera.zoom(1.3), "-": () => this.camera.zoom(1 / 1.3), "0": () => this.camera.fit(),
    };
    const moves = { ArrowRight: [-60, 0], ArrowLeft: [60, 0], ArrowDown: [0, -60], ArrowUp: [0, 60] };
    this.element.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.key === "Tab" || event.key === "Escape") return;
      event.stopPropagation();
      const target = this.root.activeElement;
      const typing = target instanceof HTMLInputElement && target !== this.slider;
      if (typing || (target instanceof HTMLButtonElement && (event.key === " " || event.key === "Enter"))) return;
      if (target instanceof SVGElement && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        this.press(target);
      } else if (event.shiftKey && event.key in moves) {
        event.preventDefault();
        this.camera.pan(...moves[event.key]);
      } else if (event.key in keys) {
        event.preventDefault();
        keys[event.key]();
      }
    });
    svg.addEventListener("click", (event) => {
      if (this.camera.dragged) return;
      const element = event.target.closest("g[id^=n], g.frame");
      if (element) this.press(element);
    });
    svg.addEventListener("pointerover", (event) => {
      const element = event.target.closest("g[id^=n], g[id^=e], g[id^=me]");
      this.lightTerms(element?.id.replace(/^m/, "") ?? "");
    });
    this.lines.addEventListener("pointerover", (event) => {
      const term = event.target.closest("[data-card], [data-wire]");
      cards.light(term?.getAttribute("data-card"), term?.getAttribute("data-wire"));
    });
    this.lines.addEventListener("pointerleave", () => cards.light());
  }

  press(element) {
    const frame = this.cards.frames.find((group) => group.element === element);
    if (!frame && element.id in this.data.inner) return this.unfold(element.id);
    if (!frame) return this.select(element.id);
    this.cards.fold(frame, !frame.folded);
    if (!frame.folded) this.camera.frame([frame.box]);
  }

  // Show in the card of a group, in small, the values that it stands for, and go there; or put its numbers back.
  unfold(id) {
    const card = this.cards.cards.get(id), [x, y, w, h] = card.box, inner = this.data.inner[id];
    const open = card.group.classList.toggle("open");
    card.group.setAttribute("aria-expanded", String(open));
    if (!open) {
      card.inner.remove();
      this.camera.frame([card.box]);
      return;
    }
    const scale = Math.min((w - 10) / inner.size[0], (h - 16) / inner.size[1]);
    const left = x + (w - inner.size[0] * scale) / 2, top = y + 8 + (h - 8 - inner.size[1] * scale) / 2;
    card.inner = make("svg:g", { class: "inner", transform: `translate(${left} ${top}) scale(${scale})` });
    const parsed = new DOMParser().parseFromString(inner.svg, "image/svg+xml").documentElement;
    card.inner.append(...[...parsed.children].filter((child) => child.tagName === "g").map((child) => document.importNode(child, true)));
    for (const part of card.inner.querySelectorAll("[id]")) part.removeAttribute("id");
    this.cards.world.append(card.inner);
    const [wide, tall] = [inner.size[0] * scale, inner.size[1] * scale];
    this.camera.centre(left, top - 3, wide, tall + 3, Math.min(this.camera.scale(wide, tall + 4), 1.2 / scale));
  }

  // Light up the terms of the lines that are about a card or wire.
  lightTerms(id) {
    this.cards.light(id);
    for (const term of this.lines.querySelectorAll("[data-card], [data-wire]")) {
      term.classList.toggle("lit", Boolean(id) && [term.getAttribute("data-card"), term.getAttribute("data-wire")].includes(id));
    }
  }
}

// Put a stage in the place of the still picture of a piece of HTML.
export function upgrade(root, data) {
  const found = stillOf(root);
  if (found) new Stage(found.place, found.still, data, [attachQuiz, attachNumbers, attachPaths]);
}
