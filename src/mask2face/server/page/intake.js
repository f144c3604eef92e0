/** Where photos come in: chosen, dropped or pasted. */

/**
 * @param {{choose: HTMLButtonElement, file: HTMLInputElement}} view
 * @param {(file: File) => void} onPhoto
 */
export function takePhotos({ choose, file }, onPhoto) {
  choose.addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    take(file.files);
    file.value = ""; // the same photo may be chosen again
  });
  document.addEventListener("paste", (event) => {
    if (take(event.clipboardData?.files ?? [], "pasted")) event.preventDefault();
  });
  let depth = 0; // each element under the pointer enters and leaves
  const drag = (change) => {
    depth = Math.max(0, change ? depth + change : 0);
    document.body.classList.toggle("dragging", depth > 0);
  };
  document.addEventListener("dragenter", (event) => holdsFiles(event) && drag(1));
  document.addEventListener("dragleave", (event) => holdsFiles(event) && drag(-1));
  document.addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    drag(0);
    if (!holdsFiles(event)) return;
    event.preventDefault();
    take(event.dataTransfer.files);
  });

  function take(files, stem = "") {
    const found = [...files];
    const photo = found.find((one) => one.type.startsWith("image/")) ?? found[0];
    if (!photo) return false;
    onPhoto(stem ? renamed(photo, stem) : photo);
    return true;
  }
}

function holdsFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

/** Browsers call what is pasted image.png; a file copied in a file manager has a name to keep. */
function renamed(photo, stem) {
  if (!/^image\.\w+$/.test(photo.name)) return photo;
  return new File([photo], photo.name.replace("image", stem), { type: photo.type });
}
