function make(name, attributes, text) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes || {})) element.setAttribute(attribute, value);
  if (text) element.textContent = text;
  return element;
}

function render({ model, el }) {
  const picture = make("div", { style: "overflow:auto;max-height:70vh" });
  const table = make("div", { style: "display:grid;grid-template-columns:max-content minmax(140px,380px) max-content max-content;gap:4px 14px;align-items:center;margin:8px 2px;font-variant-numeric:tabular-nums" });
  const summary = make("div", { "aria-live": "polite", style: "margin:4px 2px;font-weight:600;font-variant-numeric:tabular-nums" });
  const again = make("button", { type: "button", style: "font:inherit;color:inherit;background:transparent;border:1px solid currentColor;border-radius:6px;padding:3px 11px;cursor:pointer" }, "Compare from here");
  const plain = (x) => String(Number(x.toPrecision(4))).replace("-", "−");
  const rows = model.get("labels").map((label, at) => {
    const [low, high] = model.get("ranges")[at];
    const slider = make("input", { type: "range", min: low, max: high, step: (high - low) / 400, "aria-label": label, style: "width:100%" });
    const number = make("span"), gradient = make("span");
    slider.value = model.get("numbers")[at];
    slider.addEventListener("input", () => {
      const numbers = [...model.get("numbers")];
      numbers[at] = Number(slider.value);
      model.set("numbers", numbers);
      model.save_changes();
      number.textContent = plain(numbers[at]);
    });
    slider.addEventListener("keydown", (event) => { if (!["Tab", "Escape"].includes(event.key)) event.stopPropagation(); });
    table.append(make("b", {}, label), slider, number, gradient);
    return { slider, number, gradient };
  });
  again.addEventListener("click", () => { model.set("restarts", model.get("restarts") + 1); model.save_changes(); });

  function show() {
    const state = model.get("state"), numbers = model.get("numbers");
    const drawing = new DOMParser().parseFromString(state.svg, "image/svg+xml").documentElement;
    picture.replaceChildren(document.importNode(drawing, true));
    rows.forEach((row, at) => {
      row.number.textContent = plain(numbers[at]);
      row.gradient.textContent = "gradient " + state.gradients[at];
      if (document.activeElement !== row.slider) row.slider.value = numbers[at];
    });
    summary.textContent = model.get("result") + " = " + state.value + "; change predicted by the gradient " +
      state.predicted + ", actual " + state.actual;
  }
  model.on("change:state", show);
  el.append(picture, table, summary, again);
  show();
}

export default { render };
