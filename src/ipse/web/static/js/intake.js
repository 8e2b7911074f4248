// Drop, paste or choose a picture.

import { api } from "./api.js";
import { button, calm, complain, h, say } from "./dom.js";
import { words } from "./strings.js";

export function intake(box, taken) {
  const input = h("input", { type: "file", accept: "image/*,.tif,.tiff,.heic", id: "file", class: "visually-hidden" });
  input.addEventListener("change", () => input.files[0] && take(input.files[0]).then(() => (input.value = "")));
  const choose = button(words.intake.choose, () => input.click(), { class: "primary", id: "choose" });
  const label = h("label", { htmlFor: "file", class: "visually-hidden" }, words.intake.choose);
  const help = h("p", {}, words.intake.help);
  input.tabIndex = -1;
  box.append(h("h2", { id: "intake-title" }, words.intake.title), help, choose, label, input);

  async function take(file) {
    calm();
    help.textContent = words.intake.reading(file.name);
    say(help.textContent);
    box.setAttribute("aria-busy", "true");
    try {
      taken(await api.upload(file));
    } catch (error) {
      complain(error.message, words.error.dismiss);
    } finally {
      help.textContent = words.intake.help;
      box.removeAttribute("aria-busy");
    }
  }

  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      box.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => event.relatedTarget || box.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    box.classList.remove("over");
    const file = event.dataTransfer.files[0];
    if (file) take(file);
  });
  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files][0];
    if (file) take(file);
  });
  return { open: () => input.click(), take };
}
