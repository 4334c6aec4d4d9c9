// Live numbers: leaves that are dragged, everything computed again in the same picture, and the curve of the result.

import { backward, figure, forward, tick } from "./arithmetic.js";
import { said } from "./mathematics.js";
import { make } from "./text.js";

const KNOBS = 8, ACROSS = 320, DOWN = 190, EDGE = 34, LARGE = 120;

// Compute the stage's numbers anew, with other numbers for some leaves (by index in the program).
function recomputed(stage, moved) {
  const { program, order, wires, steps, root } = stage.data, values = forward(rows, program, moved);
  const seed = steps.find((step) => step.phase === "seed")?.grad ?? 1;
  const back = new Map(backward(rows, program, values, order.indexOf(root), seed).steps.map((step) => [order[step[0]], step]));
  const wire = Object.fromEntries(wires.map((one) => [`${one.to} ${one.at ?? 0}`, one]));
  const found = { values: { ...stage.original.values }, partials: { ...stage.original.partials }, formulas: {}, steps: [], switched: false };
  order.forEach((id, at) => { found.values[id] = values[at]; });
  for (const step of steps) {
    if (step.phase !== "backward") { found.steps.push({ grad: step.grad, parts: step.parts }); continue; }
    const [at, grad, parts] = back.get(step.card) ?? [0, 0, []];
    const now = new Map(parts.map(([position, , ...numbers]) => [wire[`${step.card} ${position}`].id, numbers]));
    found.switched ||= now.size !== step.parts.length || step.parts.some(([id]) => !now.has(id));
    found.steps.push({ grad, parts: step.parts.map(([id, , , before]) => [id, ...(now.get(id) ?? [0, 0, before, before])]) });
    for (const [id, numbers] of now) {
      found.partials[id] = numbers[0];
      if (id in formulas) found.formulas[id] = formulas[id](...[...program[at].slice(1), undefined].slice(0, 2).map((part) => (Array.isArray(part) ? Number(part[0]) : values[part])), values[at]);
    }
  }
  return { found, values };
}

export function attachNumbers(stage) {
  const { program, order, cards, root } = stage.data;
  if (!program || !order.includes(root)) return;
  const card = Object.fromEntries(cards.map((one) => [one.id, one])), end = order.indexOf(root);
  const leaves = program.flatMap((node, at) => (Array.isArray(node) ? [] : [at]));
  if (!leaves.length || !Array.isArray(program[end])) return;
  const moved = {}, base = {};
  let open = false, chosen = null, values = null;
  stage.original = stage.numbers;

  const start = (at) => Number(program[at]), number = (at) => moved[at] ?? start(at);
  const reach = (at) => 2 * Math.max(1, Math.abs(Number.isFinite(start(at)) ? start(at) : 1));
  const result = (at, x) => forward(rows, program, { ...moved, [at]: x })[end];
  const slope = (leaf, state) => backward(rows, program, forward(rows, program, state), end).gradients[leaf] ?? 0;

  const toggle = make("button", { type: "button", "aria-pressed": "false" }, "Move leaves");
  const panel = make("div", { class: "live-numbers", hidden: "" }), knobs = make("div", { class: "knobs" }), plot = make("div", { class: "curve-of" });
  const note = make("p", { class: "switched" }), reset = make("button", { type: "button" }, "Reset");
  panel.append(plot, make("div", {}, knobs, make("div", { class: "row" }, reset), note));
  const sliders = new Map();

  function slider(at) {
    const [low, high] = [start(at) - reach(at), start(at) + reach(at)], name = card[order[at]].name;
    const input = make("input", { type: "range", min: low, max: high, step: (high - low) / 400, "aria-label": name }), shown = make("output");
    const row = make("label", { class: "leaf" }, make("span", {}, ...said`${{ name }}`), input, shown);
    input.addEventListener("input", () => move(at, Number(input.value)));
    input.addEventListener("focus", () => choose(at));
    sliders.set(at, { input, shown, row });
    knobs.append(row);
  }

  // The leaf whose curve is drawn; the change is counted from where it was when it was chosen.
  function choose(at) {
    if (chosen === at) return;
    chosen = at;
    Object.assign(base, { x: number(at), y: result(at, number(at)), slope: slope(at, { ...moved }) });
    if (!sliders.has(at)) slider(at);
    draw();
  }

  // A large picture is drawn once a frame, with the latest numbers.
  let waiting = false;
  function move(at, x) {
    choose(at);
    moved[at] = x;
    if (cards.length <= LARGE) { present(at, x); return; }
    if (!waiting) requestAnimationFrame(() => { waiting = false; present(at, number(at)); });
    waiting = true;
  }

  function present(at, x) {
    const again = recomputed(stage, moved);
    values = again.values;
    note.textContent = again.found.switched ? "A choice of the graph went the other way: the wires shown are those of before." : "";
    stage.renumber(again.found);
    draw();
    stage.say(`${card[order[at]].name} is ${figure(x)}, ${card[root].name} is ${figure(values[end])}`);
  }

  function draw() {
    for (const [at, { input, shown, row }] of sliders) {
      if (input !== stage.root.activeElement || Number(input.value) !== number(at)) input.value = number(at);
      shown.textContent = figure(number(at));
      row.classList.toggle("chosen", at === chosen);
    }
    if (chosen === null) return;
    const name = card[order[chosen]].name, of = card[root].name, x = number(chosen), y = values ? values[end] : base.y;
    const low = Math.min(start(chosen) - reach(chosen), x), high = Math.max(start(chosen) + reach(chosen), x), spots = [];
    for (let at = 0; at <= 120; at += 1) { const t = low + at / 120 * (high - low); spots.push([t, result(chosen, t)]); }
    const heights = spots.map(([, height]) => height).filter(Number.isFinite).concat(base.y, y).filter(Number.isFinite).sort((a, b) => a - b);
    const bottom = heights[0] ?? 0, top = heights.at(-1) ?? 1, free = 0.12 * (top - bottom || 1);
    const px = (t) => EDGE + (t - low) / (high - low) * (ACROSS - EDGE - 6), py = (t) => 6 + (top + free - t) / (top - bottom + 2 * free || 1) * (DOWN - 30);
    const within = (t) => Math.max(-50, Math.min(DOWN + 50, py(t)));
    const path = spots.map(([t, height]) => (Number.isFinite(height) ? `${px(t).toFixed(1)},${within(height).toFixed(1)}` : "")).join(" ").split("  ");
    const tangent = (t) => base.y + base.slope * (t - base.x);
    const drawing = make("svg:svg", { viewBox: `0 0 ${ACROSS} ${DOWN}`, role: "img", "aria-label": `${of} against ${name}, with its tangent at ${name} = ${figure(base.x)}` },
      make("svg:clipPath", { id: "within" }, make("svg:rect", { x: EDGE, y: 2, width: ACROSS - EDGE, height: DOWN - 22 })),
      make("svg:path", { class: "axes", d: `M${EDGE},4V${DOWN - 22}H${ACROSS}` }),
      make("svg:text", { x: EDGE - 4, y: py(top) + 4, "text-anchor": "end" }, tick(top, top - bottom)), make("svg:text", { x: EDGE - 4, y: py(bottom) + 4, "text-anchor": "end" }, tick(bottom, top - bottom)),
      make("svg:text", { x: EDGE, y: DOWN - 7 }, tick(low, high - low)), make("svg:text", { x: ACROSS - 4, y: DOWN - 7, "text-anchor": "end" }, tick(high, high - low)),
      make("svg:g", { "clip-path": "url(#within)" }, ...path.filter((piece) => piece.trim().includes(" ")).map((piece) => make("svg:polyline", { class: "graph", points: piece.trim() })),
        make("svg:line", { class: "tangent", x1: px(low), y1: py(tangent(low)), x2: px(high), y2: py(tangent(high)) }),
        make("svg:line", { class: "predicted", x1: px(x), y1: within(base.y), x2: px(x), y2: within(tangent(x)) })),
      make("svg:circle", { class: "from", cx: px(base.x), cy: within(base.y), r: 4 }), make("svg:circle", { class: "here", cx: px(x), cy: within(y), r: 5.5 }));
    const change = x - base.x;
    const [outcome, leaf] = [{ name: of }, { name }];
    plot.replaceChildren(drawing, make("p", {}, ...(change === 0 ? said`${outcome} against ${leaf}: the slope of the tangent is the gradient, ${figure(base.slope, true)}. Drag ${leaf}.`
      : said`${leaf} changed by ${figure(change, true)}. The gradient predicts ${figure(base.slope * change, true)} for ${outcome}; it changed by ${figure(y - base.y, true)}.`)));
  }

  function show(wanted) {
    open = wanted;
    panel.hidden = !open;
    toggle.setAttribute("aria-pressed", String(open));
    stage.element.classList.toggle("unlocked", open);
    if (open && !sliders.size) {
      const named = leaves.filter((at) => !/^v\d+$/.test(card[order[at]].name));
      (named.length ? named : leaves).slice(0, KNOBS).forEach(slider);
    }
    if (open && chosen === null) choose([...sliders.keys()][0]);
  }

  toggle.addEventListener("click", () => show(!open));
  reset.addEventListener("click", () => {
    for (const at of Object.keys(moved)) delete moved[at];
    values = null;
    note.textContent = "";
    stage.renumber(stage.original);
    const before = chosen;
    chosen = null;
    choose(before);
  });
  // On the card itself: dragged sideways, a leaf changes by its whole range along 240 pixels.
  for (const at of leaves) {
    const group = stage.card(order[at]);
    group.classList.add("movable");
    group.addEventListener("pointerdown", (down) => {
      if (!open) return;
      down.stopPropagation();
      const from = number(at), follow = (event) => { if (Math.abs(event.clientX - down.clientX) > 3 || moved[at] !== undefined) move(at, from + (event.clientX - down.clientX) / 120 * reach(at)); };
      const stop = () => { group.removeEventListener("pointermove", follow); group.removeEventListener("pointerup", stop); group.removeEventListener("pointercancel", stop); };
      group.setPointerCapture(down.pointerId);
      group.addEventListener("pointermove", follow);
      group.addEventListener("pointerup", stop);
      group.addEventListener("pointercancel", stop);
    });
    group.addEventListener("keydown", (event) => {
      const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (!open || !by || event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      move(at, number(at) + by * reach(at) / 100);
    });
  }
  stage.on("select", (_, id) => { if (open && leaves.includes(order.indexOf(id))) choose(order.indexOf(id)); });
  stage.tools.append(toggle);
  stage.side.append(panel);
  show(stage.data.unlocked);
}
