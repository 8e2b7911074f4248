// Selection by colour: all that can be reached over pixels of like colour.

import { h } from "./dom.js";

const LIKE = 24; // of 255

export class Magic {
  constructor(stage, canvas) {
    this.stage = stage;
    this.canvas = canvas;
    this.slider = h("input", { type: "range", id: "magic-like", min: "2", max: "100", value: String(LIKE) });
  }

  select([x, y]) {
    const { node, scale } = this.canvas;
    const { before } = this.stage;
    if (this.seen?.src !== before.src) this.seen = { src: before.src, data: pixels(before, node.width, node.height) };
    const spot = [Math.min(node.width - 1, Math.floor(x * scale)), Math.min(node.height - 1, Math.floor(y * scale))];
    const found = reached(this.seen.data, node.width, node.height, spot, Number(this.slider.value));
    this.canvas.apply((flags) => flags.map((one, k) => one | found[k]));
  }
}

// Flags (0 or 1); colours are alike if no channel differs by more than `most`.
function reached(data, width, height, [x, y], most) {
  const flags = new Uint8Array(width * height);
  const first = 4 * (y * width + x);
  const [red, green, blue] = [data[first], data[first + 1], data[first + 2]];
  const free = (k) => !flags[k] && Math.abs(data[4 * k] - red) <= most
    && Math.abs(data[4 * k + 1] - green) <= most && Math.abs(data[4 * k + 2] - blue) <= most;
  const open = [y * width + x];
  while (open.length) {
    const k = open.pop();
    if (!free(k)) continue;
    const start = k - (k % width);
    let [left, right] = [k, k];
    while (left > start && free(left - 1)) left -= 1;
    while (right < start + width - 1 && free(right + 1)) right += 1;
    flags.fill(1, left, right + 1);
    for (const row of [-width, width]) {
      for (let at = left + row; at <= right + row; at += 1) {
        if (at >= 0 && at < flags.length && free(at) && (at === left + row || !free(at - 1))) open.push(at);
      }
    }
  }
  return flags;
}

export function pixels(image, width, height, smooth = true) {
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.imageSmoothingEnabled = smooth;
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}
