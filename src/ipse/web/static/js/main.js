// The page: pictures come in, jobs are watched, results are kept. The address says what is open.

import { api, at, listen } from "./api.js";
import { Compare } from "./compare.js";
import { button, calm, complain, h, say, settle } from "./dom.js";
import { Editor } from "./editor.js";
import { Form } from "./form.js";
import { History } from "./history.js";
import { intake } from "./intake.js";
import { JobPanel } from "./job.js";
import { name, Result } from "./result.js";
import { Stage } from "./stage.js";
import { words } from "./strings.js";

const get = (id) => document.getElementById(id);
const [view, panel] = [get("view"), get("panel")];
const jobs = new Map();
let opened = null; // the job that is shown
let result = null;

get("tagline").textContent = words.tagline;
get("api-link").textContent = words.api;

const [tasks, about, known, held] = await Promise.all([api.tasks(), api.about(), api.jobs(), api.pictures()]).catch((error) => {
  complain(error.message, words.error.dismiss);
  throw error;
});
const stage = new Stage(view);
const compare = new Compare(stage, view);
const form = new Form(tasks, () => {});
const watching = new JobPanel(again);
const editor = new Editor({ stage, compare, panel, form, started: (job) => go("job", job.id, () => take(job)) });
const history = new History(get("history"), about.days, { opened: go, gone });
const incoming = intake(get("intake"), (picture, first) => {
  history.picture(picture);
  if (first) go("picture", picture.id);
});
const banner = h("p", { class: "banner", id: "connection", hidden: true });
get("alerts").before(banner);
view.prepend(h("div", { class: "bar" }, button(words.intake.another, () => incoming.open())));

// Opens what the address says; a change of it does the rest.
function go(kind, id, first = () => {}) {
  first();
  const hash = `#${kind}=${id}`;
  if (location.hash === hash) route();
  else location.hash = hash;
}

async function route() {
  const [kind, id] = location.hash.slice(1).split("=");
  opened = result = null;
  const open = { picture: openPicture, job: openJob }[kind];
  get("work").hidden = !open;
  get("intake").classList.toggle("small", Boolean(open));
  if (!open) return editor.close();
  calm();
  try {
    await open(id);
  } catch (error) {
    complain(error.message, words.error.dismiss);
    get("work").hidden = true;
    get("intake").classList.remove("small");
  }
}

async function openPicture(id) {
  const told = editor.told ?? null;
  editor.told = null;
  const picture = await api.picture(id);
  panel.focus({ preventScroll: true });
  await editor.open(picture, told);
}

// Nothing is drawn before all is known: what is heard meanwhile would be drawn over.
async function openJob(id) {
  const size = await extent(await api.job(id));
  const job = await api.job(id);
  if (location.hash !== `#job=${id}`) return;
  editor.close();
  opened = id;
  stage.resize(...size);
  compare.show(false);
  stage.clear(stage.after);
  stage.clear(stage.before);
  left(job);
  panel.replaceChildren(watching.box);
  take(job);
  panel.focus({ preventScroll: true });
}

// Whether what a job was given can be seen: of a trial, its piece, once a worker has cut it out.
function given(job) {
  return !job.region || job.progress.preview > 0 || job.state === "done";
}

// Shows what a job was given.
function left(job) {
  if (given(job)) return stage.put(stage.before, at.before(job.id));
}

// Width and height of what a job shows: what it was given, as many times larger as it makes it.
async function extent(job) {
  const image = new Image();
  if (given(job)) {
    image.src = at.before(job.id);
    await image.decode().catch(() => {});
  }
  const picture = await api.picture(job.picture);
  const told = job.region?.slice(2) ?? [picture.about.width, picture.about.height];
  const [wide, high] = [image.naturalWidth || told[0], image.naturalHeight || told[1]];
  const [across, down] = picture.about.orientation >= 5 ? [0, 1] : [1, 0]; // of a size (H, W) as stored
  if (job.size) return [job.size[across], job.size[down]];
  const factor = job.options.factor || 1;
  return [Math.round(wide * factor), Math.round(high * factor)];
}

// Notes how a job stands; the one that is shown is drawn. An answer may be overtaken by what was heard meanwhile.
function take(told) {
  const heard = jobs.get(told.id);
  const job = heard && heard.changed > told.changed ? { ...heard, curve: told.curve } : told;
  jobs.set(job.id, job);
  history.update(job);
  if (job.id !== opened) return;
  watching.update(job);
  if (job.state === "done") return finish(job);
  if (!job.progress.preview) return;
  if (job.region && !stage.before.dataset.wanted) {
    left(job);
    extent(job).then((size) => job.id === opened && stage.resize(...size));
  }
  stage.put(stage.after, at.preview(job.id, job.progress.preview));
}

async function finish(job) {
  if (result) return;
  const others = [...jobs.values()].filter(
    (one) => one.picture === job.picture && one.state === "done" && one.id !== job.id && !one.region === !job.region);
  result = new Result(stage, job, {
    others,
    again: () => again(job),
    whole: () => whole(job),
    opened: (id) => go("job", id),
    compared: (other) => against(job, other),
  });
  panel.append(result.box);
  await left(job);
  stage.resize(...(await extent(job)));
  compare.call(words.stage.before, words.stage.after);
  compare.show(alike(stage.before, stage.size));
}

// Whether two pictures lie over one another: a sheet of several results does not.
function alike(image, [wide, high]) {
  const ratio = image.naturalWidth / image.naturalHeight;
  return !image.naturalWidth || Math.abs(ratio * (high / wide) - 1) < 0.02 + 1 / Math.min(wide, high);
}

function against(job, other) {
  stage.put(stage.before, other ? at.made(other.id) : at.before(job.id));
  compare.call(other ? name(other) : words.stage.before, other ? name(job) : words.stage.after);
}

// The whole picture, as the piece was.
async function whole({ picture, task, options, settings }) {
  try {
    const job = await api.submit({ picture, task, options, settings });
    go("job", job.id, () => take(job));
  } catch (error) {
    complain(error.message, words.error.dismiss);
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
known.forEach(take);
window.addEventListener("hashchange", route);
await route();
document.body.dataset.ready = "true";
