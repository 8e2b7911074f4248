// h("p", {class: "x", onclick: f}, "text", child): elements without markup in strings.

import { words } from "./words.js";

export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  set(node, props);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, props = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function set(node, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && name !== "list" && name !== "form") node[name] = value;
    else if (name === "class") node.className = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
}

export function button(text, onclick, props = {}) {
  return h("button", { type: "button", onclick, ...props }, text);
}

export function say(text) {
  document.getElementById("status").textContent = text;
}

let alerts = 0;

export function complain(text) {
  const box = document.getElementById("alerts");
  if ([...box.children].some((child) => child.firstChild.textContent === text)) return;
  const note = h("p", { class: "alert", id: `alert-${(alerts += 1)}` }, h("span", {}, text));
  note.append(button("×", () => note.remove(), { class: "plain", ariaLabel: words.dismiss }));
  box.append(note);
}

// Takes a message away whose cause is gone.
export function settle(text) {
  for (const child of [...document.getElementById("alerts").children]) if (child.firstChild.textContent === text) child.remove();
}

export function calm() {
  document.getElementById("alerts").replaceChildren();
}

export function slide(text, input) {
  return h("div", { class: "field row" }, h("label", { htmlFor: input.id }, text), input);
}
