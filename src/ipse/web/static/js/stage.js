// Where pictures are looked at: before and after over one another or side by side, zoomed and moved together.

import { h } from "./dom.js";
import { reduced } from "./reduced.js";
import { fill, words } from "./words.js";

const t = words.stage;
const STEP = 1.25; // of a zoom
const MOST = 40; // times the size of a pixel
const TWICE = 300; // milliseconds between two taps of a double tap

export class Stage {
  constructor(box) {
    const layer = (name) => h("img", { class: `layer ${name}`, alt: "", draggable: false, hidden: true });
    [this.before, this.under, this.after, this.map] = ["before", "under", "after", "map"].map(layer);
    this.plane = h("div", { class: "plane" }, this.before);
    this.other = h("div", { class: "plane" }, this.under, this.after, this.map);
    this.left = h("div", { class: "pane" }, this.plane);
    this.right = h("div", { class: "pane" }, this.other);
    this.frame = h("div", { class: "stage", id: "stage", tabIndex: 0, role: "group", dir: "ltr", ariaLabel: t.label },
      this.left, this.right);
    box.append(this.frame);
    this.size = [1, 1];
    this.x = this.y = 0;
    this.scale = 1;
    this.fitted = true;
    this.side = false; // whether before and after stand beside one another
    this.tool = null; // takes the pointer and the keys instead: {down, move, up, key}
    this.watchers = [];
    this.keys = {};
    this.listen();
  }

  // Where the right pane begins, and how large each is: beside one another on a wide stage, else one above the other.
  get room() {
    const { clientWidth: wide, clientHeight: high } = this.frame;
    if (!this.side) return { wide, high, right: 0, down: 0 };
    return wide >= high ? { wide: wide / 2, high, right: wide / 2, down: 0 } : { wide, high: high / 2, right: 0, down: high / 2 };
  }

  // Width and height of what is shown, in pixels.
  resize(width, height) {
    if (this.size[0] === width && this.size[1] === height) return;
    this.size = [width, height];
    for (const plane of [this.plane, this.other]) Object.assign(plane.style, { width: `${width}px`, height: `${height}px` });
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
    this.show(layer, { whole: address });
    layer.hidden = false;
    layer.dataset.shown = String(Number(layer.dataset.shown || 0) + 1);
    const small = await reduced(next).catch(() => null);
    if (small && layer.dataset.wanted === address) this.show(layer, { whole: address, ...small });
    else if (small) URL.revokeObjectURL(small.address);
  }

  // A small copy is shown while it is no coarser than the screen.
  show(layer, copies) {
    const gone = Object.values(layer.copies ?? {}).filter((one) => String(one).startsWith("blob:"));
    for (const one of gone) if (one !== copies.whole) URL.revokeObjectURL(one);
    layer.copies = copies;
    this.pick(layer);
  }

  pick(layer) {
    const { whole, address, width } = layer.copies ?? {};
    const wanted = address && this.size[0] * this.scale * devicePixelRatio <= width ? address : whole;
    if (!wanted || layer.getAttribute("src") === wanted) return;
    layer.src = wanted;
    if (layer === this.before) this.under.src = wanted;
  }

  clear(layer) {
    layer.hidden = true;
    delete layer.dataset.wanted;
  }

  fit() {
    const { wide, high } = this.room;
    this.fitted = true;
    this.scale = Math.min(wide / this.size[0], high / this.size[1], 8) || 1;
    this.x = (wide - this.size[0] * this.scale) / 2;
    this.y = (high - this.size[1] * this.scale) / 2;
    this.draw();
  }

  // Single pixels, of the screen and of the picture.
  pixels(at) {
    this.scaleTo(1 / devicePixelRatio, at);
  }

  scaleTo(scale, at = [this.room.wide / 2, this.room.high / 2]) {
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
    const { wide, high, right, down } = this.room;
    for (const plane of [this.plane, this.other]) {
      plane.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
      plane.style.setProperty("--hair", `${1 / this.scale}px`);
      plane.classList.toggle("pixelated", this.scale * devicePixelRatio >= 2);
    }
    for (const layer of [this.before, this.after]) this.pick(layer);
    for (const pane of [this.left, this.right]) Object.assign(pane.style, { width: `${wide}px`, height: `${high}px` });
    this.right.style.translate = `${right}px ${down}px`;
    this.percent = fill(t.percent, { share: Math.round(this.scale * devicePixelRatio * 100) });
    for (const watcher of this.watchers) watcher();
  }

  // From the window to a pane.
  spot(event) {
    const box = this.frame.getBoundingClientRect();
    const { right, down } = this.room;
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return [right && x > right ? x - right : x, down && y > down ? y - down : y];
  }

  // From the window to pixels of the picture.
  place(event) {
    const [x, y] = this.spot(event);
    return [(x - this.x) / this.scale, (y - this.y) / this.scale];
  }

  listen() {
    const { frame } = this;
    new ResizeObserver(() => (this.fitted ? this.fit() : this.draw())).observe(frame);
    frame.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(STEP ** (-event.deltaY / (event.ctrlKey ? 12 : 100)), this.spot(event)); // a pinched touchpad says ctrl
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
    this.still = this.fingers.size === 1 && !this.tool;
  }

  moved(event) {
    const last = this.fingers.get(event.pointerId);
    if (!last) return this.tool?.hover?.(this.place(event));
    if (event.clientX !== last.clientX || event.clientY !== last.clientY) this.still = false;
    if (this.fingers.size === 2) this.pinch(event, last);
    else if (this.painting) for (const one of event.getCoalescedEvents?.() ?? [event]) this.tool.move(this.place(one));
    else this.move(event.clientX - last.clientX, event.clientY - last.clientY);
    this.fingers.set(event.pointerId, event);
  }

  up(event) {
    if (!this.fingers.delete(event.pointerId)) return;
    if (this.painting) this.tool?.up(this.place(event));
    else if (this.still && event.type === "pointerup") this.tapped(event);
    this.painting = false;
  }

  // Twice at one place: single pixels there, and back.
  tapped(event) {
    const twice = event.timeStamp - (this.lastTap ?? -TWICE) < TWICE;
    this.lastTap = twice ? undefined : event.timeStamp;
    if (twice) this.fitted ? this.pixels(this.spot(event)) : this.fit();
  }

  pinch(event, last) {
    this.painting = false;
    const other = [...this.fingers.values()].find((one) => one.pointerId !== event.pointerId);
    const span = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
    const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
    this.zoom(span(event) / span(last), this.spot(middle));
    this.move((event.clientX - last.clientX) / 2, (event.clientY - last.clientY) / 2);
  }

  key(event) {
    if (event.target !== this.frame || (this.tool && this.tool.key?.(event))) return;
    const far = event.shiftKey ? 200 : 40;
    const keys = {
      "+": () => this.zoom(STEP), "=": () => this.zoom(STEP), "-": () => this.zoom(1 / STEP),
      0: () => this.fit(), 1: () => this.pixels(),
      ArrowLeft: () => this.move(far, 0), ArrowRight: () => this.move(-far, 0),
      ArrowUp: () => this.move(0, far), ArrowDown: () => this.move(0, -far),
      ...this.keys,
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  }
}
