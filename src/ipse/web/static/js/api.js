// The HTTP API, as functions. Every failure is an Error whose message is one sentence for people.

import { words } from "./words.js";

const BASE = "/api/v1";

async function ask(method, path, { body, type, signal, keepalive = false } = {}) {
  let answer;
  try {
    answer = await fetch(BASE + path, { method, body, signal, keepalive, headers: type ? { "Content-Type": type } : {} });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(words.error.network);
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const said = await answer.json().catch(() => ({ message: `${answer.status} ${answer.statusText}` }));
  throw new Error(said.message);
}

// A file, and how much of it has gone: told(share).
function upload(file, { told = () => {}, signal, path = "" } = {}) {
  return new Promise((done, failed) => {
    const asked = new XMLHttpRequest();
    asked.open("POST", `${BASE}/pictures?${new URLSearchParams({ name: file.name || "pasted.png", ...(path ? { path } : {}) })}`);
    asked.setRequestHeader("Content-Type", "application/octet-stream");
    asked.responseType = "json";
    asked.upload.addEventListener("progress", (event) => told(event.total ? event.loaded / event.total : 0));
    asked.upload.addEventListener("load", () => told(1));
    asked.addEventListener("load", () =>
      asked.status === 201 ? done(asked.response) : failed(new Error(asked.response?.message ?? String(asked.status))));
    asked.addEventListener("error", () => failed(new Error(words.error.network)));
    asked.addEventListener("abort", () => failed(new DOMException("", "AbortError")));
    signal?.addEventListener("abort", () => asked.abort());
    asked.send(file);
  });
}

const json = (value) => ({ body: JSON.stringify(value), type: "application/json" });

export const api = {
  tasks: () => ask("GET", "/tasks"),
  about: () => ask("GET", "/about"),
  upload,
  pictures: () => ask("GET", "/pictures"),
  picture: (id, wait = false) => ask("GET", `/pictures/${id}${wait ? "?wait=true" : ""}`),
  mask: (id, blob, painted) =>
    ask("POST", `/pictures/${id}/masks?painted=${painted}`, { body: blob, type: "application/octet-stream" }),
  damage: (id, what) => ask("POST", `/pictures/${id}/found?what=${what}`),
  look: (id, signal) => ask("POST", `/pictures/${id}/look`, { signal }),
  draft: (id) => ask("POST", `/pictures/${id}/draft`),
  example: async (name) => (await fetch(`${BASE}/examples/${name}`)).blob(),
  recipe: (wanted) => ask("POST", "/recipe", json(wanted)),
  plan: (wanted, signal) => ask("POST", "/plan", { ...json(wanted), signal }),
  submit: (wanted) => ask("POST", "/jobs", json(wanted)),
  jobs: () => ask("GET", "/jobs"),
  job: (id) => ask("GET", `/jobs/${id}`),
  steer: (id, what) => ask("POST", `/jobs/${id}/${what}`),
  remove: (id) => ask("DELETE", `/jobs/${id}`, { keepalive: true }),
  removePicture: (id) => ask("DELETE", `/pictures/${id}`, { keepalive: true }),
};

export const at = {
  view: (picture) => `${BASE}/pictures/${picture}/view`,
  draft: (picture) => `${BASE}/pictures/${picture}/draft`,
  pictureThumb: (picture) => `${BASE}/pictures/${picture}/thumb`,
  file: (picture) => `${BASE}/pictures/${picture}/file`,
  before: (job) => `${BASE}/jobs/${job}/before`,
  preview: (job, version) => `${BASE}/jobs/${job}/preview?v=${version}`,
  made: (job) => `${BASE}/jobs/${job}/view`,
  thumb: (job) => `${BASE}/jobs/${job}/thumb`,
  point: (job, step) => `${BASE}/jobs/${job}/points/${step}`,
  result: (job, step) => `${BASE}/jobs/${job}/result${step === null ? "" : `?step=${step}`}`,
  archive: (jobs) => `${BASE}/archive?${jobs.map((job) => `job=${job}`).join("&")}`,
  disagreement: (job) => `${BASE}/jobs/${job}/disagreement`,
  removed: (job) => `${BASE}/jobs/${job}/removed`,
  receipt: (job, step) => `${BASE}/jobs/${job}/receipt${step === null ? "" : `?step=${step}`}`,
};

// One stream a tab, and none while it is hidden: a browser opens only six connections to one server.
export function listen({ job, gone, lost, back }) {
  let source = null;
  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource(`${BASE}/events`);
    source.addEventListener("job", (event) => job(JSON.parse(event.data)));
    source.addEventListener("gone", (event) => gone(JSON.parse(event.data).id));
    source.addEventListener("open", back);
    source.addEventListener("error", () => {
      lost();
      if (source && source.readyState === EventSource.CLOSED) {
        source = null;
        setTimeout(open, 2000);
      }
    });
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return open();
    if (source) source.close();
    source = null;
  });
  window.addEventListener("pagehide", () => source && source.close());
  open();
}
