// The words of the page: one table a language, which a translator can edit, and how they are filled in.

export const LANGUAGES = { en: "English", de: "Deutsch", fr: "Français", zh: "中文", ja: "日本語" };
const KEY = "ipse:language";
const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];

// The language that was chosen here, or the first of the browser's that there is a table of.
function wanted() {
  let kept = null;
  try {
    kept = localStorage.getItem(KEY);
  } catch {
    // forbidden: then the browser says
  }
  const known = [kept, ...navigator.languages.map((one) => one.split("-")[0])];
  return known.find((one) => one in LANGUAGES) ?? "en";
}

export const language = wanted();
export const words = await (await fetch(`/static/words/${language}.json`)).json();
document.documentElement.lang = language;
document.documentElement.dir = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";

export function speak(name) {
  localStorage.setItem(KEY, name);
  location.reload();
}

const plural = new Intl.PluralRules(language);

// A sentence with its {values}; one that depends on a count has a form for each.
export function fill(text, values = {}) {
  const form = typeof text === "string" ? text : (text[plural.select(values.count)] ?? text.other);
  return form.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export function duration(seconds) {
  const t = words.unit;
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return fill(t.seconds, { count: whole });
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${fill(t.minutes, { count: minutes })} ${fill(t.seconds, { count: whole % 60 })}`;
  return `${fill(t.hours, { count: Math.floor(minutes / 60) })} ${fill(t.minutes, { count: minutes % 60 })}`;
}

export function day(seconds) {
  return new Date(1000 * seconds).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
}

export function bytes(count) {
  const [value, unit] = count >= 2 ** 30 ? [count / 2 ** 30, "GiB"] : [Math.max(1, count / 2 ** 20), "MiB"];
  return `${value.toLocaleString(language, { maximumFractionDigits: unit === "GiB" ? 1 : 0 })} ${unit}`;
}

export function number(value) {
  if (Array.isArray(value)) return value.map(number).join(", ");
  return typeof value === "number" ? value.toLocaleString(language, { maximumSignificantDigits: 3 }) : String(value);
}
