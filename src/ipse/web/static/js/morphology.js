// Grow and shrink: the maximum and minimum over a square, rows first, then columns.

// Returns flags (0 or 1) of a mask grown by so many pixels, or shrunk where they are negative.
export function grown(flags, width, height, radius) {
  const outside = radius < 0;
  const wanted = outside ? 0 : 1; // shrinking grows what is not marked
  let plane = flags;
  for (const [count, length, step, stride] of [[height, width, 1, width], [width, height, width, 1]]) {
    plane = along(plane, { count, length, step, stride, wanted, radius: Math.abs(radius) });
  }
  return plane;
}

// A pixel within reach of a wanted one becomes it: distances forwards, then backwards.
function along(flags, { count, length, step, stride, wanted, radius }) {
  const made = flags.slice();
  for (let line = 0; line < count; line += 1) {
    for (const back of [false, true]) {
      let far = radius + 1;
      for (let k = 0; k < length; k += 1) {
        const at = line * stride + (back ? length - 1 - k : k) * step;
        far = flags[at] === wanted ? 0 : far + 1;
        if (far <= radius) made[at] = wanted;
      }
    }
  }
  return made;
}
