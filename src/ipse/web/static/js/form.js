// What to do and how: six tiles for the tasks, and their options in words, made from what the server says of them.

import { api } from "./api.js";
import { complain, h } from "./dom.js";
import { estimate } from "./found.js";
import { fill, number, words } from "./words.js";

const t = words.form;
export const FIRST = "enhance"; // what is offered first: it finds out what is wrong by itself
const TILES = ["denoise", "dejpeg", "inpaint", "upscale", "deblur", "flash"];
const NEAR = ["preset", "seconds"]; // settings that most people want; the rest follows
const PAINTED = "mask"; // the option that is painted; any other file is chosen
const GIVEN = { factor: 2 }; // what a task needs, and most people want

export class Form {
  constructor(tasks, changed) {
    this.tasks = tasks;
    this.changed = changed;
    this.values = {};
    this.task = this.find(FIRST);
    this.tiles = h("div", { class: "tiles", role: "group", ariaLabel: t.other }, TILES.map((name) => this.tile(name)));
    this.needed = h("div", { class: "fields" });
    this.select = h("select", { id: "task" }, tasks.map(({ name }) =>
      h("option", { value: name }, words.task[name] ? `${words.task[name].name} · ${name}` : name)));
    this.select.addEventListener("change", () => this.choose(this.select.value));
    this.help = h("p", { class: "help", id: "task-help" });
    this.fields = h("div", { class: "fields" });
    this.more = h("details", { id: "more" }, h("summary", {}, t.more),
      h("div", { class: "field" }, h("label", { htmlFor: "task" }, t.task), this.select, this.help), this.fields);
  }

  find(name) {
    return this.tasks.find((task) => task.name === name);
  }

  get files() {
    return this.task.options.filter((one) => one.kind === "file");
  }

  get act() {
    return words.task[this.task.name]?.act ?? this.task.name;
  }

  // A task as a tile, with a small picture of what it does; pressed again, it gives way to the first.
  tile(name) {
    const { name: text, said } = words.task[name];
    const press = () => this.choose(this.task.name === name ? FIRST : name);
    return h("button", { type: "button", class: "tile", "data-task": name, ariaPressed: "false", onclick: press },
      h("img", { src: `/static/img/${name}.webp`, alt: "", loading: "lazy", width: 168, height: 126 }),
      h("span", { class: "name" }, text), h("span", { class: "help" }, said));
  }

  choose(name, values = this.values) {
    this.task = this.find(name) ?? this.task;
    this.values = { ...values };
    for (const one of this.task.options) {
      if (one.required && one.name in GIVEN && !(one.name in this.values)) this.values[one.name] = GIVEN[one.name];
    }
    this.draw();
    this.changed();
  }

  show(picture) {
    this.picture = picture;
    this.draw();
  }

  draw() {
    const { name, options, settings, help } = this.task;
    this.select.value = name;
    this.help.textContent = help;
    for (const one of this.tiles.children) one.ariaPressed = String(one.dataset.task === name);
    const painted = options.some((one) => one.name === PAINTED); // then what white means is known
    const own = options.filter((one) => one.name !== PAINTED && !(painted && one.name === "polarity"));
    const near = settings.filter((one) => NEAR.includes(one.name));
    const rest = settings.filter((one) => !NEAR.includes(one.name));
    this.needed.replaceChildren(...own.filter((one) => one.required).map((one) => this.field(one)));
    this.fields.replaceChildren(...[...own.filter((one) => !one.required), ...near, ...rest].map((one) => this.field(one)));
  }

  field(one) {
    const id = `option-${one.name}`;
    const control = this.control(one, id);
    const value = this.values[one.name];
    if (value !== undefined && one.kind !== "bool" && one.kind !== "file") control.value = value ?? "";
    control.addEventListener("change", () => (one.kind === "file" ? this.put(one, control) : this.told(one, control, badge)));
    const badge = h("span", { class: "badge", id: `${id}-auto` });
    this.mark(one, badge);
    return h("div", { class: "field" }, h("label", { htmlFor: id }, called(one), " ", h("code", {}, one.name)), badge, control,
      h("p", { class: "help", id: `${id}-help` }, one.help));
  }

  control(one, id) {
    const shared = { id, name: one.name, "aria-describedby": `${id}-help` };
    if (one.choices) {
      const empty = one.optional ? [h("option", { value: "" }, t.auto)] : [];
      const said = (name) => (t.choice[name] ? `${t.choice[name]} · ${name}` : name);
      const control = h("select", shared, ...empty, one.choices.map((name) => h("option", { value: name }, said(name))));
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
      complain(error.message);
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
    badge.textContent = known === null ? t.auto : fill(t.autoIs, { value: number(known) });
  }

  // What a request says: only what was told, so that defaults stay the server's.
  wanted(files = {}) {
    const { options, settings } = this.task;
    const told = (list) =>
      Object.fromEntries(list.filter((one) => one.name in this.values).map((one) => [one.name, this.values[one.name]]));
    return { task: this.task.name, options: { ...told(options), ...files }, settings: told(settings) };
  }

  missing() {
    return this.task.options.find((one) => one.required && one.name !== PAINTED && !(one.name in this.values)) || null;
  }
}

// An option in words.
export function called(one) {
  return t.option[one.name] ?? one.name;
}
