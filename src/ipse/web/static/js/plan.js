// The predicted time of what the form says, asked for once the choices have rested a moment.

import { api } from "./api.js";
import { h } from "./dom.js";
import { bytes, duration, fill, words } from "./words.js";

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
  const told = { time: duration(plan.seconds), memory: bytes(plan.memory) };
  const parts = [fill(plan.fits ? t.plan : t.noRoom, told)];
  if (plan.tiles > 1) parts.push(fill(t.tiles, { count: plan.tiles }));
  return parts.join(" ");
}
