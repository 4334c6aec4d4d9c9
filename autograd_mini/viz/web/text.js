// Texts and elements: numbers as cards have them, and elements of HTML, SVG and MathML.

import { figure } from "./arithmetic.js";

const SPACES = { svg: "http://www.w3.org/2000/svg", math: "http://www.w3.org/1998/Math/MathML" };

// Return an element: make("div", {class: "a"}, "text", child), make("svg:g"), make("math:mi").
export function make(name, attributes = {}, ...children) {
  const [space, tag] = name.includes(":") ? name.split(":") : ["", name];
  const element = space ? document.createElementNS(SPACES[space], tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

// Return a gradient as cards have it.
export function gradientText(x) {
  return x === null || x === undefined ? "–" : figure(x, true) + (Number.isFinite(x) ? "" : " !");
}

// Return a number as it stands in a product: a negative one in brackets.
export const factorText = (x, digits = 4) => figure(x, false, digits).replace(/^−.*/, "($&)");

// Return the name of the class of a sign: "p", "n" or "".
export function tone(x) {
  return x > 0 ? "p" : x < 0 ? "n" : "";
}
