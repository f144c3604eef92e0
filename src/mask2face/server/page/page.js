/** The page: photos come in, the server or this device works on them, the result is shown. */

import { Camera, obstacle } from "./camera.js";
import { Device } from "./device.js";
import { Faces } from "./faces.js";
import { takePhotos } from "./intake.js";
import { savedName } from "./names.js";
import { Problem, sentence, size } from "./problem.js";
import { Server } from "./server.js";
import { Wipe } from "./wipe.js";
import { found, invitation, whatToDo, whereTo } from "./words.js";

const view = Object.fromEntries([...document.querySelectorAll("[id]")].map((one) => [one.id, one]));
const server = new Server();
const device = new Device(server);
const wipe = new Wipe(view.stage, view.wipe);
const faces = new Faces(view.faces, (on) => refill(on));
let photo = null; // the last: {name, file, filler, on}; file: what the browser shows; on: the faces filled
let work = new AbortController();

/** Begin: ask the server what it is, or for the key. */
async function begin() {
  clear();
  try {
    await server.open();
  } catch (problem) {
    view.ask.hidden = problem.status !== 401;
    view["key-error"].textContent = server.key ? "The server does not know this key." : "";
    if (view.ask.hidden) fail(problem, begin);
    else view.key.focus();
    return;
  }
  view.ask.hidden = true;
  view.tool.hidden = false;
  const { model, provider, version } = server.state;
  view.about.textContent = `model ${model} · ${provider.replace("ExecutionProvider", "")}`;
  view.version.textContent = `mask2face ${version}`;
  view.programs.hidden = server.key !== ""; // a link brings no key
  view.device.disabled = !server.state.on_device;
  say("empty", "");
  sayWhere();
}

/** Take a photo in; nothing of an earlier one goes on. */
async function take(file) {
  clear();
  const { signal } = work;
  const filler = view.device.checked ? device : server;
  const taken = { name: file.name, file, filler, on: [] };
  photo = taken;
  faces.show({ width: 1, height: 1, faces: [] });
  wipe.enable(false);
  view.after.hidden = view.download.hidden = view.result.hidden = true;
  say("working", "Looking for faces…");
  try {
    taken.file = await show(file, filler, signal);
    const result = await filler.unmask(taken.file, { signal, onProgress: loading });
    signal.throwIfAborted();
    faces.show(result);
    await fill(result, faces.on, signal);
    wipe.sweep(faces.middle(result));
  } catch (problem) {
    if (!signal.aborted) fail(problem, () => take(file));
  }
}

/** Show the photo as it came; one that the browser does not know comes from the server as PNG. */
async function show(file, filler, signal) {
  let shown = file;
  if (!(await fits(view.before, file))) {
    const problem = new Problem("This browser cannot show the photo: choose a JPEG, PNG or WebP");
    if (filler === device) {
      await device.pixels(file); // says what is wrong
      throw problem; // whatever it is: the photo stays here
    }
    shown = await server.converted(file, signal);
    if (!(await fits(view.before, shown))) throw problem;
  }
  signal.throwIfAborted();
  const { naturalWidth: width, naturalHeight: height } = view.before;
  view.stage.style.setProperty("--ratio", String(width / height));
  view.stage.style.setProperty("--natural", `${Math.max(2 * width, 320)}px`);
  view.result.hidden = false;
  return shown;
}

/** Replace the face masks of the faces that are on, and leave the others. */
async function refill(on) {
  clear();
  const { signal } = work;
  say("working", "Working…");
  try {
    await fill(await photo.filler.unmask(photo.file, { only: on, signal }), on, signal);
  } catch (problem) {
    if (signal.aborted) return;
    faces.press(photo.on); // as the picture still shows it
    fail(problem, () => {
      faces.press(on);
      refill(on);
    });
  }
}

/** Show a result, if nothing newer is worked on. */
async function fill(result, on, signal) {
  signal.throwIfAborted();
  const fitting = await fits(view.after, result.picture);
  signal.throwIfAborted();
  if (!fitting) throw new Problem("This browser cannot show the result: try a smaller photo");
  const changed = on.length > 0;
  photo.on = on;
  wipe.enable(changed);
  view.after.hidden = view.download.hidden = !changed;
  view.download.href = view.after.src;
  view.download.download = savedName(photo.name, result.picture.type);
  say("done", found(result.faces, on.length), whatToDo(result.faces, on.length));
}

/** Put a picture into an image element; say whether the browser can show it. */
async function fits(image, blob) {
  const before = image.src;
  image.src = URL.createObjectURL(blob);
  if (before) URL.revokeObjectURL(before);
  return image.decode().then(() => true, () => false);
}

function say(state, status, hint = "") {
  view.main.dataset.state = state;
  view.status.textContent = status;
  view.hint.textContent = hint;
  view["intake-title"].textContent = invitation(state === "empty");
}

/** Stop what is going on, and take an earlier error away. */
function clear() {
  work.abort();
  work = new AbortController();
  view.error.hidden = true;
}

function fail(problem, again) {
  if (problem.status === 401 && !view.tool.hidden) {
    view.tool.hidden = true;
    begin();
    return;
  }
  alarm(problem, again);
  view.tool.hidden = server.state === null;
  if (view.result.hidden) say("empty", "");
  else say("failed", "Nothing was changed.");
}

function alarm(problem, again) {
  if (!(problem instanceof Problem)) console.error(problem);
  view["error-text"].textContent = sentence(problem.message);
  view.again.hidden = !problem.again;
  view.again.onclick = again;
  view.error.hidden = false;
}

function loading(share) {
  view["device-progress"].hidden = share >= 1;
  view["device-progress"].value = share;
}

function sayWhere() {
  view["device-hint"].textContent = whereTo(server.state, view.device.checked, size);
}

view["key-form"].addEventListener("submit", (event) => {
  event.preventDefault();
  server.key = view.key.value.trim();
  view.key.value = "";
  begin();
});

view.device.addEventListener("change", () => {
  sayWhere();
  // what was done on the device stays on it; what the server had, or still has, is done here now
  if (view.device.checked && photo && photo.filler === server) take(new File([photo.file], photo.name, { type: photo.file.type }));
});

takePhotos(view, (file) => view.tool.hidden || take(file));

view["camera-hint"].textContent = obstacle();
view.camera.disabled = obstacle() !== "";
const camera = new Camera({
  dialog: view["camera-dialog"],
  video: view.video,
  take: view["camera-take"],
  cancel: view["camera-cancel"],
});
view.camera.addEventListener("click", async function open() {
  view.error.hidden = true; // a photo that is worked on goes on until there is another
  try {
    const shot = await camera.photo();
    if (shot) await take(shot);
  } catch (problem) {
    alarm(problem, open);
  }
});

begin();
