// The line between before and after: dragged on the picture, or moved by a slider.

import { h } from "./dom.js";
import { words } from "./strings.js";

const t = words.stage;

export class Compare {
  constructor(stage, box) {
    this.stage = stage;
    this.share = 0.5; // of the stage that shows what was before
    this.line = h("div", { class: "divider", ariaHidden: "true" });
    this.names = [h("span", { class: "side left" }, t.before), h("span", { class: "side right" }, t.after)];
    stage.frame.append(this.line, ...this.names);
    this.slider = h("input", { type: "range", min: "0", max: "1000", value: "500", id: "divider" });
    this.row = h("div", { class: "field row" }, h("label", { htmlFor: "divider" }, t.divider), this.slider);
    box.append(this.row);
    this.slider.addEventListener("input", () => this.to(this.slider.value / 1000));
    this.line.addEventListener("pointerdown", (event) => this.grab(event));
    stage.watchers.push(() => this.draw());
    this.show(false);
  }

  show(on) {
    this.on = on;
    for (const node of [this.line, this.row, ...this.names]) node.hidden = !on;
    this.draw();
  }

  call(before, after) {
    this.names[0].textContent = before;
    this.names[1].textContent = after;
  }

  to(share) {
    this.share = Math.min(1, Math.max(0, share));
    this.slider.value = String(Math.round(this.share * 1000));
    this.draw();
  }

  draw() {
    const { frame, after, size, x, scale } = this.stage;
    const at = this.share * frame.clientWidth;
    this.line.style.left = `${at}px`;
    const cut = Math.min(size[0], Math.max(0, (at - x) / scale));
    after.style.clipPath = this.on ? `inset(0 0 0 ${cut}px)` : "none";
  }

  grab(event) {
    event.stopPropagation();
    event.preventDefault();
    const { frame } = this.stage;
    const move = (one) => {
      const box = frame.getBoundingClientRect();
      this.to((one.clientX - box.left) / box.width);
    };
    const drop = () => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", drop);
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", drop);
  }
}
