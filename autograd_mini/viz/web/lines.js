// What a step says: in symbols, in numbers and in words; its terms and the cards and wires they are about light each other up.

import { figure } from "./arithmetic.js";
import { factorText, make, tone } from "./text.js";
import { derivativeMath, formulaMath, nameMath, numberMath, said } from "./mathematics.js";

const SHOWN = 4; // receivers of a step that are written out

// Return a name as it stands in a formula: in brackets if it is more than a name.
const bracketed = (name) => /^[\p{L}_][\p{L}\p{N}_]*(\[[\p{L}\p{N}_]+\]|\.[\p{L}\p{N}_]+)*$/u.test(name) ? name : `[${name}]`;

const equation = (...parts) => make("math:math", { displaystyle: "true" }, make("math:mrow", {}, ...parts.map((part) => typeof part === "string" ? make("math:mo", {}, part) : part)));
const line = (kind, ...parts) => make("div", { class: "line " + kind }, ...parts);

// Return what makes a term that lights up a card or a wire.
const marked = (element, card, wire = "") => {
  if (card) element.setAttribute("data-card", card);
  if (wire) element.setAttribute("data-wire", wire);
  return make("math:mrow", { class: "term", ...(card ? { "data-card": card } : {}), ...(wire ? { "data-wire": wire } : {}) }, element);
};

// Return a step of about a hundredth, as round as its value is large.
function nudge(value) {
  return Math.abs(value) >= 10 && Number.isFinite(value) ? 10 ** (Math.floor(Math.log10(Math.abs(value))) - 2) : 0.01;
}

// Return the name that a card has, as mathematics that lights it up.
export function cardMath(cards, id) {
  const card = cards.cards.get(id);
  return marked(card.kind === "constant" ? numberMath(card.value) : nameMath(card.name), id);
}

// Return names and numbers for the operands and the result of a card, as they stand in a formula: of operands that have
// one name, each in its turn.
function written(cards, id, values) {
  const named = new Map();
  for (const key of [...cards.cards.get(id).args || [], id]) {
    const card = cards.cards.get(key), name = bracketed(card.name);
    if (card.kind !== "constant") named.set(name, [...named.get(name) ?? [], key]);
  }
  const shown = (key) => values ? marked(numberMath(values[key]), key) : cardMath(cards, key);
  return Object.fromEntries([...named].map(([name, keys]) => {
    let turn = 0;
    return [name, () => shown(keys[turn++ % keys.length])];
  }));
}

const SAID = { mul: "times", add: "plus", sub: "minus", truediv: "divided by", pow: "to the power of" };

// Return an operation in words: "x1 times w1", "tanh of v4", "the sum of 8 terms".
function told(cards, id) {
  const card = cards.cards.get(id), names = (card.args || []).map((key) => cards.cards.get(key).name);
  if (card.op === "sum") return said`The sum of ${names.length} terms`;
  const between = card.op in SAID && names.length === 2 ? ` ${SAID[card.op]} ` : " and ";
  return said`${between === " and " ? `${card.op} of ` : ""}${names.flatMap((name, at) => said`${at ? between : ""}${{ name }}`)}`;
}

export function linesOf(stage) {
  const { cards, data, numbers, step } = stage, event = data.steps[step], name = cards.cards.get(event.card).name;
  const root = data.root ? cards.cards.get(data.root).name : "";
  const partial = (card) => marked(derivativeMath(nameMath(root), nameMath(cards.cards.get(card).name)), card);
  if (event.phase === "forward") return [forward()];
  if (event.phase === "seed") {
    return [[
      line("symbols", equation(partial(event.card), "=", make("math:mn", {}, figure(numbers.steps[step].grad)))),
      line("words", ...said`The backward pass starts here: ${{ name: root }} changes exactly as much as itself.`),
    ]];
  }
  const blocks = numbers.steps[step].parts.slice(0, SHOWN).map(backward);
  const more = numbers.steps[step].parts.length - SHOWN;
  if (more > 0) blocks.push([line("words", `… and ${more} more, each by its own factor.`)]);
  return blocks;

  function forward() {
    const value = numbers.values[event.card], result = cardMath(cards, event.card);
    const symbols = formulaMath(event.text, written(cards, event.card));
    const inNumbers = formulaMath(event.text, written(cards, event.card, numbers.values));
    return [
      line("symbols", equation(result, "=", symbols)),
      line("numbers", equation(result.cloneNode(true), "=", inNumbers, "=", numberMath(value, { loose: true }))),
      line("words", ...told(cards, event.card), ` is ${figure(value)}.`),
    ];
  }

  function backward([id, factor, share, before, after]) {
    const wire = cards.wires.get(id), card = cards.cards.get(wire.from), formula = numbers.formulas?.[id] ?? wire.formula;
    const several = card.uses.length > 1 || card.before !== undefined, grad = numbers.steps[step].grad;
    const position = card.uses.indexOf(id), left = card.uses.length - 1 - position;
    const local = marked(derivativeMath(nameMath(name), nameMath(card.name)), "", id);
    const ends = event.card === data.root; // where ∂L/∂L = 1 is left out
    const ahead = () => ends ? [] : [partial(event.card), "·"];
    const sides = [several ? [] : [partial(card.id)], ends && !several ? [] : [...ahead(), local]];
    if (formula && formula !== figure(factor)) {
      const loose = !ends && (/ [+−%] | \/\/ /.test(formula.replace(/\([^()]*\)/g, "")) || formula.startsWith("−"));
      const inner = formulaMath(formula, written(cards, event.card));
      sides.push([...ahead(), marked(loose ? make("math:mrow", {}, make("math:mo", {}, "("), inner, make("math:mo", {}, ")")) : inner, "", id)]);
    } else if (ends) sides.push([marked(numberMath(factor, { loose: true }), "", id)]);
    const symbols = sides.filter((side) => side.length).flatMap((side, at) => at ? ["=", ...side] : side);
    const numeric = [marked(numberMath(grad, { loose: true }), event.card), "×", marked(numberMath(factor), "", id), "=", colour(share)];
    const sum = several && (position > 0 || card.before !== undefined) ?
      ["so far", equation(numberMath(before, { loose: true }), "+", numberMath(share), "=", colour(after))] : [];
    return [
      line("head", make("b", { "data-card": card.id, class: "term" }, equation(nameMath(card.name))), ...(several ? said` by way of ${{ name }}` : []), several ? make("span", { class: "count" }, `part ${position + 1} of ${card.uses.length}`) : ""),
      line("symbols", equation(...symbols)),
      line("numbers", equation(...numeric), ...sum.map((part) => typeof part === "string" ? make("span", { class: "so" }, part) : part)),
      line("words", ...words(card, share, after, several, left)),
    ];
  }

  function colour(x) {
    return make("math:mrow", { class: "result " + tone(x) }, numberMath(x, { loose: true }));
  }

  function words(card, share, after, several, left) {
    if (![share, after].every(Number.isFinite)) return [`This is no number to go by: something here is ${figure(Number.isFinite(share) ? after : share)}.`];
    const h = nudge(numbers.values[card.id]), own = several ? after : share, result = { name: root };
    const effect = (slope) => slope === 0 ? said`leaves ${result} as it is` : said`${slope > 0 ? "raises" : "lowers"} ${result} by about ${figure(Math.abs(slope * h), false, 2)}`;
    const raising = (verb) => said`${verb} ${card} by ${figure(h)}`;
    if (!several) return said`${raising("Raising")} ${effect(own)}.`;
    if (left > 0) return said`By this way alone, ${raising("raising")} ${effect(share)}; ${left === 1 ? "one part is" : left + " parts are"} still to come.`;
    return card.before === undefined ? said`All parts are there: ${raising("raising")} ${effect(own)}.` :
      said`Added to ${figure(card.before)} from before, which is no part of this ${result}: zero_grad would have removed it.`;
  }
}

// Return the step as one text, for screen readers.
export function spoken(stage) {
  const { cards, data, numbers, step } = stage, event = data.steps[step], name = cards.cards.get(event.card).name;
  if (event.phase === "forward") return `${name} = ${event.text} = ${figure(numbers.values[event.card])}`;
  if (event.phase === "seed") return `The gradient of ${name} is ${figure(numbers.steps[step].grad)}`;
  return numbers.steps[step].parts.slice(0, SHOWN).map(([id, factor, share, before, after]) => {
    const receiver = cards.cards.get(cards.wires.get(id).from).name;
    return `${receiver} receives ${factorText(numbers.steps[step].grad)} times ${factorText(factor)} = ${figure(share)}, its gradient goes from ${figure(before)} to ${figure(after)}`;
  }).join(". ");
}
