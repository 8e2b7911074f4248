// A picture before its restoration: what was found, the task, the mask, a piece to try, start.

import { api, at } from "./api.js";
import { button, calm, complain, h } from "./dom.js";
import { draft, keep } from "./drafts.js";
import { found } from "./found.js";
import { Mask } from "./mask.js";
import { Plan } from "./plan.js";
import { Region } from "./region.js";
import { words } from "./strings.js";

const t = words.form;
const PAINTED = "mask"; // the option that is painted; any other file is chosen
const FIRST = "enhance"; // what is offered first: it finds out what is wrong by itself
const LARGE = 6e6; // pixels from which a task that goes piece by piece is offered, if one is proposed

export class Editor {
  constructor({ stage, compare, panel, form, started }) {
    Object.assign(this, { stage, compare, panel, form, started });
    this.plan = new Plan();
    this.start = button(t.start, () => this.begin(), { class: "primary", id: "start" });
    this.trial = button(t.trial, () => this.pick(), { id: "trial" });
    this.help = h("p", { class: "help", hidden: true }, t.trialHelp);
    this.actions = h("div", { class: "card actions" }, this.plan.box, h("div", { class: "tools" }, this.start, this.trial), this.help);
    this.found = h("div");
    this.masks = h("div");
    form.changed = () => this.changed();
  }

  // Opens a picture, with what an earlier job was told.
  async open(picture, told = null) {
    this.close();
    this.picture = picture;
    const { width, height } = picture.about;
    this.stage.clear(this.stage.after);
    this.compare.show(false);
    this.stage.resize(width, height);
    this.stage.put(this.stage.before, at.view(picture.id));
    this.panel.replaceChildren(this.found, this.form.box, this.masks, this.actions);
    const known = draft(picture.id);
    told = told ?? (known.task ? { task: known.task, settings: known.values } : null);
    this.form.choose(told?.task ?? FIRST, told ? { ...told.settings, ...told.options } : {});
    this.look(picture, !told);
    await this.hold(told);
    if (picture.found) return;
    const seen = await api.picture(picture.id, true).catch(() => null);
    if (seen && this.picture?.id === seen.id) this.look(seen, !told);
  }

  // An earlier mask is shown again.
  async hold(told) {
    const file = told?.options?.[PAINTED];
    const mask = file && (await api.picture(file.picture).catch(() => null));
    if (mask && this.mask) await this.mask.adopt(mask);
  }

  look(picture, propose = false) {
    this.picture = picture;
    this.found.replaceChildren(found(picture, (task) => this.form.choose(task)));
    this.form.show(picture);
    const untouched = propose && this.form.task.name === FIRST && Object.keys(this.form.values).length === 0;
    const task = this.instead(picture);
    if (task && untouched) this.form.choose(task);
  }

  // Of a picture too large to be seen whole: the task that was proposed, where it goes piece by piece.
  instead({ about, found: seen }) {
    const task = this.form.tasks.find((one) => one.name === seen?.["proposed task"]);
    return !this.form.task.piece && task?.piece && about.width * about.height > LARGE ? task.name : null;
  }

  changed() {
    if (!this.picture) return;
    const painted = this.form.files.some((one) => one.name === PAINTED);
    if (painted && !this.mask) {
      this.mask = new Mask(this.stage, this.picture);
      this.masks.replaceChildren(this.mask.box);
      this.recall(this.mask);
    } else if (!painted && this.mask) this.unmask();
    this.trial.hidden = !this.form.task.piece;
    if (this.trial.hidden) this.unpick();
    keep(this.picture.id, { task: this.form.task.name, values: this.form.values });
    this.predict();
  }

  // The time for what the form says; of a piece, for the piece.
  predict() {
    const lacks = (one) => one.required && one.name !== PAINTED && !(one.name in this.form.values);
    const ready = !this.form.missing() && !this.form.files.some(lacks);
    this.plan.ask(ready ? { picture: this.picture.id, ...this.form.wanted(), region: this.region?.box ?? null } : null);
  }

  // What was painted before a reload, or before another task was looked at.
  async recall(mask) {
    const { id } = this.picture;
    await mask.canvas.recall(draft(id).mask);
    mask.canvas.kept = (url) => keep(id, { mask: url });
  }

  pick() {
    if (this.region) return this.unpick();
    this.region = new Region(this.stage, this.picture);
    this.trial.textContent = t.trialCancel;
    this.start.textContent = t.trialStart;
    this.help.hidden = false;
    this.stage.frame.focus();
    this.predict();
  }

  unpick() {
    this.region?.close();
    this.region = null;
    this.trial.textContent = t.trial;
    this.start.textContent = t.start;
    this.help.hidden = true;
    if (this.picture) this.predict();
    if (this.mask) this.mask.choose(this.mask.name);
  }

  async begin() {
    const missing = this.form.missing();
    if (missing) {
      document.getElementById(`option-${missing.name}`).focus();
      return complain(t.needed(missing.name), words.error.dismiss);
    }
    calm();
    this.start.disabled = true;
    try {
      const files = await this.files();
      if (!files) return;
      const wanted = { picture: this.picture.id, ...this.form.wanted(files), region: this.region?.box ?? null };
      this.started(await api.submit(wanted));
    } catch (error) {
      complain(error.message, words.error.dismiss);
    } finally {
      this.start.disabled = false;
    }
  }

  // What a task needs besides words: the mask, with what white in it means. Null where it is not painted yet.
  async files() {
    if (!this.mask) return {};
    const optional = this.form.files.every((one) => !one.required);
    if (optional && this.mask.canvas.empty) return {};
    const mask = await this.mask.put();
    if (!mask) return null;
    const told = this.form.task.options.some((one) => one.name === "polarity");
    return { [PAINTED]: { picture: mask.id }, ...(told ? { polarity: "white-is-hole" } : {}) };
  }

  unmask() {
    this.mask?.close();
    this.mask = null;
    this.masks.replaceChildren();
  }

  close() {
    this.picture = null;
    this.unpick();
    this.unmask();
    this.plan.ask(null);
  }
}
