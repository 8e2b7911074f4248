// Painting a mask: tools for the pointer and the keyboard, and the bar that chooses them.

import { MaskCanvas } from "./canvas.js";
import { api, at } from "./api.js";
import { button, complain, h, say } from "./dom.js";
import { words } from "./strings.js";

const t = words.mask;
const GROW = 2; // pixels of the picture

export class Mask {
  constructor(stage, picture) {
    this.stage = stage;
    this.picture = picture;
    const { width, height } = picture.about;
    this.canvas = new MaskCanvas(width, height);
    this.canvas.changed = () => (this.stored = null);
    this.stored = null; // the server's, as long as nothing was painted since
    this.at = [width / 2, height / 2];
    this.size = Math.max(2, Math.round(Math.max(width, height) / 24));
    this.ring = h("div", { class: "ring", ariaHidden: "true" });
    this.name = "brush";
    this.box = this.panel();
    stage.plane.append(this.canvas.node);
    stage.frame.append(this.ring);
    this.follow = () => this.point(this.at);
    stage.watchers.push(this.follow);
    this.choose("brush");
    this.point(this.at);
  }

  panel() {
    this.tools = Object.entries(t.tools).map(([name, text]) =>
      button(text, () => this.choose(name), { "data-tool": name, ariaPressed: "false" }));
    this.slider = h("input", { type: "range", id: "brush-size", min: "1", max: "200", value: String(this.size) });
    this.slider.addEventListener("input", () => this.resize(Number(this.slider.value)));
    const opacity = h("input", { type: "range", id: "opacity", min: "20", max: "100", value: "60" });
    opacity.addEventListener("input", () => (this.canvas.node.style.opacity = opacity.value / 100));
    this.canvas.node.style.opacity = 0.6;
    const file = h("input", { type: "file", accept: "image/*", class: "visually-hidden", id: "mask-file", tabIndex: -1 });
    file.addEventListener("change", () => file.files[0] && this.load(file.files[0]).then(() => (file.value = "")));
    const acts = [
      [t.grow, () => this.canvas.grow(GROW)], [t.shrink, () => this.canvas.grow(-GROW)],
      [t.invert, () => this.canvas.invert()], [t.clear, () => this.canvas.wipe()],
      [t.undo, () => this.canvas.undo()], [t.redo, () => this.canvas.redo()],
      [t.load, () => file.click()], [t.save, () => this.save()],
    ].map(([text, act]) => button(text, act));
    this.said = h("p", { class: "polarity" }, h("span", { class: "swatch", ariaHidden: "true" }), t.polarity);
    return h("div", { class: "card", id: "mask" }, h("h2", {}, t.title), this.said,
      h("div", { class: "tools", role: "group", ariaLabel: t.title }, this.tools),
      slide(t.size, this.slider), slide(t.opacity, opacity),
      h("div", { class: "tools" }, acts), h("label", { htmlFor: "mask-file", class: "visually-hidden" }, t.load), file,
      h("p", { class: "help" }, t.keys));
  }

  choose(name) {
    this.name = name;
    for (const one of this.tools) one.ariaPressed = String(one.dataset.tool === name);
    this.stage.tool = name === "pan" ? null : this;
    this.stage.frame.classList.toggle("painting", name !== "pan");
    this.ring.hidden = name === "pan";
    this.points = null;
  }

  resize(size) {
    this.size = Math.min(200, Math.max(1, size));
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

  hover(place) {
    this.point(place);
  }

  down(place) {
    this.point(place);
    this.canvas.begin();
    this.points = [place];
    if (this.draws) this.stroke(place, place);
  }

  move(place) {
    if (!this.points) return;
    if (this.draws) this.stroke(this.points.at(-1), place);
    this.points.push(place);
    this.point(place);
  }

  up() {
    if (!this.points) return;
    const [first, last] = [this.points[0], this.points.at(-1)];
    if (this.name === "rectangle") this.canvas.area([first, [last[0], first[1]], last, [first[0], last[1]]]);
    if (this.name === "lasso") this.canvas.area(this.points);
    this.canvas.commit();
    this.points = null;
  }

  drop() {
    if (this.points && this.canvas.saved) this.canvas.context.putImageData(this.canvas.saved, 0, 0);
    this.points = null;
  }

  stroke(from, to) {
    this.canvas.line(from, to, { size: this.size, erase: this.name === "eraser" });
  }

  // Whether a key was for painting.
  key(event) {
    const far = Math.max(1, this.size / 2) * (event.shiftKey ? 8 : 1);
    const ways = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] };
    const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    if (undo) event.shiftKey ? this.canvas.redo() : this.canvas.undo();
    else if (ways[event.key]) this.walk(ways[event.key]);
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
      complain(error.message, words.error.dismiss);
    }
  }

  // Shows a mask that the server holds.
  async adopt(mask) {
    const image = new Image();
    image.src = at.view(mask.id);
    await image.decode();
    this.canvas.take(image);
    this.stored = mask;
    say(t.loaded(mask.said));
  }

  async save() {
    const mask = await this.put();
    if (mask) h("a", { href: at.file(mask.id), download: mask.name }).click();
  }

  // The server's copy of what is painted; null where nothing is.
  async put() {
    if (this.stored) return this.stored;
    if (this.canvas.empty) {
      complain(t.empty, words.error.dismiss);
      return null;
    }
    try {
      this.stored = await api.mask(this.picture.id, await this.canvas.blob(), true);
    } catch (error) {
      complain(error.message, words.error.dismiss);
    }
    return this.stored;
  }

  close() {
    if (this.stage.tool === this) this.stage.tool = null;
    this.stage.watchers = this.stage.watchers.filter((one) => one !== this.follow);
    this.stage.frame.classList.remove("painting");
    this.canvas.node.remove();
    this.ring.remove();
    this.box.remove();
  }
}

function slide(text, input) {
  return h("div", { class: "field row" }, h("label", { htmlFor: input.id }, text), input);
}
