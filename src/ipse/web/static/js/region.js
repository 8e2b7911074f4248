// A piece of the picture to try settings on: a square, moved by pointer or keys.

import { h } from "./dom.js";

const SIDE = 256;

export class Region {
  constructor(stage, picture) {
    this.stage = stage;
    const { width, height } = picture.about;
    this.limits = [width, height];
    this.size = [Math.min(SIDE, width), Math.min(SIDE, height)];
    this.node = h("div", { class: "region", ariaHidden: "true" });
    this.node.style.width = `${this.size[0]}px`;
    this.node.style.height = `${this.size[1]}px`;
    stage.plane.append(this.node);
    stage.tool = this;
    this.centre([width / 2, height / 2]);
  }

  get box() {
    return [...this.corner, ...this.size];
  }

  centre(place) {
    this.corner = place.map((at, k) => Math.round(Math.min(this.limits[k] - this.size[k], Math.max(0, at - this.size[k] / 2))));
    this.node.style.left = `${this.corner[0]}px`;
    this.node.style.top = `${this.corner[1]}px`;
  }

  down(place) {
    this.centre(place);
  }

  move(place) {
    this.centre(place);
  }

  up() {}

  key(event) {
    const far = event.shiftKey ? 128 : 16;
    const ways = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] };
    const way = ways[event.key];
    if (!way) return false;
    event.preventDefault();
    this.centre(this.corner.map((at, k) => at + this.size[k] / 2 + way[k]));
    return true;
  }

  close() {
    if (this.stage.tool === this) this.stage.tool = null;
    this.node.remove();
  }
}
