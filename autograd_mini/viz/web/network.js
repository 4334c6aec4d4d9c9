// A network that computes: activations in the circles, then δ, and ∂L/∂w on the lines; W·a + b beside it.
import { backward, figure, forward } from "./arithmetic.js";
import { bar, knob, legendOf, open, write } from "./dom.js";
import { factorText, make, tone } from "./text.js";

const below = (text) => text.replace(/_([\d,]+)/, (_, digits) => digits.replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]));
const product = (number) => factorText(number, 3);

// A name such as w_12^[1] as an element: indices below, the layer above.
function symbol(name) {
  const [letter, rest = ""] = name.split("_"), [below, above = ""] = rest.split("^");
  const stack = make("span", { class: "stack" }, make("sup", {}, above), make("sub", {}, below));
  return make("span", { class: "symbol" }, make("i", {}, letter), below || above ? stack : "");
}

// A text whose names, written like {w_12^[1]}, are set as symbols.
function line(text, attributes = {}) {
  const parts = text.split(/\{(.*?)\}(?=[^\]]|$)/);
  return make("div", attributes, ...parts.map((part, at) => (at % 2 ? symbol(part) : part)));
}

// Numbers in brackets, each coloured by its sign; act(row, column) gives what an entry stands for.
function matrix(rows, wires = null) {
  const cut = (list) => (list.length > 8 ? [...list.slice(0, 6).map((_, at) => at), null, list.length - 1] : list.map((_, at) => at));
  const table = make("div", { class: "matrix" + (rows[0].length > 5 ? " small" : ""), style: `grid-template-columns:repeat(${cut(rows[0]).length},auto)` });
  for (const j of cut(rows)) for (const k of cut(rows[0])) {
    const number = j === null || k === null ? null : rows[j][k];
    const cell = make("span", { class: number === null ? "dots" : tone(number) }, number === null ? "…" : figure(number, false, 3));
    if (wires && number !== null) cell.dataset.wire = wires(j, k);
    table.append(cell);
  }
  return table;
}

const column = (numbers) => numbers.map((number) => [number]);
const titled = (element, name) => make("div", { class: "titled" }, element, line(name));

export function upgrade(root, data) {
  const opened = open(root, data.style);
  if (!opened) return;
  const { shadow, still } = opened, depth = data.layers.length;
  const frame = make("div", { class: "frame network", role: "group", tabindex: "0", "aria-label": "A network, layer by layer. Arrow keys step, Home and End jump, Space plays; choose a neuron with Enter." });
  const picture = make("div", { class: "picture", style: `--least: ${data.circles.at(-1)[0] * 130 + 260}px` }, still), panel = make("div", { class: "panel" });
  const legend = legendOf(still), weightsLegend = legend.textContent, unfolded = make("div", { class: "unfolded" }), knobs = make("div", { class: "knobs" });
  const steps = data.layers.map((_, at) => ({ phase: "forward", layer: at + 1 }));
  if (data.loss !== null) steps.push({ phase: "loss", layer: depth }, ...data.layers.map((_, at) => ({ phase: "backward", layer: depth - at })));
  const moved = {};
  let values = [], slopes = [], chosen = null, step = 0;

  const part = (id) => /** @type {any} */ (still.querySelector("#" + id));
  const neuron = (layer, j) => data.layers[layer - 1].neurons[j - 1];
  const outputs = (layer) => (layer ? data.layers[layer - 1].neurons.map((one) => values[one.a]) : data.inputs.map((at) => values[at]));
  const deltas = (layer) => data.layers[layer - 1].neurons.map((one) => slopes[one.z] ?? 0);
  const weights = (layer) => data.layers[layer - 1].neurons.map((one) => one.w.map((at) => values[at]));
  const slope = (one) => (one.a === one.z ? 1 : backward(rows, data.program, values, one.a).gradients[one.z] ?? 0);
  const name = (layer, j) => (layer ? `a_${j}^[${layer}]` : `x_${j}`);
  const indices = (j, k) => (Math.max(j, k) < 10 ? `${j}${k}` : `${j},${k}`);
  const reached = (layer) => steps[step].phase === "backward" && steps[step].layer <= layer;
  const known = (layer) => steps[step].phase !== "forward" || steps[step].layer >= layer;

  function compute() {
    values = forward(rows, data.program, moved);
    slopes = data.loss === null ? [] : backward(rows, data.program, values, data.loss).gradients;
  }

  function drawNeurons() {
    for (const [layer, j, id] of data.circles) {
      const group = part(id), [first, second] = group.querySelectorAll("text.value, text.delta");
      const number = layer ? values[neuron(layer, j).a] : values[data.inputs[j - 1]];
      first.textContent = known(layer) ? figure(number, false, 3) : "";
      const delta = layer && reached(layer) ? slopes[neuron(layer, j).z] ?? 0 : null;
      if (second) {
        second.textContent = delta === null ? "" : "δ " + figure(delta, true, 2);
        second.setAttribute("class", "delta " + tone(delta));
        first.setAttribute("y", Number(second.getAttribute("y")) - (delta === null ? 10.5 : 18.5));
      }
      if (layer) write(group.querySelector("text.mark"), "b " + figure(values[neuron(layer, j).b], false, 3));
      group.querySelector(".disc").setAttribute("class", "disc " + (delta === null ? "" : "t" + tone(delta)));
      group.classList.toggle("later", !known(layer));
      group.classList.toggle("now", layer === steps[step].layer && steps[step].phase !== "loss");
      group.setAttribute("aria-label", `${name(layer, j)} = ${known(layer) ? figure(number) : "not yet computed"}${delta === null ? "" : ", δ = " + figure(delta, true)}`);
    }
    const loss = part("loss");
    if (loss) {
      loss.querySelector("text.value").textContent = steps[step].phase === "forward" ? "" : figure(values[data.loss]);
      loss.classList.toggle("now", steps[step].phase === "loss");
      loss.classList.toggle("later", steps[step].phase === "forward");
    }
  }

  function drawWires() {
    legend.textContent = steps[step].phase === "backward" ? "lines from δ backward: ∂L/∂w; blue +, orange dashed −" : weightsLegend;
    const sizes = { w: 0, g: 0 };
    for (const [, layer, j, k] of data.wires) {
      const at = neuron(layer, j).w[k - 1];
      sizes.w = Math.max(sizes.w, Math.abs(values[at]));
      sizes.g = Math.max(sizes.g, Math.abs(slopes[at] ?? 0));
    }
    const thickest = data.wires.length <= 40 ? 4 : data.wires.length <= 120 ? 2.2 : 1.2;
    for (const [id, layer, j, k] of data.wires) {
      const at = neuron(layer, j).w[k - 1], back = reached(layer), number = back ? slopes[at] ?? 0 : values[at];
      const group = part(id), drawn = group.querySelector("line"), label = still.querySelector(`[data-label="${id}"]`);
      const share = Math.abs(number) / ((back ? sizes.g : sizes.w) || 1);
      drawn.setAttribute("class", tone(number));
      drawn.setAttribute("stroke-width", (0.6 + thickest * (Number.isFinite(share) ? share : 1)).toFixed(2));
      number < 0 ? drawn.setAttribute("stroke-dasharray", "7 4") : drawn.removeAttribute("stroke-dasharray");
      const mine = chosen === null ? layer === steps[step].layer && steps[step].phase !== "loss" : chosen[0] === layer && chosen[1] === j || chosen[0] === layer - 1 && chosen[1] === k;
      const faded = !mine && (chosen !== null || steps[step].phase === "loss");
      for (const element of [group, label]) if (element) {
        element.classList.toggle("faded", faded);
        element.classList.toggle("quiet", !mine && !faded);
      }
      group.querySelector("title").textContent = `w_${indices(j, k)}^[${layer}] = ${figure(values[at])}` + (back ? `, ∂L/∂w = ${figure(slopes[at] ?? 0, true)}` : "");
      if (label) {
        const [weight, gradient] = label.querySelectorAll("text");
        weight.textContent = figure(values[at], false, 2);
        if (gradient) {
          gradient.textContent = back ? "∂ " + figure(slopes[at] ?? 0, true, 2) : "";
          gradient.setAttribute("class", tone(slopes[at] ?? 0));
          weight.setAttribute("y", String(Number(gradient.getAttribute("y")) - (back ? 13.2 : 6.6)));
        }
      }
    }
  }

  function equation(...parts) {
    panel.append(make("div", { class: "equation" }, ...parts));
  }

  function describe() {
    const { phase, layer } = steps[step], { f, neurons } = data.layers[layer - 1];
    const wire = (j, k) => (data.wires.find((one) => one[1] === layer && one[2] === j + 1 && one[3] === k + 1) || [""])[0];
    const up = `^[${layer}]`, before = layer > 1 ? `a_^[${layer - 1}]` : "x";
    const linear = f === "linear", zs = neurons.map((one) => values[one.z]);
    panel.replaceChildren();
    if (phase === "forward") {
      panel.append(line(`{z_${up}} = {W_${up}} · {${before}} + {b_${up}},   {a_${up}} = ${linear ? `{z_${up}}` : `${f}({z_${up}})`}`, { class: "symbols" }));
      equation(titled(matrix(weights(layer), wire), `{W_${up}}`), "·", titled(matrix(column(outputs(layer - 1))), `{${before}}`), "+",
        titled(matrix(column(neurons.map((one) => values[one.b]))), `{b_${up}}`), "=", titled(matrix(column(zs)), `{z_${up}}`),
        ...(linear ? [] : [make("span", { class: "map" }, f, make("br"), "⟶"), titled(matrix(column(outputs(layer))), `{a_${up}}`)]));
    } else if (phase === "loss") {
      panel.append(line(`L = ${data.called}(ŷ, y)`, { class: "symbols" }));
      equation(titled(matrix(column(outputs(depth))), "ŷ"), make("span", { class: "map" }, data.called, make("br"), "⟶"), titled(matrix([[values[data.loss]]]), "L"),
        make("span", { class: "gap" }), titled(matrix(column(neurons.map((one) => slopes[one.a] ?? 0))), "∂L/∂ŷ"));
    } else {
      const last = layer === depth, next = `^[${layer + 1}]`, primes = neurons.map(slope);
      panel.append(line(`{δ_${up}} = ∂L/∂{z_${up}} = ${last ? "∂L/∂ŷ" : `({W_${next}})ᵀ · {δ_${next}}`}${linear ? "" : ` ⊙ ${f}′({z_${up}})`}`, { class: "symbols" }));
      const upstream = last ? [titled(matrix(column(neurons.map((one) => slopes[one.a] ?? 0))), "∂L/∂ŷ")]
        : [titled(matrix(weights(layer + 1)[0].map((_, k) => weights(layer + 1).map((row) => row[k]))), `({W_${next}})ᵀ`), "·", titled(matrix(column(deltas(layer + 1))), `{δ_${next}}`)];
      equation(...upstream, ...(linear ? [] : ["⊙", titled(matrix(column(primes)), `${f}′({z_${up}})`)]), "=", titled(matrix(column(deltas(layer))), `{δ_${up}}`));
      panel.append(line(`∂L/∂{W_${up}} = {δ_${up}} · ({${before}})ᵀ,   ∂L/∂{b_${up}} = {δ_${up}}`, { class: "symbols" }));
      equation(titled(matrix(column(deltas(layer))), `{δ_${up}}`), "·", titled(matrix([outputs(layer - 1)]), `({${before}})ᵀ`), "=",
        titled(matrix(neurons.map((one) => one.w.map((at) => slopes[at] ?? 0)), wire), `∂L/∂{W_${up}}`));
    }
  }

  // The scalar graph of the neuron that was chosen: a product for each input, their sum, the activation.
  function unfold() {
    if (chosen === null || !chosen[0]) { unfolded.replaceChildren(); return; }
    const [layer, j] = chosen, one = neuron(layer, j), f = data.layers[layer - 1].f, linear = one.a === one.z;
    const back = reached(layer), delta = slopes[one.z] ?? 0, arriving = outputs(layer - 1);
    const shown = one.w.map((_, at) => at).filter((at) => at < 6 || at === one.w.length - 1);
    const high = 116, cards = [], lines = [], tall = shown.length * high + 58;
    const card = (x, y, title, value, gradient, kind) => {
      const group = make("svg:g", { class: "card " + kind + (back ? " t" + tone(gradient) : "") });
      group.append(make("svg:rect", { x, y, width: 118, height: 50, rx: kind === "result" ? 9 : 2 }), make("svg:text", { x: x + 9, y: y + 19, class: "title" }, below(title)),
        make("svg:text", { x: x + 109, y: y + 19, class: "number" }, figure(value)), make("svg:text", { x: x + 9, y: y + 40, class: "word" }, "grad"),
        make("svg:text", { x: x + 109, y: y + 40, class: "number " + (back ? tone(gradient) : "") }, back ? figure(gradient, true) : "–"));
      cards.push(group);
      return [x, y + 25];
    };
    const join = (start, end, factor) => {
      const [[x0, y0], [x1, y1]] = [start, end];
      lines.push(make("svg:path", { class: "join", d: `M${x0 + 118},${y0}C${x0 + 165},${y0} ${x1 - 47},${y1} ${x1},${y1}` }));
      if (back) {
        const text = make("svg:text", { x: (x0 + 118 + x1) / 2, y: (y0 + y1) / 2 - 4, class: "factor" }, "× " + product(factor));
        lines.push(text);
      }
    };
    const middle = tall / 2 - 25;
    const sum = card(380, middle, `z`, values[one.z], delta, "result");
    shown.forEach((k, row) => {
      const y = row * high, number = arriving[k];
      const times = card(190, y + 27, "×", values[one.w[k]] * number, delta, "result");
      join(card(0, y, `w_${indices(j, k + 1)}`, values[one.w[k]], slopes[one.w[k]] ?? 0, "leaf"), times, number);
      join(card(0, y + 54, name(layer - 1, k + 1).split("^")[0], number, values[one.w[k]] * delta, "leaf"), times, values[one.w[k]]);
      join(times, sum, 1);
    });
    join(card(190, tall - 54, `b_${j}`, values[one.b], delta, "leaf"), sum, 1);
    if (!linear) join(sum, card(570, middle, f, values[one.a], slopes[one.a] ?? 0, "result"), slope(one));
    const wide = linear ? 500 : 690;
    const drawn = make("svg:svg", { viewBox: `-4 -4 ${wide + 8} ${tall + 8}`, width: wide + 8, role: "img", "aria-label": `The scalar graph of neuron ${j} of layer ${layer}` });
    drawn.append(...lines, ...cards);
    const terms = shown.map((k) => `${product(values[one.w[k]])} · ${product(arriving[k])}`).join(" + ") + (shown.length < one.w.length ? " + …" : "");
    const heading = line(`{${name(layer, j)}}, its scalar graph` + (back ? `: the grad of {${layer > 1 ? "a" : "x"}_} here is this neuron's share; the shares of the layer sum to it` : ""), { class: "heading" });
    const close = make("button", { type: "button" }, "Fold");
    close.addEventListener("click", () => choose(null));
    if (unfolded.dataset.of !== String(chosen) || !unfolded.firstChild) {  // the sliders stay while one of them is dragged
      const tuning = one.w.slice(0, 6).map((at, k) => tune(`w_${indices(j, k + 1)}`, at)).concat(tune(`b_${j}`, one.b));
      unfolded.replaceChildren(make("div"), make("div", { class: "knobs" }, ...tuning));
      unfolded.dataset.of = String(chosen);
    }
    unfolded.firstChild.replaceChildren(make("div", { class: "row" }, heading, close),
      line(`{z_${j}^[${layer}]} = ${terms} + ${product(values[one.b])} = ${figure(values[one.z])}`, { class: "symbols" }),
      ...(back ? [line(`{δ_${j}^[${layer}]} = ∂L/∂{a_${j}^[${layer}]} · ${linear ? "1" : f + "′(z)"} = ${product(slopes[one.a] ?? 0)} × ${product(slope(one))} = ${figure(delta)}`, { class: "symbols" })] : []),
      make("div", { class: "picture" }, drawn));
  }

  function tune(title, at) {
    return knob(below(title), values[at], 2, (number) => { moved[at] = number; refresh(); }).element;
  }

  function refresh() {
    compute();
    drawNeurons();
    drawWires();
    describe();
    unfold();
  }

  function choose(wanted) {
    chosen = wanted;
    for (const [layer, j, id] of data.circles) part(id).classList.toggle("chosen", chosen !== null && chosen[0] === layer && chosen[1] === j);
    drawWires();
    unfold();
  }

  // On a narrow page the picture is wider than its frame: the layer of this step is shown.
  function reveal() {
    const { phase, layer } = steps[step], group = phase === "loss" ? part("loss") : part(data.circles.find((one) => one[0] === layer)[2]);
    const box = group.getBoundingClientRect(), around = picture.getBoundingClientRect();
    picture.scrollLeft += (box.left + box.right) / 2 - (around.left + around.right) / 2 - 0.12 * around.width * (phase === "backward" ? -1 : 1);
  }

  const controls = bar(frame, {
    last: steps.length - 1, pause: 2200, label: "Step",
    show: (at) => {
      step = at;
      drawNeurons();
      drawWires();
      describe();
      unfold();
      reveal();
      const { phase, layer } = steps[step], title = { forward: "forward", loss: "the loss", backward: "backward" }[phase];
      return `Step ${step + 1} of ${steps.length} – ${title}${phase === "loss" ? "" : `: ${data.layers[layer - 1].title}`}`;
    },
  });
  for (const [layer, j, id] of data.circles) {
    const group = part(id), toggle = () => choose(chosen && chosen[0] === layer && chosen[1] === j ? null : [layer, j]);
    for (const [attribute, value] of Object.entries({ tabindex: 0, role: "button" })) group.setAttribute(attribute, value);
    group.addEventListener("click", toggle);
    group.addEventListener("keydown", (event) => { if (["Enter", " "].includes(event.key)) { event.preventDefault(); toggle(); } });
    const point = (pointed) => still.querySelectorAll(".wire").forEach((wire) => wire.classList.toggle("pointed-away", pointed && !wire.classList.contains(id)));
    group.addEventListener("pointerenter", () => point(true));
    group.addEventListener("pointerleave", () => point(false));
  }
  const link = (id, on) => { if (id) { still.classList.toggle("linked", on); part(id).classList.toggle("lit", on); } };
  panel.addEventListener("pointerover", (event) => link(event.target.dataset.wire, true));
  panel.addEventListener("pointerout", (event) => link(event.target.dataset.wire, false));
  compute();
  data.inputs.slice(0, 8).forEach((at, k) => knobs.append(tune(`x_${k + 1}`, at)));
  frame.append(make("div", { class: "sides" }, make("div", {}, picture, legend, knobs), make("div", { class: "beside" }, controls.status, panel)), unfolded, controls.row);
  shadow.append(frame);
  controls.go(0);
}
