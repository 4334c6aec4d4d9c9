// The ground that a page stands on, and the still picture in whose place scripts put another.

// Tell now, and whenever it may have changed, whether letters are light, as a theme has them on dark ground: that of a
// notebook counts, whatever the system prefers.
export function followGround(element, tell) {
  const look = () => {
    const [red, green, blue] = getComputedStyle(element).color.match(/[\d.]+/g).map(Number);
    tell(0.3 * red + 0.59 * green + 0.11 * blue > 140);
  };
  look();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", look);
  new MutationObserver(look).observe(document.body, { attributes: true });
}

// Return where the still picture of a piece of HTML stands and what is drawn there; null where it was replaced before.
export function stillOf(root) {
  const place = root.querySelector("[data-place]"), image = place && place.querySelector("img");
  if (!image || place.shadowRoot) return null;
  const bytes = Uint8Array.from(atob(image.getAttribute("src").split(",")[1]), (letter) => letter.charCodeAt(0));
  const drawing = new DOMParser().parseFromString(new TextDecoder().decode(bytes), "image/svg+xml");
  return { place, still: document.importNode(drawing.documentElement, true) };
}
