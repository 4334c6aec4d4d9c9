// Paths: from the result back to a leaf, one after the other, and what one backward pass spares.

import { figure } from "./arithmetic.js";
import { said } from "./mathematics.js";
import { factorText, make } from "./text.js";

const LISTED = 40, BEAT = 900, RACE = 6000;

export function attachPaths(stage) {
  const { wires, root } = stage.data, flowing = wires.filter((wire) => wire.partial !== undefined);
  if (!root || !flowing.length) return;
  const into = new Map(), from = new Map(), names = Object.fromEntries(stage.data.cards.map((card) => [card.id, card.name]));
  const add = (map, key, wire) => map.set(key, [...(map.get(key) || []), wire]);
  for (const wire of flowing) { add(into, wire.to, wire); add(from, wire.from, wire); }
  const panel = make("div", { class: "paths", hidden: "" });
  let timer = null, tokens = 0;

  // For each card the number of paths from the result to it, and the number of wires on all of them.
  const ways = new Map([[root, [1, 0]]]);
  function waysTo(id) {
    if (!ways.has(id)) {
      ways.set(id, [0, 0]);
      const found = (from.get(id) || []).map((wire) => waysTo(wire.to));
      ways.set(id, found.reduce(([n, l], [count, long]) => [n + count, l + long + count], [0, 0]));
    }
    return ways.get(id);
  }

  function listed(leaf) {
    const found = [], useful = new Set(), mark = (id) => { if (!useful.has(id)) { useful.add(id); for (const wire of from.get(id) || []) mark(wire.to); } };
    mark(leaf);
    const walk = (id, way) => {
      if (found.length >= LISTED) return;
      if (id === leaf) { found.push(way); return; }
      for (const wire of into.get(id) || []) if (useful.has(wire.from)) walk(wire.from, [...way, wire]);
    };
    walk(root, []);
    return found;
  }

  const product = (way) => way.reduce((all, wire) => all * stage.numbers.partials[wire.id], 1);
  const light = (way) => stage.highlight({ cards: [root, ...way.map((wire) => wire.from)], wires: way.map((wire) => wire.id) });

  function stop() {
    clearTimeout(timer);
    tokens += 1;
    timer = null;
  }

  function close() {
    stop();
    stage.highlight(null);
    panel.hidden = true;
    panel.replaceChildren();
    open = null;
  }

  let open = null;
  function show(leaf) {
    stop();
    open = leaf;
    const all = listed(leaf), [count] = waysTo(leaf), rest = count - all.length;
    const list = make("ol", {}), total = make("p", { class: "total", "aria-live": "polite" });
    const items = all.map((way) => {
      const factors = way.map((wire) => factorText(stage.numbers.partials[wire.id])).join(" × ");
      const passed = [root, ...way.map((wire) => wire.from)].flatMap((id, at) => said`${at ? " → " : ""}${{ name: names[id] }}`);
      const item = make("button", { type: "button" }, ...passed, `:  ${factors || "1"} = ${figure(product(way), true)}`);
      item.addEventListener("click", () => { stop(); pick(way, item); });
      list.append(make("li", {}, item));
      return item;
    });
    const pick = (way, item) => { for (const other of items) other.classList.toggle("lit", other === item); light(way); };
    const sum = (until) => {
      const parts = all.slice(0, until).map((way) => factorText(product(way))), value = all.slice(0, until).reduce((whole, way) => whole + product(way), 0);
      const name = said`∂${{ name: names[root] }}/∂${{ name: names[leaf] }}`, more = rest > 0 && until === all.length;
      const shown = parts.length > 9 ? [...parts.slice(0, 7), "…", parts.at(-1)] : parts;
      if (until < all.length || more) return [`${shown.join(" + ")} = ${figure(value)}${more ? `, and ${rest} more paths` : " so far"}`];
      return [...name, parts.length > 1 ? ` = ${shown.join(" + ")} = ${figure(value)}` : ` = ${figure(value)}`];
    };
    function play(at) {
      if (at >= all.length) { stage.highlight(null); items.at(-1)?.classList.remove("lit"); return; }
      pick(all[at], items[at]);
      total.replaceChildren(...sum(at + 1));
      timer = setTimeout(() => play(at + 1), BEAT);
    }
    const tool = (text, act) => { const made = make("button", { type: "button" }, text); made.addEventListener("click", act); return made; };
    panel.replaceChildren(
      make("div", { class: "row" }, make("b", {}, ...said`${count} path${count === 1 ? "" : "s"} from ${{ name: names[root] }} back to ${{ name: names[leaf] }}`), tool("Light them in turn", () => { stop(); play(0); }), tool("Close", close)),
      list, total, race());
    panel.hidden = false;
    total.replaceChildren(...sum(all.length));
    if (stage.reduced) stage.highlight({ cards: [...new Set(all.flat().flatMap((wire) => [wire.from, wire.to]))], wires: all.flat().map((wire) => wire.id) });
    else play(0);
  }

  // Two ways to all gradients, and how many multiplications and additions each takes.
  function race() {
    const leaves = [...from.keys()].filter((id) => !into.has(id));
    const walked = leaves.reduce((all, id) => all + Math.max(0, waysTo(id)[1] - 1), 0);  // k − 1 products a path of k wires, and the sum
    const once = flowing.filter((wire) => wire.to !== root).length + [...from.values()].reduce((all, list) => all + list.length - 1, 0);
    const row = (name, total) => {
      const shown = make("output", {}, figure(total, false, 6)), bar = make("div", { class: "meter" }, make("div"));
      bar.firstChild.style.width = `${100 * Math.max(0.01, total / Math.max(walked, once))}%`;
      return { element: make("div", { class: "lane" }, make("span", {}, name), bar, shown), shown, bar, total };
    };
    const rows = [row("walk every path", walked), row("one backward pass", once)];
    const button = make("button", { type: "button" }, "Count again");
    const run = () => {
      stop();
      const mine = tokens, begun = performance.now(), most = Math.max(walked, once);
      const frame = (now) => {
        if (mine !== tokens || !panel.isConnected) return;
        const part = Math.min(1, Math.max(0, (now - begun) / RACE)), done = Math.expm1(part * Math.log1p(most));
        for (const { shown, bar, total } of rows) {
          const count = part === 1 ? total : Math.min(total, Math.floor(done));
          shown.textContent = figure(count, false, 6) + (count === total ? " ✓" : "");
          bar.firstChild.style.width = `${100 * Math.max(0.01, count / most)}%`;
        }
        if (part < 1) requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
    };
    button.addEventListener("click", run);
    return make("div", { class: "race" }, make("p", {}, `Operations for the gradients of all ${leaves.length} leaves:`), ...rows.map(({ element }) => element), ...(stage.reduced ? [] : [button]));
  }

  stage.on("select", (_, id) => {
    if (into.has(id) || !from.has(id) || stage.data.steps[stage.step]?.phase === "forward") return false;
    if (open === id) close(); else show(id);
    return true;
  });
  stage.on("renumber", () => { if (open) { const kept = open; stage.highlight(null); const still = stage.reduced; show(kept); if (!still) stop(); stage.highlight(null); } });
  stage.on("show", () => { if (open) close(); });
  stage.side.append(panel);
}
