// All words of the page, in one place.

export const words = {
  tagline: "Restore a picture from itself.",
  api: "HTTP API",
  intake: {
    title: "Drop a picture here",
    help: "or paste one, or choose a file. It stays on this machine.",
    choose: "Choose a picture",
    another: "Another picture",
    sending: "Sending",
    sent: (name, share, size) => `Sending ${name}: ${share} % of ${size}`,
    cancel: "Cancel",
    several: (count) => `${count} pictures were added. The first is open; the others are in the list below.`,
    noFile: "That is not a file. Save the picture first, then drop it here.",
    reading: (name) => `Reading ${name} …`,
  },
  found: {
    title: "What was found",
    looking: "looking for damage …",
    size: "Size",
    file: "File",
    noise: "Noise",
    quality: "JPEG quality",
    verdict: "Proposal",
    clean: "looks clean: there is nothing to restore",
    wrong: "Something else?",
    wrongs: { inpaint: "Scratches or holes", upscale: "Too small" },
    proposed: (task) => ({ denoise: "its noise can be removed", dejpeg: "its JPEG artefacts can be removed" })[task] ?? task,
    orientation: "rotated by its orientation tag; the tag is kept",
    frames: (count) => `the first of ${count} pictures in the file`,
  },
  form: {
    title: "Task",
    task: "What to do",
    common: "Common tasks",
    special: "Special tasks",
    tasks: {
      enhance: "find what is wrong and repair it",
      inpaint: "fill scratches and holes",
      upscale: "enlarge",
      denoise: "remove noise",
      dejpeg: "repair a JPEG",
      restore: "several of these at once",
      flash: "a dark picture, with the help of a flash picture",
    },
    more: "All settings",
    auto: "auto",
    autoIs: (value) => `auto: ${value}`,
    leave: "leave empty for auto",
    needed: (name) => `${name} is needed`,
    start: "Restore",
    trial: "Try on a piece first",
    trialStart: "Try this piece",
    trialHelp: "Click where to try, or move the square with the arrow keys.",
    trialCancel: "The whole picture",
    planning: "Predicting the time …",
    plan: (seconds, memory) => `At most about ${seconds}, ${memory} of memory.`,
    noRoom: (memory) => `Needs about ${memory} of memory, more than is free.`,
    tiles: (count) => `Cut into ${count} tiles.`,
  },
  mask: {
    title: "Mask",
    polarity: "Red areas are filled. Everything else stays exactly as it is.",
    tools: { brush: "Brush", eraser: "Eraser", rectangle: "Rectangle", lasso: "Lasso", pan: "Move" },
    size: "Brush size, pixels",
    opacity: "Opacity",
    grow: "Grow",
    shrink: "Shrink",
    invert: "Invert",
    clear: "Clear",
    undo: "Undo",
    redo: "Redo",
    load: "Load a mask",
    save: "Save the mask",
    keys: "Keys on the picture: arrows move, Space paints, Enter starts or ends a line, [ and ] change the size, Ctrl+Z undoes.",
    empty: "first paint the area to fill",
    loaded: (said) => `Mask: ${said}`,
  },
  job: {
    title: "Restoration",
    states: {
      queued: "waiting", running: "running", paused: "paused", done: "done", failed: "failed", cancelled: "cancelled",
    },
    ahead: (count) => (count === 0 ? "next in the queue" : `${count} ahead in the queue`),
    starting: "starting …",
    pilot: (count) => `estimate ${count}`,
    step: (step, steps) => `step ${step} of ${steps}`,
    tile: (index, count) => `part ${index} of ${count}`,
    retry: "Try again",
    left: (time) => `at most ${time} left`,
    score: (score) => `held-out score ${score}`,
    writing: "writing the result …",
    pause: "Pause",
    resume: "Resume",
    stop: "Stop and keep",
    stopping: "Stopping …",
    stopped: "stopped; the best result so far is kept",
    cancel: "Cancel",
    loss: "loss",
    held: "held-out score",
    curve: (loss) => `Curves of the fit; the loss is now ${loss}`,
    fit: "Progress of the fit",
  },
  result: {
    title: "Result",
    kept: (step, steps) => (step === 0 ? "kept the first estimate" : `kept step ${step} of ${steps}`),
    unchanged: "unchanged",
    strength: "Strength",
    faithful: "faithful",
    smooth: "smooth",
    chosen: (step) => `as chosen: step ${step}`,
    moved: (step) => `step ${step}`,
    share: (share) => `${Math.round(100 * share)} % of the change`,
    reset: "As chosen",
    save: "Save the picture",
    receipt: "Save the receipt",
    disagreement: "Where the seeds disagree",
    removed: "What was removed",
    again: "Change settings",
    whole: "Restore the whole picture this way",
    others: "Other results for this picture",
    trial: "trial",
  },
  stage: {
    label: "Picture. Plus and minus zoom, arrows move, 0 fits, 1 shows single pixels.",
    fit: "Fit",
    pixels: "1:1",
    in: "Zoom in",
    out: "Zoom out",
    divider: "Before and after",
    before: "before",
    after: "after",
    left: "Left of the line",
    original: "the original",
    zoom: (percent) => `${percent} %`,
  },
  history: {
    title: "Jobs and pictures",
    untouched: "not restored yet",
    removed: "Deleted.",
    undo: "Undo",
    none: "None yet.",
    open: "Open",
    remove: "Delete",
    kept: (days) => `Finished jobs are kept for ${days} days.`,
  },
  connection: { lost: "The connection is lost. Trying again …", back: "The connection is back." },
  error: { dismiss: "Dismiss", network: "The server does not answer. Is it still running?" },
};

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function day(seconds) {
  return new Date(1000 * seconds).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

export function bytes(count) {
  return count >= 2 ** 30 ? `${(count / 2 ** 30).toFixed(1)} GiB` : `${Math.max(1, Math.round(count / 2 ** 20))} MiB`;
}

export function number(value) {
  return typeof value === "number" ? Number(value.toPrecision(3)).toString() : String(value);
}
