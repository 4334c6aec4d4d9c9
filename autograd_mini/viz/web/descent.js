// A descent: the surface, which turns, its map with an arrow for each step, and other starts, computed by the page.
import { backward, figure, forward, tick } from "./arithmetic.js";
import { canvas, contour } from "./contour.js";
import { bar, open } from "./dom.js";
import { make } from "./text.js";

const SIDE = 430, FREE = 42;
const PATHS = ["#d8641b", "#b03a86", "#1f8f6b", "#7d55c7", "#a07c00"];
const RAMP = [[0, 34, 78], [63, 75, 108], [124, 123, 120], [187, 174, 108], [253, 232, 55]];

function ramp(share) {
  const at = Math.max(0, Math.min(1, share)) * (RAMP.length - 1), low = Math.min(RAMP.length - 2, Math.floor(at));
  return RAMP[low].map((part, index) => Math.round(part + (at - low) * (RAMP[low + 1][index] - part)));
}

export function upgrade(root, data) {
  const opened = open(root, data.style);
  if (!opened) return;
  const { place, shadow } = opened, flat = data.bounds.length === 1, live = data.program !== null, N = live ? 45 : Math.round(data.heights.length ** (flat ? 1 : 0.5));
  const frame = make("div", { class: "frame descent", role: "group", tabindex: "0", "aria-label": "A descent, step by step. Arrow keys step, Home and End jump, Space plays; drag the surface to turn it." });
  const at = (share, [low, high]) => low + share * (high - low), spot = (x, [low, high]) => (x - low) / (high - low);
  const value = (point) => forward(rows, data.program, { ...point }).at(data.root);
  const count = flat && live ? 161 : N;
  const heights = [];
  if (live) for (let row = 0; row < (flat ? 1 : N); row += 1) for (let column = 0; column < count; column += 1) heights.push(value(flat ? [at(column / (count - 1), data.bounds[0])] : [at(column / (N - 1), data.bounds[0]), at(row / (N - 1), data.bounds[1])]));
  else heights.push(...data.heights.map(Number));
  const finite = heights.filter(Number.isFinite).sort((a, b) => a - b), [least, most] = [finite[0] ?? 0, finite.at(-1) ?? 1];
  let low = least, range = most - least || 1;
  const middle = (finite[finite.length >> 1] - low) / range, power = middle > 0 && middle < 1 ? Math.min(1, Math.max(0.3, Math.log(0.5) / Math.log(middle))) : 1;
  const share = (height) => (height - low) / range;
  const paths = [{ points: data.points.map((point) => point.map(Number)), values: data.values.map(Number), stopped: data.stopped }];
  let ground = null, groundOf = "", step = 0, turn = -0.9, tilt = 0.55, rate = Number(data.lr), pointed = null;

  // A curve is seen from a little below the paths on it to a little above, so that a steep one does not dwarf them.
  function fit() {
    if (!flat) return;
    const inside = paths.flatMap((path) => path.values.filter((height, at) => Number.isFinite(height) && Math.abs(spot(path.points[at][0], data.bounds[0]) - 0.5) <= 0.5));
    const [bottom, top] = [Math.min(...inside), Math.max(...inside)], free = Math.max(0.4 * (top - bottom), 0.08 * (most - least));
    low = Math.min(bottom, Math.max(least, bottom - free));
    range = Math.max(top, Math.min(most, top + free)) - low || 1;
    ground = null;
  }

  // The rule of `descend`: x ← x − lr · df/dx until the gradient vanishes or a number is not finite.
  function descend(start) {
    const made = { points: [], values: [], stopped: "steps" };
    for (let point = start, taken = 0; ; taken += 1) {
      const found = forward(rows, data.program, { ...point }), { gradients } = backward(rows, data.program, found, data.root);
      const slopes = point.map((_, axis) => gradients[axis] ?? 0), norm = Math.hypot(...slopes);
      made.points.push(point);
      made.values.push(found[data.root]);
      if (!Number.isFinite(found[data.root]) || !Number.isFinite(norm)) { made.stopped = "diverged"; return made; }
      if (norm <= Number(data.tol)) { made.stopped = "converged"; return made; }
      if (taken >= Math.min(data.steps, 400)) { if (made.values.at(-1) > made.values[0]) made.stopped = "diverged"; return made; }
      point = point.map((x, axis) => x - rate * slopes[axis]);
    }
  }

  const map = canvas(SIDE, SIDE, flat ? "The function and the steps on it" : "The function from above, with the steps"), solid = flat ? null : canvas(SIDE, SIDE, "The function as a surface, with the steps");
  const ink = () => (place.hasAttribute("data-dark") ? "#ececec" : "#1a1a1a"), paper = () => (place.hasAttribute("data-dark") ? "#161616" : "#ffffff");

  function arrow(pen, start, end, colour) {
    const [[x0, y0], [x1, y1]] = [start, end];
    const length = Math.hypot(x1 - x0, y1 - y0);
    if (!(length > 0.6) || length > 4000) return;
    for (const [wide, stroke] of [[4.4, paper()], [2.2, colour]]) {
      pen.lineWidth = wide;
      pen.strokeStyle = stroke;
      pen.beginPath();
      pen.moveTo(x0, y0);
      pen.lineTo(x1, y1);
      pen.stroke();
    }
    if (length < 9) return;
    const [dx, dy] = [(x1 - x0) / length, (y1 - y0) / length];
    pen.fillStyle = colour;
    pen.beginPath();
    pen.moveTo(x1, y1);
    pen.lineTo(x1 - 8 * dx - 3.6 * dy, y1 - 8 * dy + 3.6 * dx);
    pen.lineTo(x1 - 8 * dx + 3.6 * dy, y1 - 8 * dy - 3.6 * dx);
    pen.fill();
  }

  function walk(pen, where) {
    paths.forEach((path, index) => {
      const colour = PATHS[index % PATHS.length], until = Math.min(step, path.points.length - 1), spots = path.points.slice(0, until + 1).map((point, which) => where(point, path.values[which]));
      let from = spots[0];
      spots.forEach((spot, which) => {  // steps too short to be seen are drawn together
        if (which < until && Math.hypot(spot[0] - from[0], spot[1] - from[1]) < 2) return;
        arrow(pen, from, spot, colour);
        from = spot;
      });
      for (const [which, radius] of [[0, 4], [until, 6]]) {
        const [x, y] = spots[which];
        pen.beginPath();
        if (which) pen.arc(x, y, radius, 0, 7); else pen.rect(x - radius, y - radius, 2 * radius, 2 * radius);
        pen.fillStyle = colour;
        pen.strokeStyle = paper();
        pen.lineWidth = 2;
        pen.fill();
        pen.stroke();
      }
    });
  }

  const placed = (point, height) => [FREE + spot(point[0], data.bounds[0]) * (SIDE - FREE - 6), flat ? SIDE - FREE - (0.04 + 0.9 * share(height)) * (SIDE - FREE - 6) : SIDE - FREE - spot(point[1], data.bounds[1]) * (SIDE - FREE - 6)];
  const unplaced = (x, y) => [at((x - FREE) / (SIDE - FREE - 6), data.bounds[0]), ...(flat ? [] : [at((SIDE - FREE - y) / (SIDE - FREE - 6), data.bounds[1])])];

  function scales(pen) {
    pen.fillStyle = ink();
    pen.font = "11px system-ui, sans-serif";
    data.bounds.forEach((bound, axis) => [0.1, 0.5, 0.9].forEach((part) => {
      const text = figure(at(part, bound), false, 2), [x, y] = axis ? [4, SIDE - FREE - part * (SIDE - FREE - 6) + 4] : [FREE + part * (SIDE - FREE - 6) - 8, SIDE - FREE + 16];
      pen.fillText(text, x, y);
    }));
    if (flat) [0, 1].forEach((part) => pen.fillText(tick(low + part * range, range), 2, SIDE - FREE - (0.04 + 0.9 * part) * (SIDE - FREE - 6) + 4));
  }

  function drawMap() {
    const { made, pen } = map, [left, top, wide, tall] = [FREE, 6, SIDE - FREE - 6, SIDE - FREE - 6];
    if (ground === null || groundOf !== paper()) {
      pen.clearRect(0, 0, SIDE, SIDE);
      pen.save();
      pen.beginPath();
      pen.rect(left, top, wide, tall);
      pen.clip();
      if (flat) {
        pen.strokeStyle = ink();
        pen.lineWidth = 2.4;
        pen.beginPath();
        heights.forEach((height, index) => { const x = at(index / (heights.length - 1), data.bounds[0]); const [px, py] = placed([x], height); if (Number.isFinite(height)) pen.lineTo(px, py); });
        pen.stroke();
      } else {
        const image = new ImageData(N, N), small = new OffscreenCanvas(N, N);
        heights.forEach((height, index) => { const row = N - 1 - Math.floor(index / N); image.data.set([...ramp(share(height) ** power), Number.isFinite(height) ? 255 : 0], 4 * (row * N + index % N)); });
        small.getContext("2d").putImageData(image, 0, 0);
        const [cell, rise] = [wide / (N - 1), tall / (N - 1)];
        pen.drawImage(small, left - cell / 2, top - rise / 2, wide + cell, tall + rise);
        pen.strokeStyle = "rgba(255,255,255,.55)";
        pen.lineWidth = 0.8;
        for (let level = 1; level < 14; level += 1) {
          pen.beginPath();
          for (const [x0, y0, x1, y1] of contour(heights, N, N, low + range * (level / 14) ** (1 / power))) {
            pen.moveTo(left + x0 * cell, top + tall - y0 * rise);
            pen.lineTo(left + x1 * cell, top + tall - y1 * rise);
          }
          pen.stroke();
        }
      }
      pen.restore();
      scales(pen);
      ground = new OffscreenCanvas(made.width, made.height);
      ground.getContext("2d").drawImage(made, 0, 0);
      groundOf = paper();
    } else {
      pen.clearRect(0, 0, SIDE, SIDE);
      pen.drawImage(ground, 0, 0, SIDE, SIDE);
    }
    pen.save();
    pen.beginPath();
    pen.rect(left - 2, top - 2, wide + 4, tall + 4);
    pen.clip();
    if (flat && live) tangent(pen);
    walk(pen, placed);
    if (pointed) mark(pen, placed(pointed, live ? value(pointed) : 0));
    pen.restore();
  }

  function tangent(pen) {
    const path = paths.at(-1), x = path.points[Math.min(step, path.points.length - 1)][0], found = forward(rows, data.program, [x]), slope = backward(rows, data.program, found, data.root).gradients[0] ?? 0;
    pen.setLineDash([5, 4]);
    pen.strokeStyle = ink();
    pen.lineWidth = 1.2;
    pen.beginPath();
    for (const end of data.bounds[0]) {
      const [px, py] = placed([end], found[data.root] + slope * (end - x));
      pen.lineTo(px, py);
    }
    pen.stroke();
    pen.setLineDash([]);
  }

  function mark(pen, spot) {
    const [x, y] = spot;
    pen.beginPath();
    pen.arc(x, y, 6, 0, 7);
    pen.strokeStyle = "#ffffff";
    pen.lineWidth = 4;
    pen.stroke();
    pen.strokeStyle = "#8a56c2";
    pen.lineWidth = 2;
    pen.stroke();
  }

  // Seen from the side: x and y turned about the middle, then tilted; heights as they are.
  function seen(point, height) {
    const x = spot(point[0], data.bounds[0]) - 0.5, y = spot(point[1], data.bounds[1]) - 0.5, up = Math.max(-0.2, Math.min(1.4, share(height))) - 0.5;
    const along = x * Math.cos(turn) - y * Math.sin(turn), away = x * Math.sin(turn) + y * Math.cos(turn);
    return [SIDE / 2 + 0.66 * SIDE * along, SIDE * 0.48 - 0.66 * SIDE * (0.62 * up * Math.cos(tilt) + away * Math.sin(tilt)), away * Math.cos(tilt) - up * Math.sin(tilt)];
  }

  function drawSolid() {
    if (!solid) return;
    const { pen } = solid, faces = [];
    pen.clearRect(0, 0, SIDE, SIDE);
    const spots = heights.map((height, index) => seen([at(index % N / (N - 1), data.bounds[0]), at(Math.floor(index / N) / (N - 1), data.bounds[1])], height));
    for (let row = 0; row + 1 < N; row += 1) for (let column = 0; column + 1 < N; column += 1) {
      const corners = [row * N + column, row * N + column + 1, (row + 1) * N + column + 1, (row + 1) * N + column];
      if (corners.every((one) => Number.isFinite(heights[one]))) faces.push({ away: corners.reduce((sum, one) => sum + spots[one][2], 0), corners });
    }
    faces.sort((a, b) => b.away - a.away);
    for (const { corners } of faces) {
      const mean = corners.reduce((sum, one) => sum + heights[one], 0) / 4, [red, green, blue] = ramp(share(mean) ** power);
      pen.fillStyle = pen.strokeStyle = `rgb(${red},${green},${blue})`;
      pen.lineWidth = 0.7;
      pen.beginPath();
      for (const one of corners) pen.lineTo(spots[one][0], spots[one][1]);
      pen.closePath();
      pen.fill();
      pen.stroke();
    }
    walk(pen, seen);
    if (pointed && live) mark(pen, seen(pointed, value(pointed)));
  }

  const facts = make("ol", { class: "paths" }), read = make("div", { class: "read" }, live ? "Click the map to start another descent there." : "The page cannot compute this function, so there are no other starts.");
  function draw() {
    drawMap();
    drawSolid();
    facts.replaceChildren(...paths.map((path, index) => {
      const which = Math.min(step, path.points.length - 1), end = path.points.length - 1;
      return make("li", { style: `--path: ${PATHS[index % PATHS.length]}` }, `step ${which}: (${path.points[which].map((x) => figure(x)).join(", ")}), value ${figure(path.values[which])}` + (which === end ? ` – ${path.stopped === "steps" ? "not there yet" : path.stopped}` : ""));
    }));
  }

  let controls = /** @type {any} */ (null);
  function restart() {
    fit();
    const last = Math.max(1, ...paths.map((path) => path.points.length - 1)), before = controls;
    controls = bar(frame, { last, pause: Math.max(80, Math.min(500, 6000 / last)), label: "Step", show: (wanted) => { step = wanted; draw(); return `Step ${step} of ${last}`; } });
    if (before) { before.row.replaceWith(controls.row); before.status.replaceWith(controls.status); before.end(); }
  }
  restart();

  function again(start) {
    paths.push(descend(start));
    if (paths.length > PATHS.length) paths.splice(1, 1);
    restart();
    controls.last();
  }

  map.made.tabIndex = 0;
  const where = (event) => { const box = map.made.getBoundingClientRect(); return unplaced((event.clientX - box.left) / box.width * SIDE, (event.clientY - box.top) / box.height * SIDE); };
  map.made.addEventListener("pointermove", (event) => {
    pointed = where(event);
    if (live) read.textContent = `(${pointed.map((x) => figure(x, false, 3)).join(", ")}): ${figure(value(pointed))}; click to start here.`;
    draw();
  });
  map.made.addEventListener("pointerleave", () => { pointed = null; draw(); });
  map.made.addEventListener("click", (event) => { if (live) again(where(event)); });
  if (solid) {
    solid.made.classList.add("turns");
    solid.made.addEventListener("pointerdown", (event) => solid.made.setPointerCapture(event.pointerId));
    solid.made.addEventListener("pointermove", (event) => {
      if (event.buttons !== 1) return;
      turn += event.movementX / 120;
      tilt = Math.max(0.05, Math.min(1.5, tilt + event.movementY / 160));
      drawSolid();
    });
  }
  const tools = make("div", { class: "bar" });
  const tool = (text, act) => { const made = make("button", { type: "button" }, text); made.addEventListener("click", act); tools.append(made); };
  if (solid) { tool("Turn left", () => { turn -= 0.3; draw(); }); tool("Turn right", () => { turn += 0.3; draw(); }); }
  if (live) {
    const span = Math.log10(Math.max(rate, 1e-6)), shown = make("output", {}, figure(rate)), slider = make("input", { type: "range", min: span - 2, max: span + 2, step: 0.02, value: span, "aria-label": "Learning rate" });
    slider.addEventListener("input", () => { rate = 10 ** Number(slider.value); shown.textContent = figure(rate, false, 3); paths.forEach((path, index) => { paths[index] = descend(path.points[0]); }); restart(); controls.last(); });
    tools.append(make("label", { class: "knob" }, make("span", {}, "learning rate"), slider, shown));
    tool("Random start", () => again(data.bounds.map((bound) => at(0.08 + 0.84 * Math.random(), bound))));
    tool("Clear", () => { paths.splice(1); restart(); controls.last(); });
  }
  frame.append(make("div", { class: "views" }, ...(solid ? [solid.made] : []), map.made), read, facts, controls.status, tools, controls.row);
  shadow.append(frame);
  opened.redraw = draw;
  controls.last();
}
