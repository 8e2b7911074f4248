// All jobs, the newest first, and pictures that have none: they survive a reload and a restart.

import { api, at } from "./api.js";
import { button, complain, h } from "./dom.js";
import { forget } from "./drafts.js";
import { name } from "./result.js";
import { day, fill, words } from "./words.js";

const t = words.history;
const UNDO = 6000; // milliseconds in which a deletion can be taken back

export class History {
  constructor(box, days, { opened, gone }) {
    this.opened = opened;
    this.gone = gone;
    this.rows = new Map(); // jobs by id, pictures by theirs
    this.leaving = new Map(); // ids whose deletion waits, with how it is done at once
    this.list = h("ul", { class: "jobs" });
    this.box = box;
    box.hidden = true;
    box.append(h("h2", { id: "history-title" }, t.title), this.list, h("p", { class: "help" }, fill(t.kept, { count: days })));
    window.addEventListener("pagehide", () => [...this.leaving.values()].forEach((done) => done()));
  }

  update(job) {
    this.drop(job.picture);
    const row = this.rows.get(job.id) || this.add({ kind: "job", id: job.id, title: job.name, text: name(job), created: job.created, picture: job.picture });
    row.state.textContent = `${words.job.states[job.state]} · ${day(job.created)}`;
    row.node.dataset.state = job.state;
    const before = job.region ? null : at.pictureThumb(job.picture); // of a piece there is none yet
    const seen = job.state === "done" ? at.thumb(job.id) : job.progress.preview ? at.preview(job.id, 0) : before;
    if (seen && row.image.dataset.src !== seen && (job.state !== "running" || !row.image.dataset.src)) {
      row.image.dataset.src = seen;
      row.image.src = seen;
    }
  }

  // A picture that no job is of.
  picture(one) {
    if (this.rows.has(one.id)) return;
    const row = this.add({ kind: "picture", id: one.id, title: one.name, text: t.untouched, created: one.created, picture: one.id });
    row.state.textContent = day(one.created);
    row.image.src = at.pictureThumb(one.id);
  }

  add({ kind, id, title, text, picture }) {
    const image = h("img", { alt: "", loading: "lazy" });
    const state = h("span", { class: "state" });
    const what = h("span", { class: "what" }, h("strong", {}, title), " ", text);
    const acts = [
      button(t.open, () => this.opened(kind, id), { ariaLabel: `${t.open}: ${title}, ${text}` }),
      button(t.remove, () => this.remove(id), { class: "plain", ariaLabel: `${t.remove}: ${title}, ${text}` })];
    const node = h("li", {}, image, what, state, acts);
    this.list.prepend(node);
    const row = { node, image, state, acts, kind, picture };
    this.rows.set(id, row);
    this.box.hidden = false;
    return row;
  }

  // Takes a row away; for a while it can be brought back.
  remove(id) {
    const row = this.rows.get(id);
    const back = button(t.undo, () => {
      clearTimeout(timer);
      this.leaving.delete(id);
      note.remove();
      row.node.classList.remove("going");
      row.acts[1].focus();
    });
    const note = h("span", { class: "undo" }, `${t.removed} `, back);
    row.node.classList.add("going");
    row.node.append(note);
    back.focus();
    const done = () => this.erase(id, row);
    const timer = setTimeout(done, UNDO);
    this.leaving.set(id, done);
  }

  // A picture goes with the last of its jobs.
  async erase(id, row) {
    this.leaving.delete(id);
    const last = ![...this.rows].some(([other, one]) => other !== id && one.picture === row.picture);
    try {
      if (row.kind === "picture" || last) await api.removePicture(row.picture);
      else await api.remove(id);
      if (last) forget(row.picture);
      this.drop(id);
      this.gone(id);
    } catch (error) {
      complain(error.message);
    }
  }

  drop(id) {
    this.rows.get(id)?.node.remove();
    this.rows.delete(id);
    this.box.hidden = this.rows.size === 0;
  }
}
