// Drop, paste or choose pictures: how far they have come is said, whatever is open, and can be ended.

import { api } from "./api.js";
import { button, calm, complain, h, say } from "./dom.js";
import { bytes, words } from "./strings.js";

const t = words.intake;

// taken(picture, first) is told of each that has come; the first is opened.
export function intake(box, taken) {
  const input = h("input", { type: "file", accept: "image/*,.tif,.tiff,.heic", multiple: true, id: "file", class: "visually-hidden" });
  input.addEventListener("change", () => take([...input.files]).then(() => (input.value = "")));
  const choose = button(t.choose, () => input.click(), { class: "primary", id: "choose" });
  const label = h("label", { htmlFor: "file", class: "visually-hidden" }, t.choose);
  input.tabIndex = -1;
  box.append(h("h2", { id: "intake-title" }, t.title), h("p", {}, t.help), choose, label, input);
  const coming = new Coming();

  async function take(files) {
    if (!files.length) return;
    calm();
    box.setAttribute("aria-busy", "true");
    let count = 0;
    for (const [index, file] of files.entries()) {
      try {
        taken(await coming.of(file, index, files.length), count === 0);
        count += 1;
      } catch (error) {
        if (error.name === "AbortError") break;
        complain(error.message, words.error.dismiss);
      }
    }
    box.removeAttribute("aria-busy");
    if (count > 1) say(t.several(count));
  }

  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      box.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => event.relatedTarget || box.classList.remove("over"));
  const given = (event, transfer) => {
    const files = [...transfer.files];
    if (files.length) take(files);
    else if (event.type === "drop") complain(t.noFile, words.error.dismiss);
  };
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    box.classList.remove("over");
    given(event, event.dataTransfer);
  });
  document.addEventListener("paste", (event) => given(event, event.clipboardData));
  return { open: () => input.click(), take };
}

// A line that says what is on its way.
class Coming {
  constructor() {
    this.text = h("span", {});
    this.bar = h("progress", { max: 1, ariaLabel: t.sending });
    this.box = h("p", { class: "card incoming", id: "incoming", hidden: true }, this.text, this.bar,
      button(t.cancel, () => this.ending?.abort()));
    document.querySelector("main").prepend(this.box);
  }

  async of(file, index, count) {
    this.ending = new AbortController();
    const name = count > 1 ? `${file.name} (${index + 1}/${count})` : file.name;
    const told = (share) => {
      const text = share < 1 ? t.sent(name, Math.floor(100 * share), bytes(file.size)) : t.reading(name);
      if (share < 1) this.bar.value = share;
      else this.bar.removeAttribute("value");
      this.text.textContent = text;
    };
    told(0);
    say(t.reading(name));
    this.box.hidden = false;
    try {
      return await api.upload(file, { told, signal: this.ending.signal });
    } finally {
      this.box.hidden = true;
    }
  }
}
