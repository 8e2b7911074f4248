// A photo before its restoration: what was found in it, one act, and what else can be done with it.

import { api, at } from "./api.js";
import { button, calm, complain, h, say } from "./dom.js";
import { draft, keep } from "./drafts.js";
import { onlyBlurred, sentence } from "./found.js";
import { called, FIRST, Form } from "./form.js";
import { Mask } from "./mask.js";
import { Plan } from "./plan.js";
import { Region } from "./region.js";
import { fill, words } from "./words.js";

const t = words.form;
const PAINTED = "mask"; // the option that is painted; any other file is chosen
const SOUGHT = "find"; // the option that finds what would be painted
const BLURRED = "deblur"; // the task for a blurred photo

export class Editor {
  constructor({ stage, compare, panel, tasks, started, drafted }) {
    Object.assign(this, { stage, compare, panel, started, drafted });
    this.form = new Form(tasks, () => {
      this.changed();
      this.also?.();
    });
    this.plan = new Plan();
    this.found = h("p", { id: "found", ariaLive: "polite" });
    this.start = button("", () => this.begin(), { class: "primary", id: "start" });
    this.trial = button(t.trial, () => this.pick(), { id: "trial" });
    this.help = h("p", { class: "help", hidden: true }, t.trialHelp);
    this.masks = h("div");
    this.back = button(`← ${t.back}`, () => this.form.choose(FIRST), { class: "plain", id: "back" });
    const copy = (kind) => button(t[kind], () => this.copy(kind), { id: `copy-${kind}` });
    this.form.more.append(this.plan.box, h("div", { class: "tools" }, this.trial, copy("command"), copy("python")), this.help);
    this.form.more.addEventListener("toggle", () => this.predict());
  }

  // A file that is on its way to the server: the browser shows it, if it can.
  async await(file) {
    this.close();
    this.show(file.name);
    this.start.disabled = true;
    this.found.textContent = words.found.looking;
    this.form.choose(FIRST, {});
    for (const one of [this.stage.after, this.stage.before]) this.stage.clear(one);
    this.compare.show(false);
    const image = new Image();
    image.src = URL.createObjectURL(file);
    await image.decode().catch(() => {});
    if (!image.naturalWidth || this.picture) return;
    this.stage.resize(image.naturalWidth, image.naturalHeight);
    await this.stage.put(this.stage.before, image.src);
  }

  show(name) {
    const card = (...parts) => h("div", { class: "card" }, ...parts);
    const body = [card(this.back, this.form.needed, this.masks), card(h("h3", {}, t.other), this.form.tiles), card(this.form.more)];
    this.panel.show({ name, said: this.found, act: this.start, body });
  }

  // Opens a picture, with what an earlier job was told.
  async open(picture, told = null) {
    this.close();
    this.picture = picture;
    this.start.disabled = false;
    this.looking = new AbortController();
    const { width, height } = picture.about;
    this.stage.clear(this.stage.after);
    this.compare.show(false);
    this.stage.resize(width, height);
    this.stage.put(this.stage.before, at.view(picture.id));
    this.show(picture.name);
    const known = draft(picture.id);
    told = told ?? (known.task ? { task: known.task, settings: known.values } : null);
    this.free = !told; // nobody has chosen a task yet
    this.look(picture);
    this.form.choose(told?.task ?? FIRST, told ? { ...told.settings, ...told.options } : {});
    await this.hold(told);
    await this.see(picture.id);
  }

  // What is found comes in steps: the noise, a draft of the result, and what the first task itself finds.
  async see(id) {
    const { signal } = this.looking;
    const steps = [() => api.picture(id, true), () => this.drafted(id), () => api.look(id, signal)];
    for (const step of steps) {
      const seen = await step().catch(() => null);
      if (seen && this.picture?.id === id) this.look(seen);
      if (signal.aborted) return;
    }
  }

  // An earlier mask is shown again.
  async hold(told) {
    const file = told?.options?.[PAINTED];
    const mask = file && (await api.picture(file.picture).catch(() => null));
    if (mask && this.mask) await this.mask.adopt(mask);
  }

  look(picture) {
    this.picture = picture;
    const text = sentence(picture);
    if (this.found.textContent !== text) this.found.textContent = text;
    this.form.show(picture);
    if (onlyBlurred(picture)) this.propose();
  }

  // What the first task does not repair is proposed instead of it, once, where nobody has chosen otherwise.
  propose() {
    if (this.free && this.form.task.name === FIRST && !this.start.disabled) this.form.choose(BLURRED);
    this.free = false;
  }

  changed() {
    this.start.textContent = this.region ? t.trialStart : this.form.act;
    this.back.hidden = this.form.task.name === FIRST;
    if (this.back.parentElement) this.back.parentElement.hidden = this.back.hidden && !this.form.needed.children.length;
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

  // The time for what the form says, if anybody looks; of a piece, for the piece.
  predict() {
    const lacks = (one) => one.required && one.name !== PAINTED && !(one.name in this.form.values);
    const ready = this.picture && this.form.more.open && !this.form.missing() && !this.form.files.some(lacks);
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
    this.start.textContent = this.form.act;
    this.help.hidden = true;
    if (this.picture) this.predict();
    if (this.mask) this.mask.choose(this.mask.name);
  }

  // What a request would say; null where something is missing, which is said.
  async wanted() {
    const missing = this.form.missing();
    if (missing) {
      document.getElementById(`option-${missing.name}`).focus();
      complain(fill(t.needed, { name: called(missing) }));
      return null;
    }
    const files = await this.files();
    return files && { picture: this.picture.id, ...this.form.wanted(files), region: this.region?.box ?? null };
  }

  async begin() {
    calm();
    this.start.disabled = true;
    try {
      const wanted = await this.wanted();
      if (!wanted) return;
      this.looking.abort();
      this.started(await api.submit(wanted));
    } catch (error) {
      complain(error.message);
    } finally {
      this.start.disabled = false;
    }
  }

  // The same without the page.
  async copy(kind) {
    calm();
    try {
      const wanted = await this.wanted();
      if (!wanted) return;
      const said = await api.recipe({ ...wanted, region: null });
      await navigator.clipboard.writeText(said[kind]).then(
        () => say(fill(t.copied, { files: said.files.join(", ") })),
        () => complain(fill(t.notCopied, { text: said[kind] })));
    } catch (error) {
      complain(error.message);
    }
  }

  // What a task needs besides words: the mask, with what white in it means. Null where it is not painted yet.
  async files() {
    if (!this.mask) return {};
    const sought = this.form.task.options.some((one) => one.name === SOUGHT); // then either is needed
    const optional = sought ? this.form.values[SOUGHT] : this.form.files.every((one) => !one.required);
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
    this.looking?.abort();
    this.unpick();
    this.unmask();
    this.plan.ask(null);
  }
}
