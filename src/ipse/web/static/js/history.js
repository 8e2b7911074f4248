// All jobs, the newest first: they survive a reload and a restart.

import { api, at } from "./api.js";
import { button, complain, h } from "./dom.js";
import { name } from "./result.js";
import { words } from "./strings.js";

const t = words.history;

export class History {
  constructor(box, days, { opened }) {
    this.opened = opened;
    this.rows = new Map();
    this.list = h("ul", { class: "jobs" });
    this.none = h("p", { class: "help" }, t.none);
    box.append(h("h2", { id: "history-title" }, t.title), this.list, this.none, h("p", { class: "help" }, t.kept(days)));
  }

  update(job) {
    const row = this.rows.get(job.id) || this.add(job);
    const { states, ahead } = words.job;
    const place = job.state === "queued" && job.position !== null ? `: ${ahead(job.position)}` : "";
    row.state.textContent = states[job.state] + place;
    row.node.dataset.state = job.state;
    const seen = job.state === "done" ? at.made(job.id) : job.progress.preview ? at.preview(job.id, 0) : at.before(job.id);
    if (row.image.dataset.src !== seen && (job.state !== "running" || !row.image.dataset.src)) {
      row.image.dataset.src = seen;
      row.image.src = seen;
    }
  }

  add(job) {
    const image = h("img", { alt: "", loading: "lazy" });
    const state = h("span", { class: "state" });
    const what = h("span", { class: "what" }, h("strong", {}, job.name), " ", name(job));
    const node = h("li", {}, image, what, state,
      button(t.open, () => this.opened(job.id), { ariaLabel: `${t.open}: ${job.name}, ${name(job)}` }),
      button(t.remove, () => this.remove(job.id), { class: "plain", ariaLabel: `${t.remove}: ${job.name}, ${name(job)}` }));
    this.list.prepend(node);
    const row = { node, image, state };
    this.rows.set(job.id, row);
    this.none.hidden = true;
    return row;
  }

  async remove(id) {
    try {
      await api.remove(id);
      this.drop(id);
    } catch (error) {
      complain(error.message, words.error.dismiss);
    }
  }

  drop(id) {
    this.rows.get(id)?.node.remove();
    this.rows.delete(id);
    this.none.hidden = this.rows.size > 0;
  }
}
