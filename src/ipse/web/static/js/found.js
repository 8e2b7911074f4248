// What is known of the picture: the file first, then its damage.

import { button, h } from "./dom.js";
import { words } from "./strings.js";

const t = words.found;

// chosen(task) is told when somebody says what is wrong.
export function found(picture, chosen) {
  const about = picture.about;
  const rows = [[t.size, `${about.width} × ${about.height}`], [t.file, `${about.format}, ${about.mode}`]];
  if (typeof about["JPEG quality"] === "number") rows.push([t.quality, String(about["JPEG quality"])]);
  if (about.frames > 1) rows.push(["", t.frames(about.frames)]);
  if (about.orientation > 1) rows.push(["", t.orientation]);
  const damage = picture.found;
  if (!damage) rows.push([t.noise, t.looking]);
  else {
    if (damage.noise) rows.push([t.noise, damage.noise]);
    if (damage["proposed task"]) rows.push([t.verdict, verdict(damage)]);
  }
  const list = rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
  return h("div", { class: "card", id: "found" }, h("h2", {}, t.title), h("dl", {}, ...list.flat()),
    damage ? wrong(chosen) : null);
}

// What no measurement tells.
function wrong(chosen) {
  return h("div", { class: "tools", role: "group", ariaLabel: t.wrong }, h("span", { class: "help" }, t.wrong),
    Object.entries(t.wrongs).map(([task, text]) => button(text, () => chosen(task))));
}

function verdict(damage) {
  return damage["proposed task"] === "none" ? t.clean : t.proposed(damage["proposed task"]);
}

// What an option would be if nobody says, as far as the picture tells.
const ALIASES = { noise: "kind", quality: "JPEG quality" };

export function estimate(picture, name) {
  const known = { ...picture.about, ...(picture.found || {}) };
  const value = known[ALIASES[name] || name];
  return typeof value === "number" || (name === "noise" && value) ? value : null;
}
