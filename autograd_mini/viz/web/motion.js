// The multiplication on the wire, in three beats: what is upstream leaves the card, meets the factor, the product lands.

import { ease } from "./camera.js";
import { figure } from "./arithmetic.js";
import { factorText, make, tone } from "./text.js";

const BEATS = [420, 380, 480]; // milliseconds of each beat
const LANDING = 60; // points before a card at which a number has arrived

// Show how numbers go back along wires in a step; call what is returned to end it at once.
export function beats(cards, at, numbers) {
  const event = numbers.steps[at], start = performance.now();
  const total = BEATS[0] + BEATS[1] + BEATS[2];
  const flights = event.parts.filter(([id]) => cards.wires.get(id).chip).map(([id, partial, share]) => {
    const wire = cards.wires.get(id), length = wire.line.getTotalLength();
    let best = Infinity, middle = length / 2;
    for (let part = 0; part <= 48; part += 1) {
      const point = wire.line.getPointAtLength(length * part / 48), far = Math.hypot(point.x - wire.place[0], point.y - wire.place[1]);
      if (far < best) [best, middle] = [far, length * part / 48];
    }
    const box = make("svg:rect", { rx: 8, height: 20, y: -10 }), text = make("svg:text", { y: 4.4 });
    const token = make("svg:g", { class: "token" }, box, text);
    const write = (words, sign) => {
      if (text.textContent === words) return;
      text.textContent = words;
      const wide = words.length * 7.4 + 14;
      box.setAttribute("width", wide);
      box.setAttribute("x", -wide / 2);
      token.setAttribute("class", "token " + sign);
    };
    cards.world.append(token);
    const receiver = cards.cards.get(wire.from).group;
    receiver.classList.add("arriving");
    wire.chip.classList.add("meeting");
    return { wire, length, middle, token, write, partial, share, receiver };
  });
  let running = flights.length > 0;
  const end = () => {
    running = false;
    for (const flight of flights) {
      flight.token.remove();
      flight.receiver.classList.remove("arriving");
      flight.wire.chip.classList.remove("meeting", "met");
    }
  };
  const frame = (now) => {
    if (!running) return;
    const time = Math.max(0, now - start);
    if (time >= total || !cards.world.isConnected) return end();
    for (const { wire, length, middle, token, write, partial, share } of flights) {
      let place, place_of_chip = false;
      if (time < BEATS[0]) {
        write(figure(event.grad, true), tone(event.grad));
        place = length - (length - middle) * ease(time / BEATS[0]);
      } else if (time < BEATS[0] + BEATS[1]) {
        write(figure(event.grad) + " × " + factorText(partial), tone(event.grad));
        [place, place_of_chip] = [middle, true];
        wire.chip.classList.add("met");
      } else {
        write(figure(share, true), tone(share));
        place = middle - (middle - Math.min(middle, LANDING / 6)) * ease((time - BEATS[0] - BEATS[1]) / BEATS[2]);
      }
      const point = place_of_chip ? { x: wire.place[0], y: wire.place[1] } : wire.line.getPointAtLength(place);
      token.setAttribute("transform", `translate(${point.x.toFixed(1)} ${point.y.toFixed(1)})`);
    }
    requestAnimationFrame(frame);
  };
  if (running) requestAnimationFrame(frame);
  return end;
}
