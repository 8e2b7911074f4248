// The page: photos come in, jobs are watched, results are kept. The address says what is open.

import { api, at, listen } from "./api.js";
import { Compare } from "./compare.js";
import { button, calm, complain, h, say, settle } from "./dom.js";
import { Editor } from "./editor.js";
import { alike, extent, given, source } from "./given.js";
import { History } from "./history.js";
import { intake } from "./intake.js";
import { JobPanel } from "./job.js";
import { Panel } from "./panel.js";
import { Many } from "./many.js";
import { name, Result } from "./result.js";
import { Stage } from "./stage.js";
import { language, LANGUAGES, speak, words } from "./words.js";

const get = (id) => document.getElementById(id);
const jobs = new Map();
const drafts = new Map(); // by picture: what becomes of the question for a draft
let opened = null; // the job that is shown
let result = null;

get("private").textContent = words.private;
get("view").ariaLabel = words.stage.label;
get("panel").ariaLabel = words.panel;
const incoming = intake(get("intake"), { opened: coming, came, several, failed: () => route() });
const tongues = h("select", { id: "language", ariaLabel: words.language, onchange: () => speak(tongues.value) },
  Object.entries(LANGUAGES).map(([code, text]) => h("option", { value: code, lang: code, selected: code === language }, text)));
get("nav").append(button(words.many.back, () => (location.hash = "#many="), { id: "all", hidden: true }), button(words.open, () => incoming.open(), { id: "another" }));
get("foot").append(h("p", {}, words.tagline), h("a", { href: "/api" }, words.api), tongues);

const [tasks, about, known, held] = await Promise.all([api.tasks(), api.about(), api.jobs(), api.pictures()]).catch((error) => {
  complain(error.message);
  throw error;
});
const stage = new Stage(get("view"));
const compare = new Compare(stage, get("view"));
const panel = new Panel(get("panel"));
const watching = new JobPanel(panel, again);
const editor = new Editor({ stage, compare, panel, tasks, drafted, started: (job) => go("job", job.id, () => take(job)) });
const many = new Many(get("many"), { form: editor.form, opened: go, came: (picture) => history.picture(picture) });
editor.also = () => many.draw();
const history = new History(get("history"), about.days, { opened: go, gone });
const banner = h("p", { class: "banner", id: "connection", hidden: true });
get("alerts").before(banner);

// A file is on its way: it is seen before the server has it.
function coming(file) {
  opened = result = null;
  screen("work");
  editor.await(file);
}

function came(picture) {
  history.picture(picture);
  go("picture", picture.id);
}

function several(files) {
  location.hash = "#many=";
  many.take(files);
}

// Opens what the address says; a change of it does the rest.
function go(kind, id, first = () => {}) {
  first();
  const hash = `#${kind}=${id}`;
  if (location.hash === hash) route();
  else location.hash = hash;
}

function screen(shown) {
  document.body.dataset.screen = shown;
  for (const id of ["intake", "work", "many"]) get(id).hidden = id !== shown;
  get("another").hidden = shown === "intake";
}

async function route() {
  const [kind, id] = location.hash.slice(1).split("=");
  opened = result = null;
  document.title = "ipse";
  const open = { picture: openPicture, job: openJob }[kind];
  const queue = kind === "many" && many.items.length > 0;
  screen(open ? "work" : queue ? "many" : "intake");
  scrollTo(0, 0);
  get("all").hidden = !open || !many.items.length;
  if (!open) editor.close();
  if (queue) many.show();
  if (!open) return;
  calm();
  try {
    await open(id);
  } catch (error) {
    complain(error.message);
    screen("intake");
  }
}

async function openPicture(id) {
  const told = editor.told ?? null;
  editor.told = null;
  const picture = await api.picture(id);
  get("panel").focus({ preventScroll: true });
  await editor.open(picture, told);
}

// A draft of what a picture will become; asked for once.
function drafted(id) {
  if (!drafts.has(id)) drafts.set(id, api.draft(id));
  return drafts.get(id);
}

// Nothing is drawn before all is known: what is heard meanwhile would be drawn over.
async function openJob(id) {
  const size = await extent(await api.job(id));
  const job = await api.job(id);
  if (location.hash !== `#job=${id}`) return;
  editor.close();
  opened = id;
  stage.resize(...size);
  compare.call(words.stage.before, words.stage.after);
  compare.show(false);
  stage.clear(stage.after);
  left(job);
  watching.open(job);
  take(job);
  get("panel").focus({ preventScroll: true });
  if (!job.region && ["enhance", "denoise", "dejpeg"].includes(job.task) && job.state !== "done") sketch(job);
}

// Shows the draft until there is an estimate.
async function sketch(job) {
  const picture = await drafted(job.picture).catch(() => null);
  const now = jobs.get(job.id);
  if (!picture?.draft || opened !== job.id || result || now.progress.preview || now.state === "cancelled") return;
  await stage.put(stage.after, at.draft(job.picture));
  if (opened !== job.id || result) return;
  watching.drafted = true;
  watching.update(jobs.get(job.id));
  compare.show(true);
}

// Shows what a job was given.
function left(job) {
  if (given(job)) return stage.put(stage.before, source(job));
  stage.clear(stage.before);
}

// Notes how a job stands; the one that is shown is drawn. An answer may be overtaken by what was heard meanwhile.
function take(told) {
  const heard = jobs.get(told.id);
  const job = heard && heard.changed > told.changed ? { ...heard, curve: told.curve } : told;
  jobs.set(job.id, job);
  history.update(job);
  many.update(job);
  if (job.id !== opened) return;
  watching.update(job);
  if (job.state === "done") return finish(job);
  if (job.progress.preview) preview(job);
}

async function preview(job) {
  if (job.region && !stage.before.dataset.wanted) {
    left(job);
    extent(job).then((size) => job.id === opened && stage.resize(...size));
  }
  await stage.put(stage.after, at.preview(job.id, job.progress.preview));
  if (job.id === opened && !result && !compare.on) compare.show(alike(stage.before, stage.size));
}

async function finish(job) {
  if (result) return;
  const others = [...jobs.values()].filter(
    (one) => one.picture === job.picture && one.state === "done" && one.id !== job.id && !one.region === !job.region);
  result = new Result(stage, panel, job, {
    others,
    again: () => again(job),
    whole: () => whole(job),
    opened: (id) => go("job", id),
    compared: (other) => against(job, other),
  });
  compare.call(words.stage.before, words.stage.after); // before waiting: another may be chosen meanwhile
  await left(job);
  stage.resize(...(await extent(job)));
  if (job.id !== opened) return;
  if (!compare.on || !alike(stage.before, stage.size)) compare.show(alike(stage.before, stage.size));
  compare.mapped(job.disagreement ? at.disagreement(job.id) : null);
}

function against(job, other) {
  stage.put(stage.before, other ? at.made(other.id) : source(job));
  compare.call(other ? name(other) : words.stage.before, other ? name(job) : words.stage.after);
}

// The whole picture, as the piece was.
async function whole({ picture, task, options, settings }) {
  try {
    const job = await api.submit({ picture, task, options, settings });
    go("job", job.id, () => take(job));
  } catch (error) {
    complain(error.message);
  }
}

// The same picture and settings, to change.
function again(job) {
  editor.told = job;
  go("picture", job.picture);
}

function gone(id) {
  const job = jobs.get(id);
  jobs.delete(id);
  history.drop(id);
  many.drop(id);
  if (id === opened || location.hash === `#picture=${id}`) location.hash = "";
  if (job && id === opened) say(words.history.removed);
}

let away = false;
listen({
  job: take,
  gone,
  lost: () => {
    away = true;
    banner.textContent = words.connection.lost;
    banner.hidden = false;
    say(words.connection.lost);
    document.body.dataset.connection = "lost";
    if (opened && jobs.has(opened)) watching.update(jobs.get(opened));
  },
  back: async () => {
    delete document.body.dataset.connection;
    banner.hidden = true;
    settle(words.error.network);
    if (away) say(words.connection.back);
    away = false;
    for (const job of await api.jobs()) take(job.id === opened && job.state !== "done" ? await api.job(job.id) : job);
  },
});
held.forEach((one) => history.picture(one));
many.recall(held, known);
known.forEach(take);
window.addEventListener("hashchange", route);
await route();
document.body.dataset.ready = "true";
