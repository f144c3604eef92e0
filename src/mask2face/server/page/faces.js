/** The faces of a photo as buttons over it: pressed = its face mask is replaced. */

export class Faces {
  /**
   * @param {HTMLElement} layer covers the photo
   * @param {(on: number[]) => void} onChange is told the places of the faces that are on
   */
  constructor(layer, onChange) {
    this.layer = layer;
    this.onChange = onChange;
  }

  /** @param {{width: number, height: number, faces: {box: number[], masked: boolean}[]}} found */
  show({ width, height, faces }) {
    this.layer.replaceChildren(...faces.map((face, place) => {
      const element = face.masked ? this.button(place) : bare(place);
      const [x0, y0, x1, y1] = face.box;
      const { style } = element;
      style.left = `${(100 * x0) / width}%`;
      style.top = `${(100 * y0) / height}%`;
      style.width = `${(100 * (x1 - x0)) / width}%`;
      style.height = `${(100 * (y1 - y0)) / height}%`;
      return element;
    }));
  }

  /**
   * Return where to begin comparing: through the largest face that is on.
   *
   * @param {{width: number, faces: {box: number[]}[]}} found
   * @returns {number} percent of the photo's width
   */
  middle({ width, faces }) {
    const boxes = this.on.map((place) => faces[place].box);
    const [x0, , x1] = boxes.reduce((best, box) => (area(box) > area(best) ? box : best), boxes[0] ?? [0, 0, width, 0]);
    return Math.round((50 * (x0 + x1)) / width);
  }

  /** @param {number[]} on places of the faces to show as on */
  press(on) {
    for (const button of this.layer.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(on.includes(Number(button.dataset.place))));
    }
  }

  /** Places of the faces that are on. */
  get on() {
    const pressed = this.layer.querySelectorAll('[aria-pressed="true"]');
    return [...pressed].map((button) => Number(button.dataset.place));
  }

  button(place) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "face";
    button.dataset.place = String(place);
    button.setAttribute("aria-pressed", "true");
    button.setAttribute("aria-label", `Face ${place + 1}, face mask replaced`);
    button.append(number(place));
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.ariaPressed !== "true"));
      this.onChange(this.on);
    });
    return button;
  }
}

function area([x0, y0, x1, y1]) {
  return (x1 - x0) * (y1 - y0);
}

function bare(place) {
  const shown = document.createElement("div");
  shown.className = "face bare";
  shown.setAttribute("role", "img");
  shown.setAttribute("aria-label", `Face ${place + 1}, no face mask found`);
  return shown;
}

function number(place) {
  const shown = document.createElement("b");
  shown.textContent = String(place + 1);
  shown.ariaHidden = "true";
  return shown;
}
