// Loss and held-out score against the step, on a logarithmic scale each.

import { h, svg } from "./dom.js";
import { fill, number, words } from "./words.js";

const WIDE = 300;
const HIGH = 90;

export class Curve {
  constructor() {
    this.points = [];
    this.loss = svg("polyline", { class: "loss", fill: "none" });
    this.score = svg("polyline", { class: "score", fill: "none" });
    this.title = svg("title", {});
    const drawing = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", preserveAspectRatio: "none" },
      this.title, this.loss, this.score);
    this.held = h("span", { class: "key score" }, words.job.held);
    this.box = h("figure", { class: "curve" }, drawing,
      h("figcaption", {}, h("span", { class: "key loss" }, words.job.loss), this.held));
  }

  set(points) {
    this.points = points;
    this.draw();
  }

  add(step, loss, score) {
    const last = this.points.at(-1);
    if (loss === null || (last && last[0] >= step)) return;
    if (this.points.length > 800) this.points = this.points.filter((_, index) => index % 2 === 0);
    this.points.push([step, loss, score]);
    this.draw();
  }

  draw() {
    this.box.hidden = this.points.length < 2;
    if (this.box.hidden) return;
    this.loss.setAttribute("points", line(this.points, 1));
    this.score.setAttribute("points", line(this.points, 2));
    this.held.hidden = !this.score.getAttribute("points");
    this.title.textContent = fill(words.job.curve, { loss: number(this.points.at(-1)[1]) });
  }
}

function line(points, column) {
  const seen = points.filter((point) => point[column] > 0);
  if (seen.length < 2) return "";
  const logs = seen.map((point) => Math.log(point[column]));
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  const last = points.at(-1)[0];
  const x = (step) => (WIDE * step) / last;
  const y = (value) => 4 + (HIGH - 8) * (high > low ? (high - value) / (high - low) : 0.5);
  return seen.map((point, index) => `${x(point[0]).toFixed(1)},${y(logs[index]).toFixed(1)}`).join(" ");
}
