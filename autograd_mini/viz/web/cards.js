// The cards, wires and chips of the picture, and what they show at a step.

import { figure } from "./arithmetic.js";
import { gradientText, make, tone } from "./text.js";

const THIN = 1.4, THICK = 4.4; // points that a wire is wide at least and at most
const ADVANCE = 8; // points that a character is wide at most, about

// Return the corners of an arrowhead at the end, or backwards at the start, of a path.
function arrowhead(path, backwards, size) {
  const numbers = path.match(/-?[\d.]+/g).map(Number), last = numbers.length;
  let [x, y, fromX, fromY] = [numbers[last - 2], numbers[last - 1], numbers[last - 4], numbers[last - 3]];
  if (backwards) {
    let next = 2;
    while (next < last - 2 && Math.hypot(numbers[next] - numbers[0], numbers[next + 1] - numbers[1]) < 0.5) next += 2;
    [x, y, fromX, fromY] = [numbers[0], numbers[1], numbers[next], numbers[next + 1]];
  }
  const length = Math.hypot(x - fromX, y - fromY) || 1, dx = (x - fromX) / length, dy = (y - fromY) / length;
  const back = 7 + size, side = 2.6 + size * 0.7;
  const corner = (sign) => `${(x - back * dx - sign * side * dy).toFixed(1)},${(y - back * dy + sign * side * dx).toFixed(1)}`;
  return `${x},${y} ${corner(1)} ${corner(-1)}`;
}

// Write a text; one that is longer than its room is set narrower.
function write(element, text, room) {
  if (!element || element.textContent === text) return;
  element.textContent = text;
  element.removeAttribute("textLength");
  if (text.length * ADVANCE <= room || element.getComputedTextLength() <= room) return;
  element.setAttribute("textLength", room);
  element.setAttribute("lengthAdjust", "spacingAndGlyphs");
}

// Return the classes of an element that do not depend on the step.
const kept = (element) => ["inside", "chosen", "lit"].filter((name) => element.classList.contains(name)).join(" ");

export class Cards {
  constructor(svg, data) {
    this.data = data;
    this.world = make("svg:g", { class: "world" });
    this.world.append(...svg.querySelectorAll(":scope > g"));
    svg.append(this.world);
    const part = (id) => this.world.querySelector("#" + id);
    this.cards = new Map(data.cards.map((card) => {
      const group = part(card.id);
      group.append(make("svg:title", {}, card.tip));
      const bar = group.querySelector(".b"), slots = [];
      for (const ground of group.querySelectorAll(".u")) slots.push({ group: ground.parentNode, text: ground.parentNode.querySelector(".j") });
      for (const slot of slots) slot.group.classList.add("slot");
      const width = group.querySelector("rect").width.baseVal.value;
      const found = { ...card, group, slots, width, bar, uses: [], full: width - 20 };
      found.grad = group.querySelector(".g");
      found.number = card.kind === "constant" ? group.querySelector(".c") : group.querySelector(".v");
      return [card.id, found];
    }));
    this.wires = new Map(data.wires.map((wire) => {
      const group = part(wire.id), chip = part("m" + wire.id);
      const texts = chip ? [...chip.querySelectorAll("text")] : [];
      const arrow = make("svg:polygon", { class: "a" }), hit = make("svg:path", { class: "hit" });
      group.append(arrow, hit, make("svg:title", {}, wire.tip));
      if (chip) chip.append(make("svg:title", {}, wire.tip));
      return [wire.id, { ...wire, group, line: group.querySelector(".w"), hit, arrow, chip, texts }];
    }));
    this.frames = data.groups.map((group) => ({ ...group, element: part(group.id), folded: false })).filter((frame) => frame.element);
    for (const step of data.steps) for (const [wire] of step.parts || []) this.cards.get(this.wires.get(wire).from).uses.push(wire);
    this.last = new Map(); // the step after which nothing more arrives at a card
    this.computed = new Map(); // the step at which a card is computed
    data.steps.forEach((step, at) => {
      for (const [wire] of step.parts || []) this.last.set(this.wires.get(wire).from, at);
      if (step.phase === "forward") this.computed.set(step.card, at);
    });
    this.arrange("wide");
  }

  // Put everything where a layout has it.
  arrange(name) {
    const wide = this.data.layouts.wide, layout = this.data.layouts[name];
    this.layout = layout;
    const moved = (element, to, from) => element && to && element.setAttribute("transform", `translate(${to[0] - from[0]} ${to[1] - from[1]})`);
    for (const card of this.cards.values()) {
      card.box = layout.boxes[card.id];
      moved(card.group, card.box, wide.boxes[card.id]);
    }
    for (const wire of this.wires.values()) {
      wire.curve = layout.curves[wire.id];
      for (const line of [wire.line, wire.hit]) line.setAttribute("d", wire.curve);
      wire.arrow.setAttribute("points", arrowhead(wire.curve, false, 1));
      wire.place = layout.chips[wire.id];
      moved(wire.chip, wire.place, wide.chips[wire.id] || [0, 0]);
    }
    for (const frame of this.frames) {
      frame.box = layout.frames[frame.id];
      const [x, y, w, h] = frame.box;
      const rect = frame.element.querySelector("rect"), text = frame.element.querySelector("text");
      for (const [key, value] of Object.entries({ x, y, width: w, height: h })) rect.setAttribute(key, value);
      text.setAttribute("x", x + 9);
      text.setAttribute("y", y + 15);
    }
    this.world.querySelectorAll(".label").forEach((label) => label.remove());
  }

  boxes() { return [...this.cards.values()].map((card) => card.box); }

  // Show the numbers of a step; return the wires that act in it.
  show(at, numbers) {
    const shares = new Map(), grads = new Map(), event = this.data.steps[at];
    let largest = 0;
    for (const card of this.cards.values()) if (card.before !== undefined) grads.set(card.id, card.before);
    numbers.steps.forEach((step, index) => {
      if (this.data.steps[index].phase === "forward") return;
      if (this.data.steps[index].phase === "seed" && index <= at) grads.set(this.data.steps[index].card, step.grad);
      for (const [wire, , share, , after] of [...step.parts || [], [null, 0, step.grad, 0, step.grad]]) {
        for (const x of [share, after]) if (Number.isFinite(x)) largest = Math.max(largest, Math.abs(x));
        if (wire === null || index > at) continue;
        shares.set(wire, share);
        grads.set(this.wires.get(wire).from, after);
      }
    });
    const strength = (x) => largest > 0 && Number.isFinite(x) ? Math.sqrt(Math.abs(x) / largest) : 0;
    const acting = new Set(this.acting(at)), takes = new Set([...acting].map((wire) => this.wires.get(wire).from));
    for (const card of this.cards.values()) {
      if (card.kind === "group") continue;
      const grad = grads.get(card.id), list = card.group.classList, value = numbers.values[card.id];
      list.toggle("p", grad > 0);
      list.toggle("n", grad < 0);
      list.toggle("complete", this.last.get(card.id) <= at);
      list.toggle("now", card.id === event.card);
      list.toggle("takes", event.phase === "backward" && takes.has(card.id));
      list.toggle("later", this.computed.get(card.id) > at);
      write(card.grad, gradientText(grad), card.width - 54);
      if (value !== undefined && card.number) write(card.number, figure(value) + (Number.isFinite(value) || card.kind === "constant" ? "" : " !"), card.width - 54);
      if (card.bar) card.bar.setAttribute("width", (strength(grad) * card.full).toFixed(1));
      this.showSlots(card, shares);
      const waits = card.uses.filter((wire) => !shares.has(wire)).length;
      const known = grad === undefined ? "no gradient yet" : "gradient " + gradientText(grad);
      const open = waits && card.uses.length > 1 && grad !== undefined ? `, ${waits} of ${card.uses.length} parts still to come` : "";
      card.group.setAttribute("aria-label", `${card.name}${card.kind === "operation" ? "" : ", " + card.kind}, value ${figure(value)}, ${known}${open}`);
    }
    for (const wire of this.wires.values()) {
      const share = shares.get(wire.id), gone = share !== undefined, size = gone ? strength(share) : 0;
      wire.group.setAttribute("class", [kept(wire.group), wire.partial === undefined ? "x" : "", acting.has(wire.id) ? "active" : gone ? "done" : "", event.phase === "forward" ? "ahead" : "", gone ? tone(share) || "zero" : ""].filter(Boolean).join(" "));
      wire.line.style.strokeWidth = gone ? (THIN + (THICK - THIN) * size).toFixed(2) : "";
      wire.arrow.setAttribute("points", arrowhead(wire.curve, gone, gone ? 1 + 3 * size : 1));
      if (!wire.chip) continue;
      wire.chip.setAttribute("class", kept(wire.chip) + " chip " + (gone ? acting.has(wire.id) ? "active" : "done" : "off"));
      if (!gone || wire.texts.length < 2) continue;
      const room = wire.chip.querySelector("rect").width.baseVal.value - 8;
      write(wire.texts[0], "× " + figure(numbers.partials[wire.id]), room);
      write(wire.texts[1], figure(share, true), room);
      wire.texts[1].setAttribute("class", "share l" + tone(share));
    }
    this.showLabels(acting, shares);
  }

  // Show what is there before a step, and what the step is about.
  asked(at, numbers) {
    this.show(at - 1, numbers);
    const { card } = this.data.steps[at], receivers = new Set(this.acting(at).map((wire) => this.wires.get(wire).from));
    for (const { id, group } of this.cards.values()) {
      group.classList.toggle("now", id === card);
      group.classList.toggle("takes", receivers.has(id));
    }
  }

  showSlots(card, shares) {
    const parts = card.before === undefined ? [...card.uses] : ["before", ...card.uses];
    const there = (part) => part === "before" || shares.has(part);
    if (card.slots.length === 1 && parts.length > 1) {
      const count = parts.filter(there).length;
      card.slots[0].group.classList.toggle("filled", count === parts.length);
      write(card.slots[0].text, `${count} there`, 60);
      return;
    }
    card.slots.forEach((slot, at) => {
      const part = parts[at], share = part === "before" ? card.before : shares.get(part);
      slot.group.setAttribute("class", ["slot", there(part) ? "filled" : "", share === undefined ? "" : tone(share)].join(" "));
      write(slot.text, share === undefined ? "" : gradientText(share), 60);
    });
  }

  // Where a wire has no place of its own for its chip, write what goes back along it while it acts.
  showLabels(acting, shares) {
    this.world.querySelectorAll(".label").forEach((label) => label.remove());
    for (const id of acting) {
      const wire = this.wires.get(id);
      if (wire.chip || !shares.has(id)) continue;
      const text = figure(shares.get(id), true), middle = wire.line.getPointAtLength(wire.line.getTotalLength() / 2);
      const wide = 7.2 * text.length + 10;
      this.world.append(make("svg:g", { class: "label " + tone(shares.get(id)) },
        make("svg:rect", { x: middle.x - wide / 2, y: middle.y - 9, width: wide, height: 18, rx: 5 }),
        make("svg:text", { x: middle.x, y: middle.y + 4.3 }, text)));
    }
  }

  // Return the wires along which a step goes.
  acting(at) {
    const step = this.data.steps[at];
    if (!step || step.phase === "seed") return [];
    if (step.phase === "backward") return step.parts.map(([wire]) => wire);
    return this.data.wires.filter((wire) => wire.to === step.card).map((wire) => wire.id);
  }

  // Return the boxes of what a step is about, by card: its own first, then all that receive or that it is computed from.
  scene(at) {
    const ids = new Set([this.data.steps[at].card, ...this.acting(at).map((wire) => this.wires.get(wire).from)]);
    return new Map([...ids].map((id) => [id, this.cards.get(id).box]));
  }

  // Fade everything but some cards and wires; null ends it.
  highlight(chosen) {
    this.world.classList.toggle("faded", chosen !== null);
    const cards = new Set(chosen?.cards), wires = new Set(chosen?.wires);
    for (const card of this.cards.values()) card.group.classList.toggle("chosen", cards.has(card.id));
    for (const wire of this.wires.values()) for (const element of [wire.group, wire.chip]) element?.classList.toggle("chosen", wires.has(wire.id));
  }

  // Mark cards and wires that the pointer is at elsewhere; without any, what was marked no longer is.
  light(...ids) {
    for (const lit of this.world.querySelectorAll(".lit")) lit.classList.remove("lit");
    for (const id of ids) {
      const found = this.cards.get(id) ?? this.wires.get(id);
      found?.group.classList.add("lit");
      found?.chip?.classList.add("lit");
    }
  }

  // Fold a group: its frame becomes one card, in place, that hides what is in it; or unfold it again.
  fold(frame, folded) {
    if (frame.folded === folded) return;
    frame.folded = folded;
    const inside = new Set(frame.cards), hidden = (element, on) => element?.classList.toggle("inside", on);
    for (const id of frame.cards) hidden(this.cards.get(id).group, folded);
    for (const wire of this.wires.values()) if (inside.has(wire.from) && inside.has(wire.to)) for (const element of [wire.group, wire.chip]) hidden(element, folded);
    frame.element.classList.toggle("folded", folded);
    frame.element.setAttribute("aria-expanded", String(!folded));
    if (folded) this.world.append(frame.element);
    else this.world.prepend(frame.element);
    const [x, y, w, h] = frame.box, text = frame.element.querySelector("text"), size = folded ? Math.min(w / 9, h / 2.5) : 12;
    text.setAttribute("x", folded ? x + w / 2 : x + 9);
    text.setAttribute("y", folded ? y + h / 2 + size / 3 : y + 15);
    text.style.fontSize = size + "px";
  }
}
