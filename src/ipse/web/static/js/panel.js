// The column beside the picture. What it says and its one act stand at the same place before, during and after.

import { h } from "./dom.js";

export class Panel {
  constructor(box) {
    this.box = box;
    this.name = h("h2", { id: "photo" });
    this.said = h("div", { class: "said" });
    this.act = h("div", { class: "act" });
    this.body = h("div", { class: "body" });
    box.append(h("div", { class: "card head" }, this.name, this.said, this.act), this.body);
  }

  // Shows a state: a name, what there is to say, the one act, and the rest.
  show({ name, said, act, body }) {
    this.name.textContent = name;
    this.said.replaceChildren(...[said].flat());
    this.act.replaceChildren(...[act].flat());
    this.body.replaceChildren(...body);
  }
}
