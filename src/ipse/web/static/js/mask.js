// Painting a mask: tools for the pointer and the keyboard, and the bar that chooses them.

import { MaskCanvas } from "./canvas.js";
import { Magic } from "./magic.js";
import { api, at } from "./api.js";
import { button, complain, h, say, slide, svg } from "./dom.js";
import { fill, words } from "./words.js";

const t = words.mask;
const GROW = 2; // pixels of the picture

export class Mask {
  constructor(stage, picture) {
    this.stage = stage;
    this.picture = picture;
    const { width, height } = picture.about;
    this.canvas = new MaskCanvas(width, height);
    this.canvas.watch = () => {
      this.stored = null;
      this.show();
    };
    this.stored = null; // the server's, as long as nothing was painted since
    this.at = [width / 2, height / 2];
    this.size = Math.max(2, Math.round(Math.max(width, height) / 24));
    this.ring = h("div", { class: "ring", ariaHidden: "true" });
    this.outline = svg("polygon", {});
    this.shape = svg("svg", { class: "layer shape", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, this.outline);
    this.name = "brush";
    this.box = this.panel();
    stage.plane.append(this.canvas.node, this.shape);
    stage.frame.nextElementSibling.prepend(this.bar);
    this.flush = () => this.canvas.flush();
    this.hear = (event) => event.target !== stage.frame && !event.target.matches?.("input, select, textarea") && this.back(event);
    window.addEventListener("pagehide", this.flush);
    document.addEventListener("keydown", this.hear);
    this.show();
    stage.frame.append(this.ring);
    this.follow = () => this.point(this.at);
    stage.watchers.push(this.follow);
    this.choose("brush");
    this.point(this.at);
  }

  panel() {
    this.tools = Object.entries(t.tools).map(([name, text]) =>
      button(text, () => this.choose(name), { "data-tool": name, ariaPressed: "false" }));
    this.slider = h("input", { type: "range", id: "brush-size", min: "1", max: String(this.most), value: String(this.size) });
    this.slider.addEventListener("input", () => this.resize(Number(this.slider.value)));
    this.magic = new Magic(this.stage, this.canvas);
    [this.sized, this.alike] = [slide(t.size, this.slider), slide(t.like, this.magic.slider)];
    const opacity = h("input", { type: "range", id: "opacity", min: "20", max: "100", value: "60" });
    opacity.addEventListener("input", () => (this.canvas.node.style.opacity = opacity.value / 100));
    this.canvas.node.style.opacity = 0.6;
    const file = h("input", { type: "file", accept: "image/*", class: "visually-hidden", id: "mask-file", tabIndex: -1 });
    file.addEventListener("change", () => file.files[0] && this.load(file.files[0]).then(() => (file.value = "")));
    this.undo = button(t.undo, () => this.canvas.undo());
    this.redo = button(t.redo, () => this.canvas.redo());
    this.bar = h("div", { class: "bar", id: "mask-bar" }, h("div", { class: "tools", role: "group", ariaLabel: t.title }, this.tools),
      this.undo, this.redo, this.sized, this.alike);
    const acts = [
      [t.grow, () => this.canvas.grow(GROW)], [t.shrink, () => this.canvas.grow(-GROW)],
      [t.invert, () => this.canvas.invert()], [t.clear, () => this.canvas.wipe()],
      [t.load, () => file.click()], [t.save, () => this.save()],
    ].map(([text, act]) => button(text, act));
    this.seek = Object.entries(t.seek).map(([what, text]) => button(text, () => this.propose(what), { "data-seek": what }));
    this.said = h("p", { class: "polarity" }, h("span", { class: "swatch", ariaHidden: "true" }), t.polarity);
    return h("div", { class: "fields", id: "mask" }, h("h3", {}, t.title), this.said, h("div", { class: "tools" }, this.seek),
      slide(t.opacity, opacity), h("div", { class: "tools" }, acts), h("label", { htmlFor: "mask-file", class: "visually-hidden" }, t.load), file,
      h("p", { class: "help" }, t.keys));
  }

  get most() {
    return Math.max(200, Math.round(Math.max(this.picture.about.width, this.picture.about.height) / 4));
  }

  // What can be undone, and done again.
  show() {
    this.undo.disabled = !this.canvas.past.length;
    this.redo.disabled = !this.canvas.future.length;
  }

  // Whether a key was to undo, or to do again.
  back(event) {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return false;
    event.shiftKey ? this.canvas.redo() : this.canvas.undo();
    event.preventDefault();
    return true;
  }

  choose(name) {
    this.name = name;
    for (const one of this.tools) one.ariaPressed = String(one.dataset.tool === name);
    this.stage.tool = name === "pan" ? null : this;
    this.stage.frame.classList.toggle("painting", name !== "pan");
    this.ring.hidden = name === "pan";
    this.sized.hidden = name === "magic";
    this.alike.hidden = name !== "magic";
    this.points = null;
  }

  resize(size) {
    this.size = Math.min(this.most, Math.max(1, size));
    this.slider.value = String(this.size);
    this.point(this.at);
  }

  point(place) {
    const { width, height } = this.picture.about;
    this.at = [Math.min(width, Math.max(0, place[0])), Math.min(height, Math.max(0, place[1]))];
    const { x, y, scale } = this.stage;
    const size = this.draws ? Math.max(4, this.size * scale) : 10;
    Object.assign(this.ring.style, {
      left: `${x + this.at[0] * scale - size / 2}px`, top: `${y + this.at[1] * scale - size / 2}px`,
      width: `${size}px`, height: `${size}px`,
    });
  }

  get draws() {
    return this.name === "brush" || this.name === "eraser";
  }

  hover = (place) => this.point(place);

  down(place) {
    this.point(place);
    if (this.name === "magic") return this.magic.select(this.at);
    this.canvas.begin();
    this.points = [place];
    if (this.draws) this.stroke(place, place);
  }

  move(place) {
    if (!this.points) return;
    if (this.draws) this.stroke(this.points.at(-1), place);
    this.points.push(place);
    this.point(place);
    this.draw();
  }

  // The outline of what will be filled.
  get corners() {
    if (!this.points || this.draws) return [];
    const [first, last] = [this.points[0], this.points.at(-1)];
    return this.name === "rectangle" ? [first, [last[0], first[1]], last, [first[0], last[1]]] : this.points;
  }

  draw() {
    this.outline.setAttribute("points", this.corners.map((corner) => corner.map((at) => at.toFixed(1)).join(",")).join(" "));
  }

  up() {
    if (!this.points) return;
    if (this.corners.length) this.canvas.area(this.corners);
    this.canvas.commit();
    this.points = null;
    this.draw();
  }

  drop() {
    if (this.points && this.canvas.saved) this.canvas.context.putImageData(this.canvas.saved, 0, 0);
    this.points = null;
    this.draw();
  }

  stroke(from, to) {
    this.canvas.line(from, to, { size: this.size, erase: this.name === "eraser" });
  }

  // Whether a key was for painting.
  key(event) {
    const far = Math.max(1, this.size / 2) * (event.shiftKey ? 8 : 1);
    const ways = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] };
    if (this.back(event)) return true;
    if (ways[event.key]) this.walk(ways[event.key]);
    else if (event.key === " ") this.points ? this.up() : (this.down(this.at), this.up());
    else if (event.key === "Enter") this.points ? this.up() : this.down(this.at);
    else if (event.key === "[" || event.key === "]") this.resize(this.size + (event.key === "]" ? 2 : -2));
    else return false;
    event.preventDefault();
    return true;
  }

  walk([across, down]) {
    const next = [this.at[0] + across, this.at[1] + down];
    this.points ? this.move(next) : this.point(next);
  }

  async load(file) {
    try {
      await this.adopt(await api.mask(this.picture.id, file, false));
    } catch (error) {
      complain(error.message);
    }
  }

  // What is found becomes the mask, to be painted on and undone; nothing is filled yet.
  async propose(what) {
    for (const one of this.seek) one.disabled = true;
    say(t.seeking);
    try {
      const mask = await api.damage(this.picture.id, what);
      mask ? await this.adopt(mask) : complain(t.nothing);
    } catch (error) {
      complain(error.message);
    }
    for (const one of this.seek) one.disabled = false;
  }

  // Shows a mask that the server holds.
  async adopt(mask) {
    const image = new Image();
    image.src = at.view(mask.id);
    await image.decode();
    this.canvas.take(image);
    this.stored = mask;
    say(fill(t.loaded, { said: mask.said }));
  }

  async save() {
    const mask = await this.put();
    if (mask) h("a", { href: at.file(mask.id), download: mask.name }).click();
  }

  // The server's copy of what is painted; null where nothing is.
  async put() {
    if (this.stored) return this.stored;
    if (this.canvas.empty) {
      complain(t.empty);
      return null;
    }
    try {
      this.stored = await api.mask(this.picture.id, await this.canvas.blob(), true);
    } catch (error) {
      complain(error.message);
    }
    return this.stored;
  }

  close() {
    if (this.stage.tool === this) this.stage.tool = null;
    this.stage.watchers = this.stage.watchers.filter((one) => one !== this.follow);
    this.stage.frame.classList.remove("painting");
    this.flush();
    window.removeEventListener("pagehide", this.flush);
    document.removeEventListener("keydown", this.hear);
    for (const node of [this.canvas.node, this.shape, this.bar, this.ring, this.box]) node.remove();
  }
}
