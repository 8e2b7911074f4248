// A finished job: the strength scrubber over its trajectory, what to compare with, saving.

import { at } from "./api.js";
import { button, h } from "./dom.js";
import { words } from "./strings.js";

const t = words.result;

export class Result {
  constructor(stage, job, { others, again, whole, opened, compared }) {
    this.stage = stage;
    this.job = job;
    this.step = null; // null is the one that the rule chose
    const { receipt, points } = job;
    this.save = h("a", { class: "button primary", id: "save", download: "" }, t.save);
    this.sheet = h("a", { class: "button", id: "receipt", download: "" }, t.receipt);
    const kept = receipt.unchanged ? t.unchanged : t.kept(receipt.step, receipt.steps);
    this.box = h("div", { class: "card", id: "result" }, h("h2", {}, t.title), h("p", { class: "figures" }, kept),
      points.length > 1 ? this.scrubber() : null, left(others, compared),
      job.region ? h("div", { class: "tools" }, button(t.whole, whole, { class: "primary", id: "whole" }))
        : h("div", { class: "tools" }, this.save, this.sheet),
      receipt.doubt ? h("p", { class: "warning", role: "note" }, receipt.doubt) : null,
      job.removed ? h("a", { id: "removed", href: at.removed(job.id), download: "removed.png" }, t.removed) : null,
      job.disagreement ? h("a", { href: at.disagreement(job.id), download: "disagreement.png" }, t.disagreement) : null,
      h("div", { class: "tools" }, button(t.again, again, { id: "again" })), cards(others, job, opened));
    this.to(null);
  }

  scrubber() {
    const { points, chosen } = this.job;
    const place = () => points.length - 1 - points.indexOf(chosen); // to the right: smoother, earlier
    this.slider = h("input", { type: "range", id: "strength", min: "0", max: String(points.length - 1), value: String(place()) });
    this.slider.addEventListener("input", () => this.to(points[points.length - 1 - Number(this.slider.value)]));
    this.word = h("output", { htmlFor: "strength" });
    const reset = button(t.reset, () => {
      this.slider.value = String(place());
      this.to(null);
    });
    return h("div", { class: "field" }, h("label", { htmlFor: "strength" }, t.strength), this.word, this.slider,
      h("p", { class: "ends" }, h("span", {}, t.faithful), h("span", {}, t.smooth)), reset);
  }

  // Shows a point of the trajectory, which is what will be saved.
  to(step) {
    const { id, chosen } = this.job;
    this.step = step === chosen ? null : step;
    this.save.href = at.result(id, this.step);
    this.sheet.href = at.receipt(id, this.step);
    this.stage.put(this.stage.after, this.step === null ? at.made(id) : at.point(id, step));
    if (!this.slider) return;
    this.word.textContent = this.said(step);
    this.slider.setAttribute("aria-valuetext", this.word.textContent);
  }

  // A point in words; where nothing was fitted, the points lead back to the picture itself.
  said(step) {
    const { points, chosen, receipt } = this.job;
    if (receipt.steps === 0) return t.share(1 - (step ?? chosen) / points.at(-1));
    return this.step === null ? t.chosen(chosen) : t.moved(step);
  }
}

// What stands to the left of the line: the original, or another result.
function left(others, compared) {
  if (!others.length) return null;
  const s = words.stage;
  const select = h("select", { id: "left" }, h("option", { value: "" }, s.original),
    others.map((job) => h("option", { value: job.id }, name(job))));
  select.addEventListener("change", () => compared(others.find((job) => job.id === select.value) || null));
  return h("div", { class: "field" }, h("label", { htmlFor: "left" }, s.left), select);
}

function cards(others, job, opened) {
  if (!others.length) return null;
  const all = [...others, job].sort((a, b) => a.created - b.created);
  return h("div", {}, h("h3", {}, t.others), h("ul", { class: "cards" }, all.map((one) =>
    h("li", {}, h("button", { type: "button", class: "thumb", onclick: () => opened(one.id), ariaCurrent: String(one.id === job.id) },
      h("img", { src: at.thumb(one.id), alt: "", loading: "lazy" }), name(one))))));
}

export function name(job) {
  const told = { ...job.settings, ...job.options };
  const parts = Object.entries(told).filter(([, value]) => typeof value !== "object").map(([key, value]) => `${key} ${value}`);
  return [job.task, job.region ? t.trial : null, ...parts].filter(Boolean).join(", ");
}
