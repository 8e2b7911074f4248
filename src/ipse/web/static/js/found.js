// What was found in a picture, as a sentence.

import { fill, language, words } from "./words.js";

const t = words.found;
const FAINT = 2; // noise levels, of 255, from which there is a little, some, and much
const SOME = 6;
const STRONG = 14;
const GOOD = 92; // JPEG quality from which it is not worth a word
const KINDS = { poisson: "grain", speckle: "speckle", "salt-and-pepper": "impulses" };
const SMALL = 0.5; // megapixels below which size says nothing

export function sentence(picture) {
  const { about, found, closer } = picture;
  if (!found) return t.looking;
  const noise = named(found);
  const saved = quality(about);
  if (!noise && saved === null && closer === false) return t.closer;
  const template = noise ? (saved === null ? t.plain : t.saved) : saved === null ? t.clean : t.jpeg;
  const parts = onlyBlurred(picture) ? [] : [fill(template, { noise: noise && t.noise[noise] ? t.noise[noise] : "", quality: saved })];
  if (found.blurred) parts.push(t.blurred);
  const size = (about.width * about.height) / 1e6;
  if (size >= SMALL) parts.push(fill(t.size, { count: Math.round(size * 10) / 10, size: size.toLocaleString(language, { maximumSignificantDigits: 2 }) }));
  if (about.frames > 1) parts.push(fill(t.frames, { count: about.frames }));
  return parts.join(" ");
}

// Whether blur is all that there is to repair, which the first task does not do.
export function onlyBlurred({ about, found }) {
  return Boolean(found?.blurred) && !named(found) && quality(about) === null;
}

// The quality of a JPEG that is worth a word.
function quality(about) {
  return typeof about["JPEG quality"] === "number" && about["JPEG quality"] < GOOD ? about["JPEG quality"] : null;
}

// Which words fit the noise; null where there is none to speak of.
function named({ kind, sigma, level }) {
  if (kind in KINDS) return KINDS[kind];
  const found = level ?? (Array.isArray(sigma) ? Math.max(...sigma) : (sigma ?? 0));
  if (found < FAINT) return null;
  return found < SOME ? "faint" : found < STRONG ? "some" : "strong";
}

// What an option would be if nobody says, as far as the picture tells.
const ALIASES = { noise: "kind", quality: "JPEG quality" };

export function estimate(picture, name) {
  const known = { ...picture.about, ...(picture.found || {}) };
  const value = known[ALIASES[name] || name];
  return typeof value === "number" || (name === "noise" && value) ? value : null;
}
