// Photos come in: dropped, pasted or chosen, files or folders, or an example. How far they have come is said.

import { api } from "./api.js";
import { button, calm, complain, h, say } from "./dom.js";
import { bytes, fill, words } from "./words.js";

const t = words.intake;
const EXAMPLES = { night: "night.png", web: "cat.jpg", phone: "phone.jpg" };
const KINDS = "image/*,.tif,.tiff,.heic";

// opened(file) and came(picture) are told of a single file, several(files) of more.
export function intake(box, { opened, came, several, failed }) {
  const files = chooser("file", t.choose, { accept: KINDS, multiple: true });
  const folder = chooser("folder", t.folder, { webkitdirectory: true });
  const examples = h("ul", { class: "examples" }, Object.keys(EXAMPLES).map((name) =>
    h("li", {}, h("button", { type: "button", class: "example", "data-example": name, onclick: () => example(name) },
      h("img", { src: `/static/img/${name}.webp`, alt: "", width: 168, height: 126 }), h("span", {}, t.example[name])))));
  box.append(
    h("div", { class: "drop" }, h("h2", { id: "intake-title" }, t.title), h("p", { class: "help" }, t.help),
      h("div", { class: "tools" }, button(t.choose, () => files.click(), { class: "primary", id: "choose" }),
        button(t.folder, () => folder.click(), { class: "wide", id: "choose-folder" }))),
    h("div", { class: "try" }, h("h3", {}, t.examples), examples),
    h("div", { class: "visually-hidden" }, h("label", { htmlFor: "file" }, t.choose), files,
      h("label", { htmlFor: "folder" }, t.folder), folder));
  for (const input of [files, folder]) {
    input.addEventListener("change", () => {
      take([...input.files]);
      input.value = "";
    });
  }
  const coming = new Coming();

  async function take(given) {
    if (!given.length) return;
    calm();
    if (given.length > 1) return several(given);
    const [file] = given;
    opened(file);
    try {
      came(await coming.of(file));
    } catch (error) {
      failed();
      if (error.name !== "AbortError") complain(error.message);
    }
  }

  async function example(name) {
    try {
      await take([new File([await api.example(name)], EXAMPLES[name])]);
    } catch (error) {
      complain(error.message);
    }
  }

  const over = (on) => document.body.classList.toggle("over", on);
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      over(true);
    });
  }
  document.addEventListener("dragleave", (event) => event.relatedTarget || over(false));
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    over(false);
    const given = await dropped(event.dataTransfer);
    if (given.length) take(given);
    else complain(t.noFile);
  });
  document.addEventListener("paste", (event) => take([...event.clipboardData.files]));
  return { open: () => files.click(), take };
}

function chooser(id, text, props) {
  return h("input", { type: "file", id, tabIndex: -1, ariaLabel: text, ...props });
}

// The files of a drop; of folders, all files in them, which keep their place as `path`.
async function dropped(transfer) {
  const entries = [...(transfer.items ?? [])].map((one) => one.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((one) => one.isDirectory)) return [...transfer.files];
  return (await Promise.all(entries.map(within))).flat();
}

async function within(entry) {
  if (entry.isFile) {
    const file = await new Promise((done, lost) => entry.file(done, lost));
    return [Object.assign(file, { path: entry.fullPath.slice(1) })];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) { // a reader gives a hundred at a time
    const some = await new Promise((done, lost) => reader.readEntries(done, lost));
    if (!some.length) break;
    found.push(...some);
  }
  return (await Promise.all(found.map(within))).flat();
}

// A line that says what is on its way.
class Coming {
  constructor() {
    this.text = h("span", {});
    this.bar = h("progress", { max: 1, ariaLabel: t.sending });
    this.box = h("p", { class: "incoming", id: "incoming", hidden: true }, this.text, this.bar,
      button(t.cancel, () => this.ending?.abort()));
    document.body.append(this.box);
  }

  async of(file) {
    this.ending = new AbortController();
    const told = (share) => {
      const values = { name: file.name, share: Math.floor(100 * share), size: bytes(file.size) };
      this.text.textContent = share < 1 ? fill(t.sent, values) : fill(t.reading, values);
      if (share < 1) this.bar.value = share;
      else this.bar.removeAttribute("value");
    };
    told(0);
    say(fill(t.reading, { name: file.name }));
    this.box.hidden = false;
    try {
      return await api.upload(file, { told, signal: this.ending.signal });
    } finally {
      this.box.hidden = true;
    }
  }
}
