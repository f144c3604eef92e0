/** Take a photo with the camera: a dialog with what it sees. */

import { Problem } from "./problem.js";

const REASONS = {
  NotAllowedError: "the browser may not use the camera: allow it for this page, then try again",
  NotFoundError: "no camera was found: plug one in, or choose a photo",
  NotReadableError: "another program uses the camera: close it, then try again",
};

/** Why there is no camera here, for the user to read; "" where there may be one. */
export function obstacle() {
  if (navigator.mediaDevices?.getUserMedia) return "";
  return "The camera needs https, or a page of this computer.";
}

export class Camera {
  /** @param {{dialog: HTMLDialogElement, video: HTMLVideoElement, take: HTMLButtonElement, cancel: HTMLButtonElement}} view */
  constructor({ dialog, video, take, cancel }) {
    Object.assign(this, { dialog, video, take });
    cancel.addEventListener("click", () => dialog.close());
    video.addEventListener("playing", () => { take.disabled = false; });
  }

  /**
   * @returns {Promise<File | null>} null: the user went back
   * @throws {Problem} the camera cannot be used
   */
  async photo() {
    let stream;
    try {
      const wanted = { width: { ideal: 1920 }, height: { ideal: 1080 } };
      stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    } catch (error) {
      throw new Problem(REASONS[error.name] ?? `the camera does not work (${error.message})`, { again: true });
    }
    const done = new AbortController();
    try {
      this.video.srcObject = stream;
      this.dialog.showModal();
      return await new Promise((resolve) => {
        const { signal } = done;
        this.take.addEventListener("click", () => resolve(this.shot()), { signal });
        this.dialog.addEventListener("close", () => resolve(null), { signal });
      });
    } finally {
      done.abort();
      for (const track of stream.getTracks()) track.stop();
      this.video.srcObject = null;
      this.take.disabled = true;
      this.dialog.close();
    }
  }

  async shot() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext("2d").drawImage(this.video, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
    return new File([blob], "camera.jpg", { type: "image/jpeg" });
  }
}
