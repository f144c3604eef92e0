/** Compare two pictures: drag over them, or use the slider. */

const FAR = 6; // px from which a press is a drag, not a click

export class Wipe {
  /**
   * @param {HTMLElement} stage holds both pictures
   * @param {HTMLInputElement} slider 0 to 100: how much of the left picture shows
   */
  constructor(stage, slider) {
    this.stage = stage;
    this.slider = slider;
    this.pressed = null;
    slider.addEventListener("input", () => this.show(Number(slider.value)));
    stage.addEventListener("pointerdown", (event) => this.press(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      stage.addEventListener(name, (event) => this.release(event));
    }
    stage.addEventListener("dragstart", (event) => event.preventDefault());
  }

  /** @param {boolean} on whether there is something to compare */
  enable(on) {
    this.stage.classList.toggle("comparable", on);
    this.slider.disabled = !on;
  }

  /** @param {number} percent of the left picture */
  show(percent) {
    cancelAnimationFrame(this.frame);
    const value = Math.min(100, Math.max(0, percent));
    this.slider.value = String(value);
    this.slider.setAttribute("aria-valuetext", `${Math.round(value)} % original`);
    this.stage.style.setProperty("--wipe", `${value}%`);
  }

  /**
   * Go from all of the left picture to less of it; at once where motion is not wanted.
   *
   * @param {number} percent of the left picture at the end
   */
  sweep(percent) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.show(percent);
      return;
    }
    const began = performance.now();
    const step = (now) => {
      const share = Math.min(1, Math.max(0, now - began) / 700);
      this.show(100 - (100 - percent) * (1 - (1 - share) ** 3));
      if (share < 1) this.frame = requestAnimationFrame(step);
    };
    this.show(100);
    this.frame = requestAnimationFrame(step);
  }

  press(event) {
    if (event.button !== 0 || this.slider.disabled) return;
    this.pressed = { x: event.clientX, drags: false };
    if (!event.target.closest("button")) this.drag(event);
  }

  move(event) {
    if (!this.pressed) return;
    if (this.pressed.drags || Math.abs(event.clientX - this.pressed.x) >= FAR) this.drag(event);
  }

  drag(event) {
    this.pressed.drags = true;
    this.stage.setPointerCapture(event.pointerId); // a face under it is then not clicked
    const { left, width } = this.stage.getBoundingClientRect();
    this.show((100 * (event.clientX - left)) / width);
  }

  release(event) {
    if (this.pressed?.drags && event.type === "pointerup") this.slider.focus({ preventScroll: true });
    this.pressed = null;
  }
}
