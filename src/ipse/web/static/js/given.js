// What a job was given, and how large what it shows is.

import { api, at } from "./api.js";

// Whether what a job was given can be seen: of a trial, its piece, once a worker has cut it out.
export function given(job) {
  return !job.region || job.progress.preview > 0 || job.state === "done";
}

// Where what a job was given lies.
export function source(job) {
  return job.region ? at.before(job.id) : at.view(job.picture);
}

// Width and height of what a job shows: what it was given, as many times larger as it makes it.
export async function extent(job) {
  const image = new Image();
  if (given(job)) {
    image.src = source(job);
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

// Whether two pictures lie over one another: a sheet of several results does not.
export function alike(image, [wide, high]) {
  const ratio = image.naturalWidth / image.naturalHeight;
  return Boolean(image.naturalWidth) && Math.abs(ratio * (high / wide) - 1) < 0.02 + 1 / Math.min(wide, high);
}
