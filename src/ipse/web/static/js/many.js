// Several photos at once: each with its thumbnail and its state, one act for all, and one file to save.

import { api, at } from "./api.js";
import { button, complain, h, say } from "./dom.js";
import { FIRST } from "./form.js";
import { fill, words } from "./words.js";

const t = words.many;
const KEY = "ipse.many"; // where the queue of this tab is kept
const OVER = ["done", "failed", "cancelled"];

export class Many {
  constructor(box, { form, opened, came }) {
    Object.assign(this, { box, form, opened, came });
    this.items = [];
    this.title = h("h2", { id: "many-title" });
    this.said = h("p", { class: "said", id: "many-said", ariaLive: "polite" });
    this.bar = h("progress", { max: 1, value: 0, ariaLabel: words.job.progress });
    this.start = button(t.start, () => this.begin(), { class: "primary", id: "start-all" });
    this.save = h("a", { class: "button primary", id: "save-all", download: "" }, t.save);
    this.broken = h("div", { class: "broken", id: "broken", hidden: true });
    this.grid = h("ul", { class: "grid" });
    this.more = h("div", { class: "card" });
    box.append(h("div", { class: "card head" }, this.title, h("div", { class: "said" }, this.said, this.bar),
      h("div", { class: "act" }, this.start, this.save)), this.broken, this.more, this.grid);
  }

  // Shows what there is; the settings are those of the form, for all.
  show() {
    this.more.replaceChildren(h("p", { class: "help" }, t.settings), this.form.more);
    this.draw();
  }

  // Takes files in; they come one after the other.
  async take(files) {
    if (!this.coming) {
      this.items = [];
      this.started = false;
      this.form.choose(FIRST, {});
    }
    const fresh = files.filter((file) => !file.name.startsWith(".")).map((file) => this.item(file));
    this.items.push(...fresh);
    this.grid.replaceChildren(...this.items.map((one) => one.node));
    this.show();
    if (this.coming) return;
    this.coming = true;
    for (let next = 0; next < this.items.length; next += 1) await this.bring(this.items[next]);
    this.coming = false;
    this.draw();
  }

  // The queue of before a reload: what the server has of it.
  recall(pictures, jobs) {
    const held = new Map(pictures.map((one) => [one.id, one]));
    for (const id of kept()) if (held.has(id)) this.bear(held.get(id));
    if (!this.items.length) return;
    this.form.choose(FIRST, {});
    this.grid.replaceChildren(...this.items.map((one) => one.node));
    jobs.forEach((job) => this.update(job));
    this.started = this.items.every((one) => one.job);
    this.draw();
  }

  bear(picture) {
    const one = this.item(picture);
    this.items.push(one);
    this.arrived(one, picture);
  }

  arrived(one, picture) {
    Object.assign(one, { picture, file: null });
    one.image.src = at.pictureThumb(picture.id);
    one.image.hidden = false;
    one.node.firstChild.disabled = false;
    this.mark(one, t.ready);
    keep(this.items.flatMap(({ picture }) => picture?.id ?? []));
  }

  item(file) {
    const image = h("img", { alt: "", width: 160, height: 120, hidden: true });
    const state = h("span", { class: "help" });
    const node = h("li", {}, h("button", { type: "button", class: "thumb", disabled: true, onclick: () => this.open(one) },
      h("span", { class: "frame" }, image), h("span", { class: "name" }, file.name), state));
    const one = { file, image, state, node, picture: null, job: null, error: null };
    return one;
  }

  async bring(one) {
    const { file } = one;
    this.mark(one, words.intake.sending);
    try {
      this.arrived(one, await api.upload(file, { path: file.path || file.webkitRelativePath }));
    } catch (error) {
      one.error = error.message;
      one.node.hidden = true;
      this.draw();
      return;
    }
    this.came(one.picture);
    if (this.started) await this.submit(one);
    this.draw();
  }

  open(one) {
    this.opened(one.job ? "job" : "picture", one.job?.id ?? one.picture.id);
  }

  async begin() {
    this.started = true;
    this.draw();
    for (const one of this.items) if (one.picture && (!one.job || one.job.state === "failed")) await this.submit(one);
  }

  async submit(one) {
    try {
      one.job = await api.submit({ picture: one.picture.id, ...this.form.wanted() });
      this.update(one.job);
    } catch (error) {
      complain(error.message);
      this.started = false;
    }
  }

  // Notes how a job stands. A photo that was opened may have got another one: the latest counts.
  update(job) {
    const one = this.items.find((item) => item.picture?.id === job.picture && !job.region);
    if (!one || (one.job && one.job.created > job.created)) return;
    one.job = job;
    this.mark(one, words.job.states[job.state]);
    one.node.dataset.state = job.state;
    if (job.state === "done") one.image.src = at.thumb(job.id);
    this.draw();
  }

  drop(id) {
    for (const one of this.items) if (one.job?.id === id) one.job = null;
    this.items = this.items.filter((one) => one.picture?.id !== id || one.node.remove());
  }

  mark(one, text) {
    one.state.textContent = text;
    one.node.firstChild.ariaLabel = fill(t.open, { name: `${one.node.querySelector(".name").textContent}, ${text}` });
  }

  // How far all are: a running one counts for what it has done.
  get share() {
    const count = this.whole.length || 1;
    return this.whole.reduce((sum, { job }) => sum + (job && OVER.includes(job.state) ? 1 : 0), 0) / count;
  }

  get whole() {
    return this.items.filter((one) => !one.error);
  }

  draw() {
    if (this.box.hidden && !this.items.length) return;
    const done = this.whole.filter(({ job }) => job?.state === "done");
    const over = this.whole.filter(({ job }) => job && OVER.includes(job.state));
    const lost = this.items.filter((one) => one.error);
    const ended = !this.coming && this.whole.length > 0 && over.length === this.whole.length;
    this.title.textContent = fill(t.title, { count: this.whole.length });
    const text = this.started ? fill(t.said, { done: done.length, count: this.whole.length }) : "";
    if (ended && this.said.textContent !== text) say(text);
    this.said.textContent = text;
    this.bar.value = this.share;
    this.bar.classList.toggle("off", !this.started || ended);
    this.start.hidden = ended;
    this.start.disabled = this.started || !this.whole.length;
    this.start.textContent = this.started ? t.running : this.form.task.name === FIRST ? t.start : this.form.act;
    this.save.hidden = !ended || !done.length;
    if (done.length) this.save.href = at.archive(done.map(({ job }) => job.id));
    this.broken.hidden = !lost.length;
    this.broken.replaceChildren(h("p", {}, fill(t.broken, { count: lost.length })), h("ul", {}, lost.map((one) => h("li", {}, one.error))));
    if (!this.box.hidden && this.started) document.title = `${done.length} / ${this.whole.length} · ipse`;
  }
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}

function keep(ids) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(ids));
  } catch {
    // full or forbidden: then a reload begins anew
  }
}
