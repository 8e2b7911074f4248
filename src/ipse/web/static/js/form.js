// A task's options and the settings all share, made from what the server says of their signatures.

import { estimate } from "./found.js";
import { api } from "./api.js";
import { complain, h } from "./dom.js";
import { number, words } from "./strings.js";

const t = words.form;
const FIRST = ["preset", "seconds"]; // settings that most people want; the rest is folded away

// What most people come for, in their words, then the rest.
function groups(tasks) {
  const names = tasks.map((task) => task.name);
  const common = Object.keys(t.tasks).filter((name) => names.includes(name));
  const group = (label, some) => h("optgroup", { label }, some.map((name) =>
    h("option", { value: name }, t.tasks[name] ? `${name}: ${t.tasks[name]}` : name)));
  return [group(t.common, common), group(t.special, names.filter((name) => !common.includes(name)))];
}

export class Form {
  constructor(tasks, changed) {
    this.tasks = tasks;
    this.changed = changed;
    this.values = {};
    this.select = h("select", { id: "task" }, groups(tasks));
    this.select.addEventListener("change", () => this.choose(this.select.value));
    this.help = h("p", { class: "help", id: "task-help" });
    this.fields = h("div", { class: "fields" });
    this.box = h("div", { class: "card" }, h("h2", {}, t.title),
      h("div", { class: "field" }, h("label", { htmlFor: "task" }, t.task), this.select), this.help, this.fields);
  }

  get task() {
    return this.tasks.find((task) => task.name === this.select.value);
  }

  get files() {
    return this.task.options.filter((one) => one.kind === "file");
  }

  choose(name, values = this.values) {
    if (this.tasks.some((task) => task.name === name)) this.select.value = name;
    this.values = { ...values };
    this.draw();
    this.changed();
  }

  show(picture) {
    this.picture = picture;
    this.draw();
  }

  draw() {
    const { options, settings, help } = this.task;
    this.help.textContent = help;
    const painted = options.some((one) => one.name === "mask"); // then what white means is known
    const own = options.filter((one) => one.name !== "mask" && !(painted && one.name === "polarity"));
    const first = settings.filter((one) => FIRST.includes(one.name));
    const rest = settings.filter((one) => !FIRST.includes(one.name));
    const open = this.fields.querySelector("details")?.open ?? false;
    this.fields.replaceChildren(
      ...own.map((one) => this.field(one)), ...first.map((one) => this.field(one)),
      h("details", { open }, h("summary", {}, t.more), ...rest.map((one) => this.field(one))),
    );
  }

  field(one) {
    const id = `option-${one.name}`;
    const control = this.control(one, id);
    const value = this.values[one.name];
    if (value !== undefined && one.kind !== "bool" && one.kind !== "file") control.value = value ?? "";
    control.addEventListener("change", () => (one.kind === "file" ? this.put(one, control) : this.told(one, control, badge)));
    const badge = h("span", { class: "badge", id: `${id}-auto` });
    this.mark(one, badge);
    return h("div", { class: "field" }, h("label", { htmlFor: id }, one.name), badge, control,
      h("p", { class: "help", id: `${id}-help` }, one.help));
  }

  control(one, id) {
    const shared = { id, "aria-describedby": `${id}-help ${id}-auto` };
    if (one.kind === "choice") {
      const empty = one.optional ? [h("option", { value: "" }, t.auto)] : [];
      const control = h("select", shared, ...empty, one.choices.map((name) => h("option", { value: name }, name)));
      control.value = one.default ?? "";
      return control;
    }
    if (one.kind === "bool") {
      return h("input", { ...shared, type: "checkbox", checked: this.values[one.name] ?? one.default ?? false });
    }
    if (one.kind === "file") return h("input", { ...shared, type: "file", required: one.required });
    const type = one.kind === "str" ? "text" : "number";
    const control = h("input", { ...shared, type, required: one.required, placeholder: one.optional ? t.leave : "" });
    if (type === "number") control.step = one.kind === "int" ? "1" : "any";
    control.value = one.default ?? "";
    return control;
  }

  // A file is uploaded when it is chosen.
  async put(one, control) {
    delete this.values[one.name];
    try {
      if (control.files[0]) this.values[one.name] = { picture: (await api.upload(control.files[0])).id };
    } catch (error) {
      complain(error.message, words.error.dismiss);
    }
    this.changed();
  }

  told(one, control, badge) {
    const text = one.kind === "bool" ? control.checked : control.value;
    if (text === "") delete this.values[one.name];
    else this.values[one.name] = one.kind === "int" || one.kind === "float" ? Number(text) : text;
    this.mark(one, badge);
    this.changed();
  }

  // "auto" where nothing was told and the picture says, or will say, what it is.
  mark(one, badge) {
    const value = this.values[one.name];
    const free = value === undefined || value === "auto";
    const auto = free && !one.required && (one.default === null || one.default === "auto");
    const known = auto && this.picture ? estimate(this.picture, one.name) : null;
    badge.hidden = !auto;
    badge.textContent = known === null ? t.auto : t.autoIs(number(known));
  }

  // What a request says: only what was told, so that defaults stay the server's.
  wanted(files = {}) {
    const { options, settings } = this.task;
    const told = (list) =>
      Object.fromEntries(list.filter((one) => one.name in this.values).map((one) => [one.name, this.values[one.name]]));
    return { task: this.task.name, options: { ...told(options), ...files }, settings: told(settings) };
  }

  missing() {
    return this.task.options.find((one) => one.required && one.name !== "mask" && !(one.name in this.values)) || null;
  }
}
