// Before and after: a line that is dragged, side by side, the one instead of the other, or their difference.

import { button, h } from "./dom.js";
import { Histogram } from "./histogram.js";
import { words } from "./words.js";

const t = words.stage;
const FAR = 0.01; // how far an arrow key moves the line
const ZOOM = 1.25;

export class Compare {
  constructor(stage, box) {
    this.stage = stage;
    this.share = 0.5; // of the stage that shows what was before
    this.look = "split"; // or "side"
    this.over = null; // "flip", "difference" or "map"
    this.line = h("div", { class: "divider", id: "divider", role: "slider", tabIndex: 0, ariaLabel: t.divider,
      ariaValueMin: "0", ariaValueMax: "100" });
    this.names = [h("span", { class: "side left" }, t.before), h("span", { class: "side right" }, t.after)];
    stage.frame.append(this.line, ...this.names);
    this.percent = h("output", { class: "percent" });
    this.looks = this.group({ split: t.split, side: t.side }, (name) => this.see(name));
    this.overs = this.group({ flip: t.flip, difference: t.difference, map: t.map }, (name) => this.lay(name));
    this.modes = h("div", { class: "modes" }, this.looks.box, this.overs.box);
    const histogram = new Histogram(stage);
    const bars = button(t.histogram, () => (bars.ariaPressed = String(histogram.toggle())), { id: "see-histogram", ariaPressed: "false" });
    const zoom = h("div", { class: "zoom" }, bars,
      button("−", () => stage.zoom(1 / ZOOM), { ariaLabel: t.out }), this.percent,
      button("+", () => stage.zoom(ZOOM), { ariaLabel: t.in }),
      button(t.fit, () => stage.fit(), { class: "wide" }), button(t.pixels, () => stage.pixels()));
    box.append(h("div", { class: "bar", role: "toolbar", ariaLabel: t.tools }, this.modes, zoom));
    this.line.addEventListener("pointerdown", (event) => this.grab(event));
    this.line.addEventListener("keydown", (event) => this.key(event));
    stage.keys[" "] = () => this.on && this.lay("flip");
    stage.watchers.push(() => this.draw());
    this.show(false);
  }

  // Buttons of which at most one is pressed.
  group(texts, chosen) {
    const all = Object.entries(texts).map(([name, text]) =>
      button(text, () => chosen(name), { id: `see-${name}`, "data-name": name, ariaPressed: "false" }));
    const press = (wanted) => all.forEach((one) => (one.ariaPressed = String(one.dataset.name === wanted)));
    return { box: h("div", { class: "segments" }, all), press };
  }

  show(on) {
    this.on = on;
    this.stage.right.hidden = !on;
    this.modes.classList.toggle("off", !on);
    for (const one of this.modes.querySelectorAll("button")) one.disabled = !on;
    if (!on) this.over = null;
    this.mapped(null);
    this.see(this.look);
  }

  // What is laid over it: where several runs disagree, as a picture; null where there is none.
  mapped(address) {
    document.getElementById("see-map").hidden = !address;
    if (address) this.stage.put(this.stage.map, address);
    else this.stage.clear(this.stage.map);
    if (!address && this.over === "map") this.lay("map");
  }

  call(before, after) {
    this.names[0].textContent = before;
    this.names[1].textContent = after;
  }

  // Split or side by side.
  see(look) {
    const { stage } = this;
    this.look = look;
    this.looks.press(look);
    const side = this.on && look === "side" && !this.over;
    if (side !== stage.side) {
      stage.side = side;
      if (stage.fitted) stage.fit();
    }
    stage.draw();
  }

  // One thing over all, or not any more.
  lay(name) {
    this.over = this.over === name ? null : name;
    this.overs.press(this.over);
    this.stage.frame.dataset.over = this.over ?? "";
    this.see(this.look);
  }

  to(share) {
    this.share = Math.min(1, Math.max(0, share));
    this.draw();
  }

  draw() {
    const { frame, right, room, side } = this.stage;
    const split = this.on && !side && !this.over;
    this.percent.textContent = this.stage.percent;
    this.line.hidden = !split;
    this.line.style.left = `${this.share * frame.clientWidth}px`;
    this.line.ariaValueNow = String(Math.round(100 * this.share));
    right.style.clipPath = split ? `inset(0 0 0 ${this.share * room.wide}px)` : "none";
    right.hidden = !this.on || this.over === "flip";
    frame.dataset.over = this.on ? (this.over ?? "") : "";
    this.names[0].hidden = !this.on || (Boolean(this.over) && this.over !== "flip");
    this.names[1].hidden = !this.on || Boolean(this.over);
    this.names[1].style.top = side && room.down ? `calc(${room.down}px + 0.75rem)` : "";
    frame.classList.toggle("sides", side);
  }

  key(event) {
    const ways = { ArrowLeft: -FAR, ArrowDown: -FAR, ArrowRight: FAR, ArrowUp: FAR, PageDown: -10 * FAR, PageUp: 10 * FAR };
    const next = event.key === "Home" ? 0 : event.key === "End" ? 1 : this.share + ways[event.key];
    if (Number.isNaN(next)) return;
    event.preventDefault();
    event.stopPropagation();
    this.to(next);
  }

  grab(event) {
    event.stopPropagation();
    event.preventDefault();
    const { frame } = this.stage;
    this.line.focus({ preventScroll: true });
    const move = (one) => {
      const box = frame.getBoundingClientRect();
      this.to((one.clientX - box.left) / box.width);
    };
    const drop = () => {
      for (const name of ["pointerup", "pointercancel"]) window.removeEventListener(name, drop);
      window.removeEventListener("pointermove", move);
    };
    window.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, drop);
  }
}
