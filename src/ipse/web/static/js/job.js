// A job under way: how it stands in a sentence, and what can be done with it.

import { api } from "./api.js";
import { Curve } from "./curve.js";
import { button, complain, h, say } from "./dom.js";
import { duration, fill, number, words } from "./words.js";

const t = words.job;
const OVER = ["done", "failed", "cancelled"];

export class JobPanel {
  constructor(panel, again) {
    this.panel = panel;
    this.curve = new Curve();
    this.state = h("p", { class: "state", id: "job-state" });
    this.bar = h("progress", { max: 1, value: 0, ariaLabel: t.progress });
    this.stop = button(t.stop, () => this.stopping(), { id: "stop", class: "primary" });
    this.retry = button(t.retry, () => this.steer("resume"), { class: "primary", id: "retry" });
    this.again = button(words.result.again, () => again(this.job), { id: "change" });
    this.pause = button(t.pause, () => this.steer(this.job.state === "paused" ? "resume" : "pause"), { id: "pause" });
    this.cancel = button(t.cancel, () => this.steer("cancel"), { id: "cancel" });
    this.notify = h("input", { type: "checkbox", id: "notify", checked: allowed(), onchange: () => this.permit() });
    const wish = h("div", { class: "field row", hidden: !("Notification" in window) }, this.notify, h("label", { htmlFor: "notify" }, t.notify));
    this.figures = h("p", { class: "figures help" });
    this.estimates = h("p", { class: "help" });
    this.details = h("details", {}, h("summary", {}, t.details), this.figures, this.estimates, this.curve.box);
    this.buttons = h("div", { class: "tools" }, this.pause, this.cancel, this.again);
    this.body = [h("div", { class: "card", id: "job" }, this.buttons, wish), h("div", { class: "card" }, this.details)];
  }

  async steer(what) {
    try {
      await api.steer(this.job.id, what);
    } catch (error) {
      complain(error.message);
    }
  }

  stopping() {
    this.stop.textContent = t.stopping;
    this.steer("stop");
  }

  async permit() {
    if (this.notify.checked) this.notify.checked = (await Notification.requestPermission()) === "granted";
  }

  // Shows a job that is opened.
  open(job) {
    this.job = null;
    this.drafted = false;
    this.panel.show({ name: job.name, said: [this.state, this.bar], act: [this.stop, this.retry], body: this.body });
  }

  update(job) {
    const fresh = !this.job;
    if (fresh || this.job.state !== job.state) say(t.states[job.state]);
    if (!fresh && this.job.state !== "done" && job.state === "done") this.tell(job);
    this.job = job;
    const { step, loss, score } = job.progress;
    if (job.curve.length) this.curve.set(job.curve);
    else if (fresh) this.curve.set([]);
    else if (step) this.curve.add(step, loss, score);
    this.state.textContent = this.headline(job);
    this.state.dataset.state = job.state;
    this.figures.textContent = figures(job);
    this.estimates.textContent = estimates(job.estimates);
    this.draw(job);
  }

  draw(job) {
    const over = OVER.includes(job.state);
    const share = done(job.progress);
    this.bar.classList.toggle("off", job.state !== "running" && job.state !== "paused");
    if (share !== null) this.bar.value = share;
    else if (job.state === "running") this.bar.removeAttribute("value");
    else this.bar.value = 0;
    document.title = title(job, share);
    this.retry.hidden = job.state !== "failed";
    this.stop.hidden = over;
    this.stop.disabled = !job.progress.pilots && !job.progress.step;
    this.pause.hidden = this.cancel.hidden = over;
    this.again.hidden = !over || job.state === "done";
    this.pause.textContent = job.state === "paused" ? t.resume : t.pause;
    if (job.state !== "running") this.stop.textContent = t.stop;
  }

  headline(job) {
    const { pilots, step, left, writing } = job.progress;
    if (job.state === "failed") return job.error;
    if (job.state === "queued") return job.position ? fill(t.ahead, { count: job.position }) : t.next;
    if (job.state !== "running") return t[job.state] ?? t.states[job.state];
    if (writing) return t.writing;
    if (!pilots && !step) return this.drafted ? t.draft : t.starting;
    const known = left !== null && !document.body.dataset.connection;
    return known ? `${t.better} ${fill(t.left, { time: duration(left) })}` : t.better;
  }

  // Says that a job is done where nobody looks.
  tell(job) {
    if (document.hidden && this.notify.checked && allowed()) new Notification(fill(t.notified, { name: job.name }));
  }
}

function allowed() {
  return "Notification" in window && Notification.permission === "granted";
}

function title(job, share) {
  if (job.state !== "running") return `${t.states[job.state]} · ${job.name}`;
  return share === null ? job.name : fill(t.title, { share: Math.floor(100 * share), name: job.name });
}

// How much is done, in 0 … 1; null where nobody knows.
function done({ step, steps, tile, tiles, share }) {
  if (share != null) return share;
  const within = steps ? step / steps : 0;
  if (tiles) return Math.min(1, (tile + Math.min(within, 0.99)) / tiles);
  return steps ? within : null;
}

function figures(job) {
  const { pilots, step, steps, score, tile, tiles } = job.progress;
  if (!step && !pilots) return "";
  const parts = [step ? fill(t.step, { step, steps }) : fill(t.estimate, { index: pilots })];
  if (tiles) parts.unshift(fill(t.part, { index: Math.min(tile + 1, tiles), count: tiles }));
  if (score !== null) parts.push(fill(t.score, { score: number(score) }));
  return parts.join(" · ");
}

export function estimates(found) {
  return Object.entries(found || {}).map(([name, value]) => `${name}: ${number(value)}`).join(" · ");
}
