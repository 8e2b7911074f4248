// A finished job: the strength, over the trajectory of its fit; what to compare with; saving.

import { at } from "./api.js";
import { button, h } from "./dom.js";
import { estimates } from "./job.js";
import { duration, fill, number, words } from "./words.js";

const t = words.result;

export class Result {
  constructor(stage, panel, job, { others, again, whole, opened, compared }) {
    this.stage = stage;
    this.job = job;
    this.step = null; // null is the one that the rule chose
    const { receipt, points } = job;
    this.save = h("a", { class: "button primary", id: "save", download: "" }, t.save);
    this.sheet = h("a", { class: "button", id: "receipt", download: "" }, t.receipt);
    const change = button(t.again, again, { id: "again" });
    const main = [
      points.length > 1 ? this.scrubber() : null, left(others, compared), h("div", { class: "tools" }, change),
      receipt.doubt ? h("p", { class: "warning", role: "note" }, receipt.doubt) : null].filter(Boolean);
    const cards = shelf(others, job, opened);
    panel.show({
      name: job.name,
      said: [h("p", { id: "job-state", class: "state", "data-state": "done" }, headline(receipt)), h("progress", { class: "off", max: 1, value: 1, ariaLabel: words.job.progress })],
      act: job.region ? button(t.whole, whole, { class: "primary", id: "whole" }) : this.save,
      body: [h("div", { class: "card", id: "result" }, main), cards && h("div", { class: "card" }, cards),
        h("div", { class: "card" }, this.details(job))].filter(Boolean),
    });
    document.title = `${words.job.states.done} · ${job.name}`;
    this.to(null);
  }

  details(job) {
    const { receipt } = job;
    const link = (name, text) => h("a", { class: "button", id: name, href: at[name](job.id), download: `${name}.png` }, text);
    const kept = receipt.step ? fill(t.kept, { step: receipt.step, steps: receipt.steps }) : t.first;
    return h("details", { id: "details" }, h("summary", {}, words.job.details),
      h("p", { class: "help" }, [receipt.reason, receipt.unchanged ? null : kept].filter(Boolean).join(" · ")),
      h("p", { class: "help" }, estimates(receipt.estimates)),
      h("div", { class: "tools" }, job.region ? null : this.sheet,
        job.removed ? link("removed", t.removed) : null, job.disagreement ? link("disagreement", t.disagreement) : null));
  }

  scrubber() {
    const { points, chosen, receipt } = this.job;
    const place = () => points.length - 1 - points.indexOf(chosen); // to the right: smoother, earlier
    this.slider = h("input", { type: "range", id: "strength", min: "0", max: String(points.length - 1), value: String(place()) });
    this.slider.addEventListener("input", () => this.to(points[points.length - 1 - Number(this.slider.value)]));
    this.word = h("output", { htmlFor: "strength" });
    this.reset = button(t.reset, () => {
      this.slider.value = String(place());
      this.to(null);
    }, { class: "plain" });
    const ends = receipt.steps === 0 ? [t.less, t.full] : [t.faithful, t.smooth];
    return h("div", { class: "field" }, h("label", { htmlFor: "strength" }, t.strength), this.word, this.slider,
      h("p", { class: "ends" }, h("span", {}, ends[0]), this.reset, h("span", {}, ends[1])));
  }

  // Shows a point of the trajectory, which is what will be saved.
  to(step) {
    const { id, chosen } = this.job;
    this.step = step === chosen ? null : step;
    this.save.href = at.result(id, this.step);
    this.sheet.href = at.receipt(id, this.step);
    this.stage.put(this.stage.after, this.step === null ? at.made(id) : at.point(id, step));
    if (!this.slider) return;
    this.reset.disabled = this.step === null;
    this.word.textContent = this.said(step);
    this.slider.setAttribute("aria-valuetext", this.word.textContent);
  }

  // A point in words; where nothing was fitted, the points lead back to the picture itself.
  said(step) {
    const { points, chosen, receipt } = this.job;
    if (receipt.steps === 0) return fill(t.share, { share: Math.round(100 * (1 - (step ?? chosen) / points.at(-1))) });
    return this.step === null ? fill(t.chosen, { step: chosen }) : fill(t.moved, { step });
  }
}

function headline({ unchanged, cancelled, seconds }) {
  if (unchanged) return t.unchanged;
  return cancelled ? t.stopped : fill(t.done, { time: duration(seconds.total ?? seconds) });
}

// What stands to the left of the line: the original, or another result.
function left(others, compared) {
  if (!others.length) return null;
  const select = h("select", { id: "left" }, h("option", { value: "" }, t.original),
    others.map((job) => h("option", { value: job.id }, name(job))));
  select.addEventListener("change", () => compared(others.find((job) => job.id === select.value) || null));
  return h("div", { class: "field" }, h("label", { htmlFor: "left" }, t.left), select);
}

function shelf(others, job, opened) {
  if (!others.length) return null;
  const all = [...others, job].sort((a, b) => a.created - b.created);
  return h("div", {}, h("h3", {}, t.others), h("ul", { class: "cards" }, all.map((one) =>
    h("li", {}, h("button", { type: "button", class: "thumb", onclick: () => opened(one.id), ariaCurrent: String(one.id === job.id) },
      h("img", { src: at.thumb(one.id), alt: "", loading: "lazy" }), name(one))))));
}

// What a job does, in words, and what it was told.
export function name(job) {
  const told = Object.entries({ ...job.settings, ...job.options }).filter(([, value]) => typeof value !== "object");
  const parts = told.filter(([key]) => key !== "polarity").map(([key, value]) =>
    `${words.form.option[key] ?? key}: ${words.form.choice[value] ?? number(value)}`);
  return [words.task[job.task]?.name ?? job.task, job.region ? t.trial : null, ...parts].filter(Boolean).join(", ");
}
