// Where pictures are looked at: layers over one another, zoomed and moved together, down to single pixels.

import { button, h } from "./dom.js";
import { words } from "./strings.js";

const t = words.stage;
const STEP = 1.25; // of a zoom
const MOST = 40; // times the size of a pixel

export class Stage {
  constructor(box) {
    this.before = h("img", { class: "layer before", alt: "", draggable: false });
    this.after = h("img", { class: "layer after", alt: "", draggable: false, hidden: true });
    this.plane = h("div", { class: "plane" }, this.before, this.after);
    this.frame = h("div", { class: "stage", id: "stage", tabIndex: 0, role: "group", ariaLabel: t.label }, this.plane);
    this.percent = h("output", { class: "percent" });
    this.bar = h("div", { class: "bar", role: "toolbar", ariaLabel: words.stage.label },
      button("−", () => this.zoom(1 / STEP), { ariaLabel: t.out }), this.percent,
      button("+", () => this.zoom(STEP), { ariaLabel: t.in }),
      button(t.fit, () => this.fit()), button(t.pixels, () => this.scaleTo(1 / devicePixelRatio)));
    box.append(this.frame, this.bar);
    this.size = [1, 1];
    this.x = this.y = 0;
    this.scale = 1;
    this.fitted = true;
    this.tool = null; // takes the pointer and the keys instead: {down, move, up, key}
    this.watchers = [];
    this.listen();
  }

  // Width and height of what is shown, in pixels.
  resize(width, height) {
    if (this.size[0] === width && this.size[1] === height) return;
    this.size = [width, height];
    this.plane.style.width = `${width}px`;
    this.plane.style.height = `${height}px`;
    this.fit();
  }

  // Puts a picture onto a layer once it has come: the one before stays until then.
  async put(layer, address) {
    if (layer.dataset.wanted === address) return;
    layer.dataset.wanted = address;
    const next = new Image();
    next.src = address;
    try {
      await next.decode();
    } catch {
      if (layer.dataset.wanted === address) delete layer.dataset.wanted; // it may be there when it is asked for again
      return;
    }
    if (layer.dataset.wanted !== address) return;
    layer.src = address;
    layer.hidden = false;
    layer.dataset.shown = String(Number(layer.dataset.shown || 0) + 1);
  }

  clear(layer) {
    layer.hidden = true;
    delete layer.dataset.wanted;
  }

  fit() {
    const { clientWidth: wide, clientHeight: high } = this.frame;
    this.fitted = true;
    this.scale = Math.min(wide / this.size[0], high / this.size[1], 8) || 1;
    this.x = (wide - this.size[0] * this.scale) / 2;
    this.y = (high - this.size[1] * this.scale) / 2;
    this.draw();
  }

  scaleTo(scale, at = [this.frame.clientWidth / 2, this.frame.clientHeight / 2]) {
    const next = Math.min(MOST, Math.max(0.01, scale));
    const ratio = next / this.scale;
    this.x = at[0] - (at[0] - this.x) * ratio;
    this.y = at[1] - (at[1] - this.y) * ratio;
    this.scale = next;
    this.fitted = false;
    this.draw();
  }

  zoom(factor, at) {
    this.scaleTo(this.scale * factor, at);
  }

  move(across, down) {
    this.x += across;
    this.y += down;
    this.fitted = false;
    this.draw();
  }

  draw() {
    this.plane.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.plane.style.setProperty("--hair", `${1 / this.scale}px`);
    this.plane.classList.toggle("pixelated", this.scale * devicePixelRatio >= 2);
    this.percent.textContent = t.zoom(Math.round(this.scale * devicePixelRatio * 100));
    for (const watcher of this.watchers) watcher();
  }

  // From the screen to pixels of the picture.
  place(event) {
    const box = this.frame.getBoundingClientRect();
    return [(event.clientX - box.left - this.x) / this.scale, (event.clientY - box.top - this.y) / this.scale];
  }

  listen() {
    const { frame } = this;
    new ResizeObserver(() => (this.fitted ? this.fit() : this.draw())).observe(frame);
    frame.addEventListener("wheel", (event) => {
      event.preventDefault();
      const box = frame.getBoundingClientRect();
      this.zoom(STEP ** (-event.deltaY / 100), [event.clientX - box.left, event.clientY - box.top]);
    }, { passive: false });
    this.fingers = new Map();
    frame.addEventListener("pointerdown", (event) => this.down(event));
    frame.addEventListener("pointermove", (event) => this.moved(event));
    for (const name of ["pointerup", "pointercancel"]) frame.addEventListener(name, (event) => this.up(event));
    frame.addEventListener("keydown", (event) => this.key(event));
  }

  down(event) {
    this.frame.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, event);
    this.painting = this.tool && event.button === 0 && this.fingers.size === 1;
    if (this.painting) this.tool.down(this.place(event));
    else if (this.tool && this.fingers.size === 2) this.tool.drop?.();
  }

  moved(event) {
    const last = this.fingers.get(event.pointerId);
    if (!last) return this.tool?.hover?.(this.place(event));
    if (this.fingers.size === 2) this.pinch(event, last);
    else if (this.painting) for (const one of event.getCoalescedEvents?.() ?? [event]) this.tool.move(this.place(one));
    else this.move(event.clientX - last.clientX, event.clientY - last.clientY);
    this.fingers.set(event.pointerId, event);
  }

  up(event) {
    if (!this.fingers.delete(event.pointerId)) return;
    if (this.painting) this.tool?.up(this.place(event));
    this.painting = false;
  }

  pinch(event, last) {
    this.painting = false;
    const other = [...this.fingers.values()].find((one) => one.pointerId !== event.pointerId);
    const span = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
    const box = this.frame.getBoundingClientRect();
    this.zoom(span(event) / span(last), [(event.clientX + other.clientX) / 2 - box.left, (event.clientY + other.clientY) / 2 - box.top]);
    this.move((event.clientX - last.clientX) / 2, (event.clientY - last.clientY) / 2);
  }

  key(event) {
    if (event.target !== this.frame || (this.tool && this.tool.key?.(event))) return;
    const far = event.shiftKey ? 200 : 40;
    const keys = {
      "+": () => this.zoom(STEP), "=": () => this.zoom(STEP), "-": () => this.zoom(1 / STEP),
      0: () => this.fit(), 1: () => this.scaleTo(1 / devicePixelRatio),
      ArrowLeft: () => this.move(far, 0), ArrowRight: () => this.move(-far, 0),
      ArrowUp: () => this.move(0, far), ArrowDown: () => this.move(0, -far),
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  }
}
