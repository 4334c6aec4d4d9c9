// The lines on which a table of heights has a level: [[x0, y0, x1, y1], …] in columns and rows (marching squares).
export function contour(heights, wide, tall, level) {
  const lines = [];
  for (let y = 0; y + 1 < tall; y += 1) for (let x = 0; x + 1 < wide; x += 1) {
    const corner = [[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1]], found = [];
    const over = corner.map(([column, row]) => heights[row * wide + column] - level);
    for (let at = 0; at < 4; at += 1) {
      const next = (at + 1) % 4, share = over[at] / (over[at] - over[next]);
      if (over[at] < 0 !== over[next] < 0 && Number.isFinite(share))
        found.push(corner[at][0] + share * (corner[next][0] - corner[at][0]), corner[at][1] + share * (corner[next][1] - corner[at][1]));
    }
    if (found.length === 4) lines.push(found);
    if (found.length === 8) {  // a saddle: the mean says which corners are joined
      const joined = over[0] < 0 === over.reduce((sum, one) => sum + one) < 0;
      lines.push(...(joined ? [[...found.slice(0, 4)], [...found.slice(4)]] : [[...found.slice(6), ...found.slice(0, 2)], [...found.slice(2, 6)]]));
    }
  }
  return lines;
}

// A canvas of a size in CSS pixels, sharp on every screen.
export function canvas(wide, tall, label) {
  const sharp = Math.min(3, devicePixelRatio || 1), made = document.createElement("canvas");
  made.width = wide * sharp;
  made.height = tall * sharp;
  made.style.aspectRatio = `${wide}/${tall}`;
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", label);
  const pen = made.getContext("2d");
  pen.scale(sharp, sharp);
  return { made, pen };
}

// Colours of a signed share from −1 (orange) to 1 (blue), over the ground.
export function tint(share, dark) {
  const size = Math.min(1, Math.abs(share)), [red, green, blue] = share > 0 ? (dark ? [30, 105, 160] : [86, 160, 214]) : dark ? [150, 84, 20] : [240, 160, 80];
  return [red, green, blue, Math.round(235 * (0.15 + 0.75 * size))];
}
