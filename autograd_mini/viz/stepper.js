(function (key, data) {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const make = (name, attributes, text) => {
    const element = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes || {})) element.setAttribute(attribute, value);
    if (text) element.textContent = text;
    return element;
  };

  function upgrade(root) {
    const place = root.querySelector("[data-place]");
    const image = place && place.querySelector("img");
    if (!image || place.shadowRoot) return;
    const lines = Array.from(root.querySelectorAll("li"), (item) => item.textContent.split("\n"));
    const encoded = image.getAttribute("src").split(",")[1];
    const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
    const drawing = new DOMParser().parseFromString(new TextDecoder().decode(bytes), "image/svg+xml");
    const shadow = place.attachShadow({ mode: "open" });
    shadow.append(make("style", {}, data.style));

    const stepper = make("div", {
      class: "stepper", role: "group", tabindex: "0",
      "aria-label": "Backward pass, step by step. Arrow keys step, Home and End jump, Space plays.",
    });
    const picture = make("div", { class: "picture" });
    const svg = document.importNode(drawing.documentElement, true);
    picture.append(svg);
    const bar = make("div", { class: "bar" });
    const button = (name, act) => {
      const made = make("button", { type: "button" }, name);
      made.addEventListener("click", act);
      bar.append(made);
      return made;
    };
    const last = data.events.length - 1;
    const seed = data.events.findIndex((event) => event.p === "seed");
    const first = button("First", () => show(0));
    const back = button("Back", () => show(step - 1));
    const play = button("Play", () => toggle());
    const next = button("Next", () => show(step + 1));
    const end = button("Last", () => show(last));
    if (seed > 0) button("Backward pass", () => show(seed));
    if (data.breaks.length) button("Next break", () => show(data.breaks.find((at) => at > step) ?? data.breaks[0]));
    const slider = make("input", { type: "range", min: "0", max: String(last), step: "1", "aria-label": "Step" });
    slider.addEventListener("input", () => show(Number(slider.value)));
    bar.append(slider);
    const live = make("div", { "aria-live": "polite" });
    const status = make("div", { class: "status" });
    const panel = make("div", { class: "panel" });
    live.append(status, panel);
    stepper.append(picture, bar, live);
    shadow.append(stepper);

    const part = (id) => svg.querySelector("#" + id);
    const cards = data.cards.map((id) => {
      const group = part(id), bars = group.querySelector(".b");
      return { group, id, g: group.querySelector(".g"), b: bars, full: bars ? group.querySelector(".f").width.baseVal.value - 20 : 0 };
    });
    const byId = Object.fromEntries(cards.map((card) => [card.id, card]));
    const complete = {};
    data.events.forEach((event, at) => { for (const change of event.g) complete[change[0]] = at; });
    const computed = {};
    data.events.forEach((event, at) => { if (event.p === "forward") computed[event.n] = at; });
    let step = 0, timer = null;

    function show(wanted) {
      step = Math.max(0, Math.min(last, wanted));
      const event = data.events[step], written = {};
      for (let at = 0; at <= step; at += 1) for (const change of data.events[at].g) written[change[0]] = change;
      for (const card of cards) {
        const change = written[card.id] || [card.id, "–", 0, 0];
        card.group.classList.toggle("p", change[2] > 0);
        card.group.classList.toggle("n", change[2] < 0);
        card.group.classList.toggle("complete", complete[card.id] <= step);
        card.group.classList.toggle("now", card.id === event.n);
        card.group.classList.toggle("takes", event.p === "backward" && event.g.some((c) => c[0] === card.id));
        card.group.classList.toggle("later", card.id in computed && computed[card.id] > step);
        if (card.g) card.g.textContent = change[1];
        if (card.b) card.b.setAttribute("width", change[3] * card.full);
      }
      for (const wire of svg.querySelectorAll(".active")) wire.classList.remove("active");
      for (const tag of svg.querySelectorAll(".tag")) tag.remove();
      for (const [wire, share] of event.w) {
        const group = part(wire);
        group.classList.add("active");
        if (share) label(group, share);
      }
      status.textContent = "Step " + (step + 1) + " of " + data.events.length + " – " + data.phases[event.p] +
        (data.breaks.includes(step) ? " – break" : "");
      panel.replaceChildren(...(lines[step] || []).map((line) => make("div", { class: "sum" }, line)));
      slider.value = String(step);
      slider.setAttribute("aria-valuetext", status.textContent + ". " + (lines[step] || []).join(". "));
      first.disabled = back.disabled = step === 0;
      next.disabled = end.disabled = step === last;
      if (step === last || data.breaks.includes(step)) stop();
      reveal(byId[event.n]);
    }

    function label(group, text) {
      const line = group.querySelector(".w"), middle = line.getPointAtLength(line.getTotalLength() / 2);
      const tag = document.createElementNS(SVG, "g"), box = document.createElementNS(SVG, "rect");
      const words = document.createElementNS(SVG, "text");
      const wide = 7.2 * text.length + 10;
      tag.setAttribute("class", "tag");
      for (const [name, value] of Object.entries({ x: middle.x - wide / 2, y: middle.y - 9, width: wide, height: 18, rx: 5 })) box.setAttribute(name, value);
      words.setAttribute("x", middle.x);
      words.setAttribute("y", middle.y + 4.3);
      words.textContent = text;
      tag.append(box, words);
      svg.append(tag);
    }

    function reveal(card) {
      if (!card || picture.scrollWidth <= picture.clientWidth && picture.scrollHeight <= picture.clientHeight) return;
      const box = card.group.getBoundingClientRect(), frame = picture.getBoundingClientRect();
      if (box.left < frame.left || box.right > frame.right) picture.scrollLeft += box.left - frame.left - frame.width / 2 + box.width / 2;
      if (box.top < frame.top || box.bottom > frame.bottom) picture.scrollTop += box.top - frame.top - frame.height / 2 + box.height / 2;
    }

    function stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
      play.textContent = "Play";
    }

    function toggle() {
      if (timer !== null) { stop(); return; }
      show(step === last ? 0 : step + 1);
      if (step === last) return;
      play.textContent = "Pause";
      timer = setInterval(() => { if (place.isConnected) show(step + 1); else stop(); }, data.pause);
    }

    const keys = {
      ArrowRight: () => show(step + 1), ArrowDown: () => show(step + 1), PageDown: () => show(step + 10),
      ArrowLeft: () => show(step - 1), ArrowUp: () => show(step - 1), PageUp: () => show(step - 10),
      Home: () => show(0), End: () => show(last), " ": toggle,
    };
    stepper.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.key === "Tab" || event.key === "Escape") return;
      event.stopPropagation();
      const target = shadow.activeElement;
      const pressing = target instanceof HTMLButtonElement && (event.key === " " || event.key === "Enter");
      if (pressing || !(event.key in keys)) return;
      event.preventDefault();
      keys[event.key]();
    });
    svg.addEventListener("click", (event) => {
      const group = event.target.closest("[id^=n]");
      if (!group) return;
      const forward = seed > 0 && step < seed;
      let found = data.events.findIndex((e) => e.n === group.id && e.p === (forward ? "forward" : "backward"));
      if (found < 0 && !forward) data.events.forEach((e, at) => { if (e.g.some((c) => c[0] === group.id)) found = at; });
      if (found >= 0) show(found);
    });
    show(data.start);
  }

  document.querySelectorAll('[data-autograd-mini="' + key + '"]').forEach(upgrade);
})
