// A training, epoch by epoch: the network's weights, what it decides, and its losses, for one run or several.
import { figure, forward } from "./arithmetic.js";
import { canvas, contour, tint } from "./contour.js";
import { bar, legendOf, open, write } from "./dom.js";
import { make, tone } from "./text.js";

const SIDE = 280, GRID = 56;
const COLOURS = [["#d9822b", "#8a4300"], ["#2b7fc0", "#0a4f86"], ["#3a9d6e", "#0d5f3c"], ["#a869b8", "#6b2f7c"], ["#8f8f2e", "#55550a"]];

export function upgrade(root, data) {
  const opened = open(root, data.style);
  if (!opened) return;
  const { place, shadow, still } = opened, frame = make("div", { class: "frame player", role: "group", tabindex: "0", "aria-label": "A training, epoch by epoch. Arrow keys step, Home and End jump, Space plays." });
  const dark = () => place.hasAttribute("data-dark");
  const net = data.layers.length > 0, single = data.runs.length === 1;
  const last = Math.max(...data.runs.map((run) => run.epochs.length)) - 1;
  const maps = net && data.activations.every(Boolean) && (data.layers[0][1] === 2 || data.layers[0][1] === 1 && data.layers.at(-1)[0] === 1);
  const samples = net ? [...data.train, ...data.test] : [], count = net ? data.layers[0][1] : 0;
  let chosen = 0, step = 0;

  const applied = (net ? data.activations : []).map((made) => {
    if (!made) return null;
    if (made.length === 1) return (z) => z;
    const only = made.length === 2 && made[1][1] === 0 && made[1].slice(2).every(Array.isArray) && made[1][0] in rows;
    const constants = only ? made[1].slice(2).map(([number]) => Number(number)) : [];
    return only ? (z) => rows[made[1][0]][0](z, ...constants) : (z) => forward(rows, made, { 0: z }).at(-1);
  });

  // The outputs of the network with some weights, in the order w…, b of each neuron.
  function outputs(weights, x) {
    let at = 0, unit = 0;
    for (const [size, fan] of data.layers) {
      const made = [];
      for (let j = 0; j < size; j += 1, unit += 1) {
        let z = Number(weights[at + fan]);
        for (let k = 0; k < fan; k += 1) z += Number(weights[at + k]) * x[k];
        at += fan + 1;
        made.push(applied[unit](z));
      }
      x = made;
    }
    return x;
  }

  const range = (column) => {
    const numbers = samples.map((row) => Number(row[column])), low = Math.min(...numbers), high = Math.max(...numbers), free = 0.12 * (high - low || 1);
    return [low - free, high + free];
  };
  const spans = maps ? [range(0), range(1)] : [];
  const across = (x, bound) => (x - bound[0]) / (bound[1] - bound[0]) * SIDE;
  const kinds = [...new Set(samples.map((row) => Number(row[count])))].sort((a, b) => a - b);
  const two = data.scale !== "classes" && kinds.length === 2, mean = two && data.scale === "value" ? (kinds[0] + kinds[1]) / 2 : 0;
  const reach = data.scale === "value" ? Math.max(1e-9, ...kinds.map((kind) => Math.abs(kind - mean))) : 1;
  const share = (z) => (data.scale === "probability" ? 2 * z - 1 : data.scale === "value" ? (z - mean) / reach : Math.tanh(z / 2));

  function drawMap(pen, weights) {
    pen.clearRect(0, 0, SIDE, SIDE);
    if (count === 1) { drawCurve(pen, weights); return; }
    const found = [];
    for (let row = 0; row < GRID; row += 1) for (let column = 0; column < GRID; column += 1) {
      const at = (cell, bound) => bound[0] + cell / (GRID - 1) * (bound[1] - bound[0]);
      found.push(outputs(weights, [at(column, spans[0]), at(GRID - 1 - row, spans[1])]));
    }
    const image = new ImageData(GRID, GRID), classes = found[0].length > 1;
    const leads = classes ? found[0].map((_, k) => found.map((one) => one[k] - Math.max(...one.filter((_, other) => other !== k)))) : [found.map(([z]) => share(z))];
    found.forEach((one, at) => {
      const best = one.indexOf(Math.max(...one)), hex = COLOURS[best % COLOURS.length][0];
      const colour = classes ? [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16)).concat(95) : tint(leads[0][at], dark());
      image.data.set(colour, 4 * at);
    });
    const small = new OffscreenCanvas(GRID, GRID);
    small.getContext("2d").putImageData(image, 0, 0);
    pen.imageSmoothingEnabled = !classes;
    pen.drawImage(small, 0, 0, SIDE, SIDE);
    pen.strokeStyle = dark() ? "#ffffff" : "#1a1a1a";
    pen.lineWidth = 2;
    pen.beginPath();
    const scale = SIDE / (GRID - 1);
    for (const lead of leads) for (const [x0, y0, x1, y1] of contour(lead, GRID, GRID, 0)) {
      pen.moveTo(x0 * scale, y0 * scale);
      pen.lineTo(x1 * scale, y1 * scale);
    }
    pen.stroke();
    drawSamples(pen, (row) => [across(row[0], spans[0]), SIDE - across(row[1], spans[1])], (row) => kinds.indexOf(Number(row[2])), kinds.length <= 5);
  }

  function drawCurve(pen, weights) {
    pen.strokeStyle = dark() ? "#ffffff" : "#1a1a1a";
    pen.lineWidth = 2.4;
    pen.beginPath();
    for (let at = 0; at <= 100; at += 1) {
      const x = spans[0][0] + at / 100 * (spans[0][1] - spans[0][0]), y = SIDE - across(outputs(weights, [x])[0], spans[1]);
      pen.lineTo(at / 100 * SIDE, Math.max(-9, Math.min(SIDE + 9, Number.isFinite(y) ? y : -9)));
    }
    pen.stroke();
    drawSamples(pen, (row) => [across(row[0], spans[0]), SIDE - across(row[1], spans[1])], () => 1, true);
  }

  function drawSamples(pen, where, kind, coloured) {
    for (const [list, hollow] of [[data.train, false], [data.test, true]]) for (const row of list) {
      const [x, y] = where(row.map(Number)), at = kind(row), [fill, edge] = coloured ? COLOURS[at % COLOURS.length] : ["#888888", "#333333"];
      pen.beginPath();
      if (at % 2 === 0) pen.rect(x - 3.2, y - 3.2, 6.4, 6.4); else pen.arc(x, y, 3.7, 0, 7);
      pen.fillStyle = hollow ? (dark() ? "#141414" : "rgba(255,255,255,.85)") : fill;
      pen.strokeStyle = hollow ? (dark() ? fill : edge) : "#ffffff";
      pen.lineWidth = hollow ? 2 : 1;
      pen.fill();
      pen.stroke();
    }
  }

  // --- losses: one scale for all runs ---
  const W = single ? (net ? 430 : 860) : SIDE, H = single ? (net ? 190 : 300) : 150, L = 44, B = 24;
  const curves = data.runs.map((run) => [["loss", "train"], ["validation_loss", "test"]].filter(([name]) => run.columns[name]).map(([name, said]) => [said, run.columns[name].map(Number)]));
  const all = curves.flatMap((pair) => pair.flatMap(([, losses]) => losses.filter(Number.isFinite)));
  const first = Math.max(...curves.flatMap((pair) => pair.map(([, losses]) => losses[0])).filter(Number.isFinite));
  const logarithmic = all.every((loss) => loss > 0), level = (loss) => (logarithmic ? Math.log10(loss) : loss);
  const top = level(Math.min(Math.max(...all), logarithmic ? 100 * first : Infinity)), bottom = level(Math.min(...all)), epochs = Math.max(...data.runs.map((run) => (run.columns.loss || []).length));
  const placeX = (epoch) => L + (epoch - 1) / Math.max(1, epochs - 1) * (W - L - 8);
  const placeY = (loss) => 8 + Math.max(0, Math.min(1, (top - level(loss)) / (top - bottom || 1))) * (H - B - 8);
  const trace = (losses) => losses.map((loss, at) => (Number.isFinite(loss) ? `${at ? "L" : "M"}${placeX(at + 1).toFixed(1)},${placeY(loss).toFixed(1)}` : "")).join("").replace(/^L/, "M");

  function ticks() {
    if (!logarithmic) return [0, 1, 2, 3].map((at) => bottom + at / 3 * (top - bottom));
    const found = [];
    for (let power = Math.floor(bottom); power <= top; power += 1) for (const digit of top - bottom > 2.5 ? [1] : top - bottom > 0.9 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 7]) {
      const one = power + Math.log10(digit);
      if (one >= bottom - 0.02 && one <= top + 0.02) found.push(digit * 10 ** power);
    }
    return found.length > 1 ? found : [10 ** bottom, 10 ** top];
  }

  function lossPlot(run, pair) {
    const drawn = make("svg:svg", { viewBox: `0 0 ${W} ${H}`, class: "losses", role: "img", "aria-label": `${run.title}: ${pair.map(([said, losses]) => `${said} loss from ${figure(losses[0])} to ${figure(losses.at(-1))}`).join(", ")}` });
    for (const tick of ticks()) drawn.append(make("svg:line", { class: "grid", x1: L, x2: W - 8, y1: placeY(tick), y2: placeY(tick) }), make("svg:text", { class: "tick", x: L - 5, y: placeY(tick) + 4, "text-anchor": "end" }, figure(tick, false, 2)));
    drawn.append(make("svg:text", { class: "tick", x: L, y: H - 6 }, "1"), make("svg:text", { class: "tick", x: W - 8, y: H - 6, "text-anchor": "end" }, `epoch ${epochs}`));
    for (const [said, losses] of pair) drawn.append(make("svg:path", { class: `curve ghost ${said}`, d: trace(losses) }));
    const past = pair.map(([said]) => make("svg:path", { class: "curve " + said })), now = make("svg:line", { class: "now", y1: 4, y2: H - B }), dots = pair.map(([said]) => make("svg:circle", { class: "dot " + said, r: 4 }));
    drawn.append(...past, now, ...dots);
    const scrub = (event) => {
      if (event.buttons !== 1) return;
      const box = drawn.getBoundingClientRect(), epoch = 1 + ((event.clientX - box.left) / box.width * W - L) / (W - L - 8) * (epochs - 1);
      const longest = data.runs.reduce((one, other) => (other.epochs.length > one.epochs.length ? other : one)).epochs;
      controls.go(longest.reduce((best, one, at) => (Math.abs(one - epoch) < Math.abs(longest[best] - epoch) ? at : best), 0));
    };
    drawn.addEventListener("pointerdown", scrub);
    drawn.addEventListener("pointermove", scrub);
    return { drawn, show(epoch) {
      pair.forEach(([, losses], at) => {
        const upTo = Math.min(epoch, losses.length);
        past[at].setAttribute("d", trace(losses.slice(0, upTo)));
        dots[at].style.visibility = upTo && Number.isFinite(losses[upTo - 1]) ? "visible" : "hidden";
        dots[at].setAttribute("cx", placeX(Math.max(1, upTo)));
        dots[at].setAttribute("cy", placeY(Number.isFinite(losses[upTo - 1]) ? losses[upTo - 1] : 10 ** top));
      });
      const x = placeX(Math.max(1, Math.min(epoch, epochs)));
      now.setAttribute("x1", x);
      now.setAttribute("x2", x);
    } };
  }

  // --- the network: its lines follow the weights of the run that is chosen ---
  function drawNetwork(weights) {
    const starts = [];
    let at = 0;
    for (const [size, fan] of data.layers) { starts.push(at); at += size * (fan + 1); }
    const weight = (layer, j, k) => Number(weights[starts[layer - 1] + (j - 1) * (data.layers[layer - 1][1] + 1) + k - 1]);
    const largest = Math.max(1e-9, ...data.wires.map(([, layer, j, k]) => Math.abs(weight(layer, j, k))));
    const thickest = data.wires.length <= 40 ? 4 : data.wires.length <= 120 ? 2.4 : 1.4;
    for (const [id, layer, j, k] of data.wires) {
      const number = weight(layer, j, k), line = still.querySelector(`#${id} line`), label = still.querySelector(`[data-label="${id}"] text`);
      line.setAttribute("class", tone(number));
      line.setAttribute("stroke-width", (0.5 + thickest * Math.abs(number) / largest).toFixed(2));
      number < 0 ? line.setAttribute("stroke-dasharray", "7 4") : line.removeAttribute("stroke-dasharray");
      if (label) write(label, figure(number, false, 2));
    }
    for (const [layer, j, id] of data.circles) if (layer) write(still.querySelector(`#${id} text.mark`), "b " + figure(weight(layer, j, data.layers[layer - 1][1] + 1), false, 3));
  }

  const cards = data.runs.map((run, index) => {
    const heading = make(single ? "div" : "button", single ? { class: "title" } : { type: "button", class: "title", "aria-pressed": "false" }, run.title);
    heading.addEventListener("click", () => { if (!single) { chosen = index; controls.again(); } });
    const facts = make("div", { class: "facts" }), plot = lossPlot(run, curves[index]);
    const map = maps ? canvas(SIDE, SIDE, `What the network decides, ${run.title}`) : null;
    const card = make("div", { class: "run" }, heading, facts, ...(map ? [map.made] : []), plot.drawn);
    return { card, heading, facts, map, plot };
  });

  const now = (run) => Math.min(step, run.epochs.length - 1);
  function show(wanted) {
    step = wanted;
    data.runs.forEach((run, index) => {
      const { heading, facts, map, plot } = cards[index], at = now(run), epoch = run.epochs[at];
      const parts = Object.entries(run.columns).filter(([name]) => name !== "lr").map(([name, column]) => `${name.replace("validation_", "test ").replace(/^loss/, "train loss").replaceAll("_", " ")} ${epoch ? figure(Number(column[epoch - 1]), false, 3) : "–"}`);
      facts.replaceChildren(...parts.map((part) => make("span", {}, part)));
      if (at === run.epochs.length - 1 && run.ended.startsWith("diverged")) facts.append(make("strong", {}, run.ended));
      if (!single) heading.setAttribute("aria-pressed", String(index === chosen));
      if (map) drawMap(map.pen, run.weights[at]);
      plot.show(epoch);
    });
    if (net) drawNetwork(data.runs[chosen].weights[now(data.runs[chosen])]);
    const longest = data.runs.reduce((one, other) => (other.epochs.length > one.epochs.length ? other : one));
    return `Epoch ${longest.epochs[now(longest)]} of ${longest.epochs.at(-1)}` + (single ? "" : ` – the network is that of ${data.runs[chosen].title}`);
  }

  const controls = bar(frame, { last, pause: Math.max(60, Math.min(250, 9000 / (last + 1))), label: "Epoch", show });
  const key = make("div", { class: "key" }, ...(net ? [legendOf(still)] : []), make("span", { class: "train" }, "training loss"), ...(curves.some((pair) => pair.length > 1) ? [make("span", { class: "test" }, "test loss"), ...(maps ? ["filled points: training, hollow: test"] : [])] : []));
  const runs = make("div", { class: "runs" }, ...cards.map(({ card }) => card));
  frame.append(make("div", { class: single ? "one" : "many" }, ...(net ? [make("div", { class: "picture", style: `--least: ${Math.min(360, 130 + 115 * data.layers.length)}px` }, still)] : []), runs), key, controls.status, controls.row);
  shadow.append(frame);
  opened.redraw = controls.again;
  show(0);
  controls.last();
}
