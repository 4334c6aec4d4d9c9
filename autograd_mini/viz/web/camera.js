// A camera: which part of a picture is seen, moved by wheel, pinch, drag, keys and by what has to be in view.

import { make } from "./text.js";

const GLIDE = 420, LEAST = 0.08, MOST = 24, ROOM = 18;
export const LEGIBLE = 0.62; // the least scale at which a picture is shown whole
const FOOT = 40; // pixels at the lower edge where buttons stand
const MAPPED = 40; // cards from which on there is a map

// Return how far a motion has come that starts and ends slowly, for the part t of its time.
export const ease = (t) => t < 0.5 ? 4 * t ** 3 : 1 - (2 - 2 * t) ** 3 / 2;

// Return the box around boxes.
function around(boxes) {
  const left = Math.min(...boxes.map((box) => box[0])), top = Math.min(...boxes.map((box) => box[1]));
  const right = Math.max(...boxes.map((box) => box[0] + box[2])), bottom = Math.max(...boxes.map((box) => box[1] + box[3]));
  return [left, top, right - left, bottom - top];
}

// Tell whether an element stands in something that scrolls: the page, or a notebook.
function scrolls(element) {
  for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
    if (at.scrollHeight > at.clientHeight + 1 && (at === document.scrollingElement || /auto|scroll/.test(getComputedStyle(at).overflowY))) return true;
  }
  return false;
}

export class Camera {
  // `view` is the <svg>, `world` the group in it that is moved; `still` tells whether motion is unwanted.
  constructor(view, world, still) {
    this.view = view;
    this.world = world;
    this.still = still;
    this.x = this.y = this.moves = 0;
    this.k = 1;
    this.size = [1, 1];
    this.head = 0; // pixels at the upper edge that are kept free
    this.own = null; // the scale that the reader chose
    this.touches = new Map();
    this.map = null;
    view.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    view.addEventListener("pointerdown", (event) => this.touch(event));
    view.addEventListener("pointermove", (event) => this.drag(event));
    for (const name of ["pointerup", "pointercancel"]) view.addEventListener(name, (event) => this.release(event));
  }

  get width() { return this.view.clientWidth || 1; }
  get height() { return Math.max(1, this.view.clientHeight - FOOT - this.head); }

  put(x, y, k) {
    this.x = x;
    this.y = y;
    this.k = k;
    this.world.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)}) scale(${k.toFixed(4)})`);
    if (this.map) this.map();
  }

  // Go to a place, gliding unless that is unwanted.
  go(x, y, k, at_once = false) {
    const move = ++this.moves, from = [this.x, this.y, this.k], start = performance.now();
    this.target = [x, y, k];
    if (at_once || this.still() || Math.abs(x - this.x) + Math.abs(y - this.y) < 1 && k === this.k) return this.put(x, y, k);
    const frame = (now) => {
      if (move !== this.moves) return;
      const t = ease(Math.min(1, Math.max(0, (now - start) / GLIDE)));
      this.put(...from.map((value, at) => value + (this.target[at] - value) * t));
      if (t < 1) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  // The scale at which a box is as large as can be seen whole.
  scale(w, h) { return Math.min((this.width - 2 * ROOM) / w, (this.height - 2 * ROOM) / h); }

  // The scale at which boxes are all seen.
  scaleOf(boxes) { return this.scale(...around(boxes).slice(2)); }

  // Show the whole picture.
  fit(at_once) {
    this.own = null;
    this.centre(0, 0, ...this.size, Math.min(1.25, this.scale(...this.size)), at_once);
  }

  centre(left, top, w, h, k, at_once) {
    const place = (middle, size, room) => {
      const whole = size * k, wanted = room / 2 - middle * k;
      return whole <= room - 2 * ROOM ? (room - whole) / 2 : Math.min(ROOM, Math.max(room - ROOM - whole, wanted));
    };
    this.go(place(left + w / 2, this.size[0], this.width), this.head + place(top + h / 2, this.size[1], this.height), k, at_once);
  }

  // Bring boxes into view, whole; where the whole picture can be read, that.
  frame(boxes, at_once) {
    if (!boxes.length) return;
    const box = around(boxes), whole = this.scale(...this.size), needed = this.scale(box[2], box[3]);
    const wanted = this.own ?? (whole > LEGIBLE ? Math.min(1.25, whole) : 1);
    this.centre(...box, Math.min(wanted, needed), at_once);
  }

  zoom(factor, px = this.width / 2, py = this.height / 2, at_once = false) {
    const k = Math.min(MOST, Math.max(LEAST, this.k * factor)), ratio = k / this.k;
    this.own = k;
    this.go(px - (px - this.x) * ratio, py - (py - this.y) * ratio, k, at_once);
  }

  pan(dx, dy, at_once = false) { this.go(this.x + dx, this.y + dy, this.k, at_once); }

  // The wheel zooms; in a page that scrolls only where the picture has the focus, or with Ctrl, as a pinch sends it.
  wheel(event) {
    if (!event.ctrlKey && !this.view.closest(".stage").matches(":focus-within") && scrolls(this.view)) return;
    event.preventDefault();
    const frame = this.view.getBoundingClientRect();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0022)), event.clientX - frame.left, event.clientY - frame.top, true);
  }

  touch(event) {
    if (event.button) return;
    this.touches.set(event.pointerId, [event.clientX, event.clientY]);
    this.dragged = false;
  }

  drag(event) {
    const before = this.touches.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    if (!this.dragged && Math.hypot(now[0] - before[0], now[1] - before[1]) < 4) return;
    if (!this.dragged) this.view.setPointerCapture(event.pointerId);
    this.dragged = true;
    const other = [...this.touches].find(([id]) => id !== event.pointerId);
    if (other) {
      const distance = (a) => Math.hypot(a[0] - other[1][0], a[1] - other[1][1]) || 1, frame = this.view.getBoundingClientRect();
      const x = (now[0] + other[1][0]) / 2 - frame.left, y = (now[1] + other[1][1]) / 2 - frame.top;
      this.zoom(distance(now) / distance(before), x, y, true);
    } else this.pan(now[0] - before[0], now[1] - before[1], true);
    this.touches.set(event.pointerId, now);
  }

  release(event) { this.touches.delete(event.pointerId); }

  // Add a small map of all cards with a frame around what is seen; it can be clicked and dragged.
  addMap(boxes) {
    if (boxes.length <= MAPPED) return null;
    const cards = make("svg:path", { class: "dots" }), seen = make("svg:rect", { class: "seen" });
    const map = make("svg:svg", { class: "map", "aria-hidden": "true" }, cards, seen);
    const draw = (places) => cards.setAttribute("d", places.map(([x, y, w, h]) => `M${x},${y}h${w}v${h}h${-w}z`).join(""));
    draw(boxes);
    this.map = () => {
      const [w, h] = this.size;
      map.setAttribute("viewBox", `0 0 ${w} ${h}`);
      const box = { x: -this.x / this.k, y: -this.y / this.k, width: this.width / this.k, height: this.height / this.k };
      for (const [name, value] of Object.entries(box)) seen.setAttribute(name, value);
    };
    const jump = (event) => {
      if (!event.buttons) return;
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
      this.go(this.width / 2 - point.x * this.k, this.height / 2 - point.y * this.k, this.k, true);
    };
    map.addEventListener("pointerdown", jump);
    map.addEventListener("pointermove", jump);
    this.redraw = draw;
    return map;
  }
}
