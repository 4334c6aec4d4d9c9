// Guess mode: before a backward step is shown, the reader types a number of it or chooses its sign; a score at the end.

import { figure } from "./arithmetic.js";
import { factorText, make } from "./text.js";

const CLOSE = 0.02; // relative error of an answer that counts as right

// Return the number that a text means, or nan: "−1.5", "-1,5" and "1/4" are numbers.
export function numberOf(text) {
  const plain = text.trim().replace(/−/g, "-").replace(",", ".").replace(/\s+/g, "");
  const fraction = /^([+-]?[\d.]+)\/([\d.]+)$/.exec(plain);
  if (fraction) return Number(fraction[1]) / Number(fraction[2]);
  return plain === "" ? NaN : Number(plain);
}

export function attachQuiz(stage) {
  if (!stage.data.quiz) return;
  const answers = new Map(); // for each step asked: 1 right, 0.5 for the sign, 0 wrong or shown
  const asked = stage.data.steps.map((step, at) => step.phase === "backward" && step.parts.length ? at : -1).filter((at) => at >= 0);
  const score = make("div", { class: "score", role: "status" });
  stage.side.append(score);

  const open = (at) => asked.includes(at) && !answers.has(at);
  stage.hidden = (at) => open(at);

  // Of the numbers of a step, the one to ask for: they take turns, so that every receiver is asked for.
  const question = (at) => {
    const parts = stage.numbers.steps[at].parts;
    return parts[asked.indexOf(at) % parts.length];
  };

  function ask(at) {
    const [wire, factor, share] = question(at), event = stage.data.steps[at];
    const name = (id) => stage.cards.cards.get(id).name;
    const from = stage.cards.wires.get(wire).from;
    const words = `${name(event.card)} has the gradient ${figure(stage.numbers.steps[at].grad)}. What does ${name(from)} receive from it?`;
    const input = make("input", { type: "text", inputmode: "text", autocomplete: "off", "aria-label": words, size: 8 });
    const form = make("form", { class: "quiz" }, make("p", {}, words));
    const answer = (points, verdict) => {
      answers.set(at, points);
      stage.verdict = verdict + ` ${factorText(stage.numbers.steps[at].grad)} × ${factorText(factor)} = ${figure(share)}.`;
      stage.show(at, { beats: true });
      stage.element.focus({ preventScroll: true });
      tell();
    };
    const button = (text, act) => {
      const made = make("button", { type: "button" }, text);
      made.addEventListener("click", act);
      return made;
    };
    const sign = (wanted) => answer(Math.sign(share) === wanted || (wanted === 0 && share === 0) ? 0.5 : 0, Math.sign(share) === wanted ? "The sign is right." : "Not that sign.");
    form.append(make("div", { class: "row" }, input, make("button", { type: "submit" }, "Check"),
      make("span", {}, "or only the sign:"), button("+ positive", () => sign(1)), button("− negative", () => sign(-1)), button("0", () => sign(0)),
      button("Show me", () => answer(0, "So it is:"))));
    form.addEventListener("keydown", (event) => { if (event.key === "Escape") stage.element.focus({ preventScroll: true }); });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const given = numberOf(input.value);
      if (Number.isNaN(given)) {
        input.setAttribute("aria-invalid", "true");
        stage.say("Type a number, such as −1.5 or 1/4, or choose the sign.");
        form.querySelector(".hint")?.remove();
        form.append(make("p", { class: "hint" }, "Type a number, such as −1.5 or 1/4, or choose the sign."));
        return;
      }
      const right = given === share || Math.abs(given - share) <= CLOSE * Math.abs(share) || figure(given) === figure(share);
      answer(right ? 1 : 0, right ? "Right." : `Not ${figure(given)}.`);
    });
    return [form];
  }
  stage.ask = ask;

  function tell() {
    const points = [...answers.values()].reduce((sum, value) => sum + value, 0), done = answers.size === asked.length;
    score.textContent = `${done ? "Your score" : "So far"}: ${figure(points)} of ${done ? asked.length : answers.size}` + (done ? "" : `, ${asked.length - answers.size} to go`);
  }
  score.textContent = `${asked.length} steps to guess: a number counts 1, the sign alone ½.`;
}
