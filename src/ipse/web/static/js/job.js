// A job under way: how far it is, and what can be done with it.

import { api } from "./api.js";
import { Curve } from "./curve.js";
import { button, complain, h, say } from "./dom.js";
import { duration, number, words } from "./strings.js";

const t = words.job;

export class JobPanel {
  constructor(again) {
    this.curve = new Curve();
    this.again = button(words.result.again, () => again(this.job), { hidden: true });
    this.retry = button(t.retry, () => this.steer("resume"), { hidden: true, id: "retry" });
    this.bar = h("progress", { max: 1, value: 0, ariaLabel: t.fit });
    this.state = h("p", { class: "state", id: "job-state" });
    this.said = h("p", { class: "figures" });
    this.estimates = h("p", { class: "help" });
    this.pause = button(t.pause, () => this.steer(this.job.state === "paused" ? "resume" : "pause"), { id: "pause" });
    this.stop = button(t.stop, () => this.stopping(), { id: "stop", class: "primary" });
    this.cancel = button(t.cancel, () => this.steer("cancel"), { id: "cancel" });
    this.buttons = h("div", { class: "tools" }, this.stop, this.pause, this.cancel);
    this.box = h("div", { class: "card", id: "job" }, h("h2", {}, t.title), this.state, this.bar, this.said,
      this.estimates, this.buttons, h("div", { class: "tools" }, this.retry, this.again), this.curve.box);
  }

  async steer(what) {
    try {
      await api.steer(this.job.id, what);
    } catch (error) {
      complain(error.message, words.error.dismiss);
    }
  }

  stopping() {
    this.stop.textContent = t.stopping;
    this.steer("stop");
  }

  update(job) {
    const fresh = !this.job || this.job.id !== job.id;
    if (fresh || this.job.state !== job.state) say(t.states[job.state]);
    this.job = job;
    const { step, steps, loss, score } = job.progress;
    if (job.curve.length) this.curve.set(job.curve);
    else if (fresh) this.curve.set([]);
    else if (step) this.curve.add(step, loss, score);
    this.state.textContent = this.headline(job);
    this.state.dataset.state = job.state;
    this.said.textContent = figures(job);
    this.estimates.textContent = estimates(job.estimates);
    const over = ["done", "failed", "cancelled"].includes(job.state);
    this.bar.hidden = job.state !== "running" && job.state !== "paused";
    const share = done(job.progress);
    if (share !== null) this.bar.value = share;
    else if (job.state === "running") this.bar.removeAttribute("value");
    else this.bar.value = 0;
    this.retry.hidden = job.state !== "failed";
    this.buttons.hidden = over;
    this.again.hidden = !over || job.state === "done";
    this.stop.hidden = job.state === "queued" && !job.progress.pilots;
    this.pause.textContent = job.state === "paused" ? t.resume : t.pause;
    if (job.state !== "running") this.stop.textContent = t.stop;
  }

  headline(job) {
    if (job.state === "failed") return job.error;
    if (job.state === "queued" && job.position !== null) return `${t.states.queued}: ${t.ahead(job.position)}`;
    if (job.state === "done") return job.receipt.cancelled ? t.stopped : job.receipt.reason;
    if (job.progress.writing) return t.writing;
    return t.states[job.state];
  }
}

// How much is done, in 0 … 1; null where nobody knows.
function done({ step, steps, tile, tiles }) {
  const within = steps ? step / steps : 0;
  if (tiles) return Math.min(1, (tile + Math.min(within, 0.99)) / tiles);
  return steps ? within : null;
}

function figures(job) {
  const { pilots, step, steps, left, score, tile, tiles } = job.progress;
  if (job.state === "done" || job.state === "failed") return "";
  if (!step && !pilots) return job.state === "running" ? t.starting : "";
  const parts = [step ? t.step(step, steps) : t.pilot(pilots)];
  if (tiles) parts.unshift(t.tile(Math.min(tile + 1, tiles), tiles));
  if (score !== null) parts.push(t.score(number(score)));
  if (left !== null && job.state === "running" && !document.body.dataset.connection) parts.push(t.left(duration(left)));
  return parts.join(" · ");
}

function estimates(found) {
  return Object.entries(found || {}).map(([name, value]) => `${name}: ${number(value)}`).join(" · ");
}
