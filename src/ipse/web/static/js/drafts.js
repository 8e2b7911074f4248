// What was chosen and painted for a picture, kept in this browser: a reload, or another task, loses nothing.

const KEY = "ipse:draft:";
const MOST = 12; // pictures

export function draft(id) {
  try {
    return JSON.parse(localStorage.getItem(KEY + id)) ?? {};
  } catch {
    return {};
  }
}

export function keep(id, told) {
  try {
    localStorage.setItem(KEY + id, JSON.stringify({ ...draft(id), ...told, at: Date.now() }));
    prune();
  } catch {
    // full or forbidden: then a reload begins anew
  }
}

export function forget(id) {
  try {
    localStorage.removeItem(KEY + id);
  } catch {
    // there is none
  }
}

function prune() {
  const names = Object.keys(localStorage).filter((name) => name.startsWith(KEY)).map((name) => name.slice(KEY.length));
  const old = names.sort((a, b) => (draft(b).at ?? 0) - (draft(a).at ?? 0)).slice(MOST);
  old.forEach(forget);
}
