// Arithmetic: primitives by IEEE 754, figures as Python prints them, and a graph computed forward and backward.
// A program is a list of nodes, operands first: a number for a leaf, or [row, operand, …] with the index of a node or
// [number] for each operand. `rows` are those of the package's table: row -> [value, a partial times g for each operand].
// 2/√π e^(−x²) Σ 2ⁿ x^(2n+1) / (2n+1)!!, whose terms are all of one sign (Abramowitz and Stegun 7.1.6).
function series(x) {
  let term = x, total = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n += 1) total += term *= 2 * x * x / (2 * n + 1);
  return 1.1283791670955126 * Math.exp(-x * x) * total;
}

// e^(−x²)/√π · 1/(x + ½/(x + 1/(x + ³⁄₂/(x + …)))), for x of 1 and more (7.1.14).
function fraction(x) {
  let below = x;
  for (let n = Math.ceil(20 + 220 / (x * x)); n > 0; n -= 1) below = x + n / 2 / below;
  const high = Math.fround(x);
  return Math.exp(-high * high) * Math.exp((high - x) * (high + x)) / below * 0.5641895835477563;
}

const erfc = (x) => (Number.isNaN(x) ? x : x > 27 ? 0 : x >= 1 ? fraction(x) : x < -1 ? 2 - erfc(-x) : 1 - series(x));
const erf = (x) => (Math.abs(x) < 1 || Number.isNaN(x) ? series(x) : x > 0 ? 1 - erfc(x) : erfc(-x) - 1);

function mod(x, y) {
  if (y === 0) return NaN;
  const rest = x % y;
  return rest === 0 ? (y < 0 || Object.is(y, -0) ? -0 : 0) : rest < 0 !== y < 0 ? rest + y : rest;
}

function floordiv(x, y) {
  const rest = x % y, near = (x - rest) / y - (rest !== 0 && rest < 0 !== y < 0 ? 1 : 0), whole = Math.floor(near);
  return y === 0 ? x / y : near === 0 ? 0 * (x / y) : near - whole > 0.5 ? whole + 1 : whole;
}

// The decimals of a number, cut where a tie leaves an even digit; null where there is no such tie.
const tied = (exact, cut) => (/^50*$/.test(exact.slice(cut)) && "02468.".includes(exact[cut - 1]) ? exact.slice(0, cut) : null);

function round(x, y) {
  const size = Math.abs(x), places = Math.trunc(y), unit = 10 ** -places;
  if (!Number.isFinite(x) || places > 100 || places >= 0 && size >= 1e21) return x;
  const low = size - size % unit, rest = size % unit, exact = size.toFixed(100);
  const up = rest > unit / 2 || rest === unit / 2 && low / unit % 2 === 1;
  const near = places > 0 ? Number(tied(exact, exact.length - 100 + places) ?? size.toFixed(places)) : up ? low + unit : low;
  return x < 0 || Object.is(x, -0) ? -near : near;
}

export const ieee = {
  erf, erfc, mod, floordiv, round, ndtr: (x) => 0.5 * erfc(-x * Math.SQRT1_2),
  pow: (x, y) => (x === 1 || x === -1 && Math.abs(y) === Infinity ? 1 : x ** y),
};
for (const name of Object.getOwnPropertyNames(Math)) if (typeof Math[name] === "function" && !(name in ieee)) ieee[name] = Math[name];

// Python's "%.4g" with a true minus: a tie, which decimals show exactly, goes to the even digit.
export function figure(number, sign = false, digits = 4) {
  if (Number.isNaN(number)) return "nan";
  const minus = number < 0 ? "−" : sign && number > 0 ? "+" : "", size = Math.abs(number);
  if (size === Infinity || size === 0) return size ? minus + "inf" : "0";
  const [exact, power] = size.toExponential(100).replace(".", "").split("e");
  const [rounded, grown] = size.toExponential(digits - 1).replace(".", "").split("e");
  const even = tied(exact, digits), kept = (even ?? rounded).replace(/0+$/, ""), exponent = Number(even ? power : grown);
  if (exponent < -4 || exponent >= digits) {
    const tail = kept.length > 1 ? "." + kept.slice(1) : "";
    return minus + kept[0] + tail + "e" + (exponent < 0 ? "−" : "+") + String(Math.abs(exponent)).padStart(2, "0");
  }
  if (exponent < 0) return minus + "0." + "0".repeat(-1 - exponent) + kept;
  const whole = kept.slice(0, exponent + 1).padEnd(exponent + 1, "0"), tail = kept.slice(exponent + 1);
  return minus + whole + (tail && "." + tail);
}

// A number beside an axis, which is 0 where the axis is too long to tell.
export const tick = (x, range) => figure(Math.abs(x) < 2e-3 * range ? 0 : x, false, 2);

const operand = (found, part) => (Array.isArray(part) ? Number(part[0]) : found[part]);
const holds = (found, part) => (typeof part === "boolean" ? part : operand(found, part) !== 0);

// The value of every node; `leaves` gives other numbers for some of them, by index.
export function forward(rows, program, leaves = {}) {
  const found = [];
  program.forEach((node, at) => {
    if (!Array.isArray(node)) { found.push(Number(leaves[at] ?? node)); return; }
    const [row, ...parts] = node;
    if (row === "?") found.push(operand(found, parts[holds(found, parts[0]) ? 1 : 2]));
    else if (row === "Σ") found.push(parts.reduce((sum, part) => sum + operand(found, part), 0));
    else found.push(rows[row][0](...parts.map((part) => operand(found, part))));
  });
  return found;
}

// What each operand of a node receives of its gradient g: [position, node, partial, share], plain numbers left out.
export function flows(rows, program, values, at, g) {
  const [row, ...parts] = program[at];
  if (row === "?") {
    const taken = holds(values, parts[0]) ? 1 : 2;
    return Array.isArray(parts[taken]) ? [] : [[taken, parts[taken], 1, g]];
  }
  const operands = parts.map((part) => operand(values, part));
  return parts.flatMap((part, position) => {
    if (Array.isArray(part)) return [];
    if (row === "Σ") return [[position, part, 1, g]];
    const share = (of) => rows[row][position + 1](operands[0], operands[1], values[at], of);
    return [[position, part, share(1), share(g)]];
  });
}

// The backward pass from a node: the gradient of each node (undefined where none arrives), and the steps in order,
// [node, gradient, [[position, operand, partial, share, before, after], …]].
export function backward(rows, program, values, root = program.length - 1, seed = 1) {
  const gradients = [], steps = [];
  gradients[root] = seed;
  for (let at = root; at >= 0; at -= 1) {
    if (gradients[at] === undefined || !Array.isArray(program[at])) continue;
    steps.push([at, gradients[at], flows(rows, program, values, at, gradients[at]).map((flow) => {
      const before = gradients[flow[1]] ?? 0;
      gradients[flow[1]] = before + flow[3];
      return [...flow, before, gradients[flow[1]]];
    })]);
  }
  return { gradients, steps };
}
