// A picture that stands in the page itself, where its tooltips work and its colours are for the ground that it is on.

import { followGround, stillOf } from "./ground.js";

export function upgrade(root) {
  const found = stillOf(root), style = found?.still.querySelector("style");
  if (!style) return;
  const { place, still } = found, rules = style.textContent;
  still.setAttribute("style", "max-width: 100%; height: auto");
  place.attachShadow({ mode: "open" }).append(still);
  followGround(root, (dark) => { style.textContent = rules.replace("(prefers-color-scheme:dark)", dark ? " all" : " not all"); });
}
