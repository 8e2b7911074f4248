// What is painted, on a canvas no larger than a screen needs; the server scales it to the picture.

import { grown } from "./morphology.js";

export const CAP = 2048; // pixels a side
const REST = 500; // milliseconds after a change until it is kept
const DEPTH = 40; // steps that can be undone
const COLOUR = [214, 40, 57];

export class MaskCanvas {
  constructor(width, height) {
    this.scale = Math.min(1, CAP / Math.max(width, height));
    this.node = document.createElement("canvas");
    this.node.className = "layer mask";
    this.node.width = Math.max(1, Math.round(width * this.scale));
    this.node.height = Math.max(1, Math.round(height * this.scale));
    this.context = this.node.getContext("2d", { willReadFrequently: true });
    this.past = [];
    this.future = [];
    this.dirty = null;
  }

  // Tells of a change, and keeps what there is a moment later.
  changed() {
    this.watch?.();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), REST);
  }

  flush() {
    if (this.timer) this.kept?.(this.empty ? null : this.node.toDataURL("image/png"));
    clearTimeout(this.timer);
    this.timer = null;
  }

  // Shows what was kept.
  async recall(url) {
    if (!url) return;
    const image = new Image();
    image.src = await fetched(url);
    await image.decode().catch(() => {});
    if (!image.naturalWidth || this.past.length) return;
    this.begin();
    this.context.drawImage(image, 0, 0, this.node.width, this.node.height);
    this.touch(0, 0, Math.max(this.node.width, this.node.height));
    this.commit();
  }

  get empty() {
    const { data } = this.all();
    for (let k = 3; k < data.length; k += 4) if (data[k] > 127) return false;
    return true;
  }

  all() {
    return this.context.getImageData(0, 0, this.node.width, this.node.height);
  }

  // Remembers what is there before a change.
  begin() {
    this.saved = this.all();
    this.dirty = null;
  }

  touch(x, y, reach) {
    const d = this.dirty || [x, y, x, y];
    this.dirty = [Math.min(d[0], x - reach), Math.min(d[1], y - reach), Math.max(d[2], x + reach), Math.max(d[3], y + reach)];
  }

  // Keeps the changed part, before and after.
  commit() {
    if (!this.saved || !this.dirty) return;
    const left = Math.max(0, Math.floor(this.dirty[0]) - 1);
    const top = Math.max(0, Math.floor(this.dirty[1]) - 1);
    const wide = Math.min(this.node.width, Math.ceil(this.dirty[2]) + 1) - left;
    const high = Math.min(this.node.height, Math.ceil(this.dirty[3]) + 1) - top;
    if (wide > 0 && high > 0) {
      const after = this.context.getImageData(left, top, wide, high);
      this.past.push({ left, top, before: part(this.saved, left, top, wide, high), after });
      if (this.past.length > DEPTH) this.past.shift();
      this.future = [];
    }
    this.saved = null;
    this.changed();
  }

  undo() {
    const step = this.past.pop();
    if (!step) return;
    this.context.putImageData(step.before, step.left, step.top);
    this.future.push(step);
    this.changed();
  }

  redo() {
    const step = this.future.pop();
    if (!step) return;
    this.context.putImageData(step.after, step.left, step.top);
    this.past.push(step);
    this.changed();
  }

  line(from, to, { size, erase }) {
    const c = this.context;
    this.pen(size, erase);
    c.beginPath();
    c.moveTo(from[0] * this.scale, from[1] * this.scale);
    c.lineTo(to[0] * this.scale, to[1] * this.scale + 0.01);
    c.stroke();
    for (const [x, y] of [from, to]) this.touch(x * this.scale, y * this.scale, (size * this.scale) / 2 + 1);
  }

  area(points) {
    const c = this.context;
    this.pen(1, false);
    c.beginPath();
    for (const [x, y] of points) c.lineTo(x * this.scale, y * this.scale);
    c.closePath();
    c.fill();
    for (const [x, y] of points) this.touch(x * this.scale, y * this.scale, 1);
  }

  pen(size, erase) {
    const c = this.context;
    c.globalCompositeOperation = erase ? "destination-out" : "source-over";
    c.lineCap = c.lineJoin = "round";
    c.lineWidth = Math.max(1, size * this.scale);
    c.strokeStyle = c.fillStyle = `rgb(${COLOUR.join(" ")})`;
  }

  // Changes all of it: flags (0 or 1) in, flags out.
  apply(change) {
    const { width, height } = this.node;
    this.begin();
    const image = this.all();
    const flags = new Uint8Array(width * height);
    for (let k = 0; k < flags.length; k += 1) flags[k] = image.data[4 * k + 3] > 127 ? 1 : 0;
    const made = change(flags, width, height);
    for (let k = 0; k < made.length; k += 1) image.data.set([...COLOUR, made[k] ? 255 : 0], 4 * k);
    this.context.putImageData(image, 0, 0);
    this.dirty = [0, 0, width, height];
    this.commit();
  }

  grow(pixels) {
    const radius = Math.sign(pixels) * Math.max(1, Math.round(Math.abs(pixels) * this.scale));
    this.apply((flags, width, height) => grown(flags, width, height, radius));
  }

  invert() {
    this.apply((flags) => flags.map((one) => 1 - one));
  }

  wipe() {
    this.apply((flags) => flags.fill(0));
  }

  // A view of a mask, white on what to fill, taken over.
  take(image) {
    const { width, height } = this.node;
    const other = new OffscreenCanvas(width, height).getContext("2d");
    other.drawImage(image, 0, 0, width, height);
    const { data } = other.getImageData(0, 0, width, height);
    this.apply((flags) => flags.map((_, k) => (data[4 * k] > 127 ? 1 : 0)));
  }

  // The mask as a PNG: white is what to fill.
  async blob() {
    const { width, height } = this.node;
    const canvas = new OffscreenCanvas(width, height);
    const c = canvas.getContext("2d");
    c.drawImage(this.node, 0, 0);
    c.globalCompositeOperation = "source-in";
    c.fillStyle = "white";
    c.fillRect(0, 0, width, height);
    c.globalCompositeOperation = "destination-over";
    c.fillStyle = "black";
    c.fillRect(0, 0, width, height);
    return canvas.convertToBlob({ type: "image/png" });
  }
}

// A picture in a string as one that the page's policy lets in.
async function fetched(url) {
  const bytes = Uint8Array.from(atob(url.split(",")[1]), (letter) => letter.charCodeAt(0));
  return URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
}

function part(image, left, top, wide, high) {
  const made = new ImageData(wide, high);
  for (let row = 0; row < high; row += 1) {
    const from = 4 * ((top + row) * image.width + left);
    made.data.set(image.data.subarray(from, from + 4 * wide), 4 * row * wide);
  }
  return made;
}
