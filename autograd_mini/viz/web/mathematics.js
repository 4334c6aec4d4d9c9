// Mathematics: names with indices and formulas with fractions, as MathML, which browsers set and screen readers read.

import { figure } from "./arithmetic.js";
import { make } from "./text.js";

const row = (...parts) => make("math:mrow", {}, ...parts);
const operator = (text) => make("math:mo", {}, text);

// Return a name as it is written: w[1][2][3] is w with 23 below and [1] above, x1 is x with 1 below.
export function nameMath(name) {
  let found = /^([A-Za-zα-ωΑ-Ω]+)((?:\[\d+\])+)$/.exec(name);
  if (found) {
    const indices = found[2].slice(1, -1).split("][");
    const [layer, ...rest] = indices.length > 1 || /^[wb]$/.test(found[1]) ? indices : [null, ...indices];
    const letter = make("math:mi", {}, found[1]);
    if (layer === null) return make("math:msub", {}, letter, make("math:mn", {}, rest[0]));
    const below = rest.join(rest.every((index) => index.length === 1) ? "" : ",");
    const above = make("math:mtext", {}, "[" + layer + "]");
    if (!below) return make("math:msup", {}, letter, above);
    return make("math:msubsup", {}, letter, make("math:mn", {}, below), above);
  }
  found = /^([A-Za-zα-ωΑ-Ω])_?(\d+)$/.exec(name);
  if (found) return make("math:msub", {}, make("math:mi", {}, found[1]), make("math:mn", {}, found[2]));
  return make(/^[\p{L}\p{N}_]+$/u.test(name) ? "math:mi" : "math:mtext", {}, name);
}

// Return the parts of a sentence, its names set where they have indices: said`raising ${{ name }} by ${number}`.
export function said(texts, ...parts) {
  const shown = parts.map((part) => {
    if (part.name === undefined) return part;
    const name = nameMath(part.name);
    return name.firstElementChild ? make("math:math", {}, name) : part.name;
  });
  return texts.flatMap((text, at) => [text, shown[at] ?? ""]).flat().filter((part) => part !== "");
}

// Return ∂result/∂operand.
export function derivativeMath(result, operand) {
  return make("math:mfrac", {}, row(operator("∂"), result), row(operator("∂"), operand));
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻";

// Return a formula as MathML. `written` gives for every name in it, as it stands there, what to put in its place;
// where that says it is loose (a negative number), it gets brackets before a power.
export function formulaMath(text, written) {
  const names = Object.keys(written).sort((a, b) => b.length - a.length);
  let at = 0;
  const take = (mark) => text.startsWith(mark, at) && (at += mark.length) > 0;

  function list() {
    const parts = [sum()];
    while (take(", ")) parts.push(operator(","), sum());
    return row(...parts);
  }

  function sum() {
    const parts = [];
    if (take("−") || take("-")) parts.push(operator("−"));
    parts.push(product());
    for (;;) {
      const mark = [" + ", " − ", " - ", " % ", " // "].find((sign) => text.startsWith(sign, at));
      if (!mark) return parts.length > 1 ? row(...parts) : parts[0];
      at += mark.length;
      if (mark === " + " && text[at] === "…") { at += 1; parts.push(operator("+"), operator("…")); continue; }
      parts.push(operator(mark.trim().replace("-", "−")), product());
    }
  }

  function product() {
    let left = power();
    for (;;) {
      if (take(" / ")) left = make("math:mfrac", {}, left, power());
      else if (take("·") || take(" × ")) left = row(left, operator("·"), power());
      else return left;
    }
  }

  function power() {
    const base = atom();
    let above = "";
    while (at < text.length && SUPERSCRIPTS.includes(text[at])) above += "0123456789−"[SUPERSCRIPTS.indexOf(text[at++])];
    if (above) return make("math:msup", {}, base, make("math:mn", {}, above));
    if (take("^") || take(" ^ ")) return make("math:msup", {}, base, take("−") ? row(operator("−"), atom()) : atom());
    return base;
  }

  function atom() {
    if (take("(")) {
      const inner = list();
      if (!take(")")) throw new Error("no bracket");
      return row(operator("("), inner, operator(")"));
    }
    for (const name of names) {
      const after = text[at + name.length];
      if (text.startsWith(name, at) && !(after && /[\p{L}\p{Nd}_]/u.test(after) && /[\p{L}\p{Nd}_]$/u.test(name))) {
        at += name.length;
        return written[name]();
      }
    }
    const number = /^(\d+(\.\d+)?(e[−+]?\d+)?|inf|nan)/.exec(text.slice(at));
    if (number) {
      at += number[0].length;
      return make("math:mn", {}, number[0]);
    }
    const word = /^[\p{L}_][\p{L}\p{N}_]*(?=\()/u.exec(text.slice(at));
    if (!word) throw new Error("no atom");
    at += word[0].length;
    return row(make("math:mi", { mathvariant: "normal" }, word[0]), atom());
  }

  try {
    const made = sum();
    if (at === text.length) return made;
  } catch { /* shown as it stands */ }
  return make("math:mtext", {}, text);
}

// Return a number: a negative one in brackets if it stands in a product.
export function numberMath(x, { loose = false, sign = false } = {}) {
  const text = figure(x, sign);
  const signed = /^[−+]/.exec(text);
  const digits = make("math:mn", {}, signed ? text.slice(1) : text);
  if (!signed) return digits;
  const inner = row(operator(signed[0]), digits);
  return loose ? inner : row(operator("("), inner, operator(")"));
}
