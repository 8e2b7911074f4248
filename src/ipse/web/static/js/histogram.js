// How bright the pixels are, before and after.

import { h, svg } from "./dom.js";
import { pixels } from "./magic.js";
import { words } from "./words.js";

const t = words.stage;
const NAMES = ["before", "after"];
const BINS = 64;
const SIDE = 512; // samples, not means

export class Histogram {
  constructor(stage) {
    this.layers = [stage.before, stage.after];
    this.curves = NAMES.map((name) => svg("polyline", { class: name, fill: "none" }));
    this.box = h("figure", { class: "histogram", hidden: true }, svg("svg", { viewBox: "0 0 63 32", preserveAspectRatio: "none" }, ...this.curves),
      h("figcaption", {}, NAMES.map((name) => h("span", { class: name }, t[name]))));
    stage.frame.append(this.box);
    for (const layer of this.layers) layer.addEventListener("load", () => this.draw());
    stage.watchers.push(() => this.draw(this.drawn));
  }

  toggle() {
    this.box.hidden = !this.box.hidden;
    this.draw();
    return !this.box.hidden;
  }

  // Nothing is counted again where only the view has changed.
  draw(drawn) {
    const now = this.layers.map((layer) => (layer.closest("[hidden]") ? "" : layer.src)).join();
    if (this.box.hidden || now === drawn) return;
    this.drawn = now;
    const counts = this.layers.map((layer) => (layer.closest("[hidden]") || !layer.naturalWidth ? [] : counted(layer)));
    const most = Math.max(...counts.flat());
    counts.forEach((all, k) => this.curves[k].setAttribute("points", all.map((one, x) => `${x},${31 - (30 * one) / most}`).join(" ")));
  }
}

function counted(image) {
  const data = pixels(image, SIDE, SIDE, false);
  const counts = new Array(BINS).fill(0);
  for (let k = 0; k < data.length; k += 4) counts[Math.floor((0.299 * data[k] + 0.587 * data[k + 1] + 0.114 * data[k + 2]) / 4)] += 1;
  return counts;
}
