// Texts and elements: numbers as Python writes them, and elements of HTML, SVG and MathML.

const SPACES = { svg: "http://www.w3.org/2000/svg", math: "http://www.w3.org/1998/Math/MathML" };

// Return an element: make("div", {class: "a"}, "text", child), make("svg:g"), make("math:mi").
export function make(name, attributes = {}, ...children) {
  const [space, tag] = name.includes(":") ? name.split(":") : ["", name];
  const element = space ? document.createElementNS(SPACES[space], tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

// Return the digits of |x| and its exponent of ten, correctly rounded, of a tie the even ones.
function rounded(x, digits) {
  let [mantissa, power] = x.toExponential(digits - 1).split("e");
  const [exact] = x.toExponential(60).split("e");
  const rest = exact.replace(".", "").slice(digits);
  if (/^50*$/.test(rest)) {
    const kept = exact.replace(".", "").slice(0, digits);
    if (Number(kept[digits - 1]) % 2 === 0) {
      mantissa = kept[0] + (digits > 1 ? "." + kept.slice(1) : "");
      power = x.toExponential(60).split("e")[1];
    }
  }
  return [mantissa.replace(".", ""), Number(power)];
}

// Return a number as Python's "%.4g" has it, with a true minus, and a plus if asked.
export function figure(x, sign = false, digits = 4) {
  if (Number.isNaN(x)) return "nan";
  const before = x < 0 ? "−" : sign && x > 0 ? "+" : "";
  if (!Number.isFinite(x)) return before + "inf";
  if (x === 0) return "0";
  const [mantissa, power] = rounded(Math.abs(x), digits);
  const trim = (text) => text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  if (power < -4 || power >= digits) {
    const size = String(Math.abs(power)).padStart(2, "0");
    return before + trim(mantissa[0] + "." + mantissa.slice(1)) + "e" + (power < 0 ? "−" : "+") + size;
  }
  if (power < 0) return before + trim("0." + "0".repeat(-power - 1) + mantissa);
  return before + trim(mantissa.slice(0, power + 1) + "." + mantissa.slice(power + 1));
}

// Return a gradient as cards have it.
export function gradientText(x) {
  return x === null || x === undefined ? "–" : figure(x, true) + (Number.isFinite(x) ? "" : " !");
}

// Return a number as it stands in a product: a negative one in brackets.
export function factorText(x) {
  const text = figure(x);
  return text.startsWith("−") ? "(" + text + ")" : text;
}

// Return the name of the class of a sign: "p", "n" or "".
export function tone(x) {
  return x > 0 ? "p" : x < 0 ? "n" : "";
}
