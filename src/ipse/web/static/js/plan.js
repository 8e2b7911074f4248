// The predicted time of what the form says, asked for once the choices have rested a moment.

import { api } from "./api.js";
import { h } from "./dom.js";
import { bytes, duration, words } from "./strings.js";

const REST = 700; // milliseconds
const t = words.form;

export class Plan {
  constructor() {
    this.box = h("p", { class: "help", id: "plan", ariaLive: "polite" });
  }

  // Asks for a plan; null says that there is nothing to plan yet.
  ask(wanted) {
    clearTimeout(this.timer);
    this.running?.abort();
    this.box.textContent = wanted ? t.planning : "";
    if (wanted) this.timer = setTimeout(() => this.fetch(wanted), REST);
  }

  async fetch(wanted) {
    this.running = new AbortController();
    const { signal } = this.running;
    try {
      const plan = await api.plan(wanted, signal);
      if (!signal.aborted) this.box.textContent = said(plan);
    } catch (error) {
      if (error.name !== "AbortError") this.box.textContent = error.message;
    }
  }
}

function said(plan) {
  const memory = bytes(plan.memory);
  const parts = [plan.fits ? t.plan(duration(plan.seconds), memory) : t.noRoom(memory)];
  if (plan.tiles > 1) parts.push(t.tiles(plan.tiles));
  return parts.join(" ");
}
