// One series: its slices one after the other, windows by drag, cine.

import { picture } from "./dicomweb.js";
import { element } from "./elements.js";
import { framesOf } from "./slices.js";

const KEPT = 400; // bitmaps; of 512 x 512 pixels a megabyte each
const AHEAD = 6;
const PRESETS = [
  { name: "Lung", center: -600, width: 1500 },
  { name: "Soft tissue", center: 40, width: 400 },
  { name: "Bone", center: 480, width: 2500 },
  { name: "Brain", center: 40, width: 80 },
];
const KEYS =
  "<kbd>↑</kbd> <kbd>↓</kbd> or wheel: slice · <kbd>Shift</kbd> + arrows or drag: window · " +
  "<kbd>Space</kbd>: play · <kbd>Home</kbd> <kbd>End</kbd> <kbd>Page</kbd> · <kbd>R</kbd>: the file's window · " +
  "<kbd>Esc</kbd>: back";

export class Viewer {
  constructor(series, { modality, back, tell }) {
    this.series = series;
    this.modality = modality;
    this.back = back;
    this.tell = tell;
    this.index = 0;
    this.window = null; // the file's
    this.rate = 15;
    this.kept = new Map(); // path with its parameters -> bitmap, or the promise of one
    this.ended = new AbortController();
  }

  /** The elements; frames come when they are there. */
  build() {
    const part = (tag, attributes, ...children) => element(tag, attributes, ...children);
    this.canvas = part("canvas", { role: "img", "aria-label": "slice" });
    this.note = part("div", { className: "note" });
    this.stage = part("div", { className: "stage", tabIndex: 0 }, this.canvas, this.note);
    this.slider = part("input", { type: "range", min: 1, max: 1, value: 1, "aria-label": "slice" });
    this.player = part("button", { type: "button", className: "play" }, "Play");
    this.speed = part("input", { type: "range", min: 1, max: 60, value: this.rate, "aria-label": "frames a second" });
    this.speedWords = part("span", { className: "quiet" });
    const reset = part("button", { type: "button" }, "File's window");
    const tools = part(
      "div",
      { className: "tools" },
      part("label", { className: "slices" }, "Slice", this.slider),
      this.player,
      part("label", {}, "Speed", this.speed, this.speedWords),
      reset,
    );
    if (this.modality === "CT") {
      for (const preset of PRESETS) {
        const button = part("button", { type: "button" }, preset.name);
        button.addEventListener("click", () => this.show({ window: preset }));
        tools.append(button);
      }
    }
    const keys = part("p", { className: "quiet keys" });
    keys.innerHTML = KEYS;
    this.root = part("div", { className: "viewer" }, this.stage, tools, keys);

    const { signal } = this.ended;
    this.slider.addEventListener("input", () => this.show({ index: this.slider.value - 1 }));
    this.speed.addEventListener("input", () => this.setRate(Number(this.speed.value)));
    this.player.addEventListener("click", () => this.toggle());
    reset.addEventListener("click", () => this.show({ window: null }));
    this.stage.addEventListener("wheel", (event) => this.turned(event), { passive: false });
    this.stage.addEventListener("pointerdown", (event) => this.pressed(event));
    addEventListener("keydown", (event) => this.typed(event), { signal });
    addEventListener("resize", () => this.draw(), { signal });
    this.setRate(this.rate);
    return this.root;
  }

  async start() {
    this.frames = await framesOf(this.series, this.ended.signal);
    if (!this.frames.length) throw new Error("this series has no images");
    this.slider.max = this.frames.length;
    if (this.frames[0].rate) this.setRate(Math.min(60, Math.max(1, Math.round(this.frames[0].rate))));
    this.player.disabled = this.frames.length < 2;
    this.stage.focus();
    await this.show({ index: 0 });
  }

  end() {
    this.stop();
    this.ended.abort();
    for (const bitmap of this.kept.values()) bitmap.close?.();
    this.kept.clear();
  }

  /** Show another slice or another window: what is asked for last wins, one request at a time. */
  async show(change) {
    if (!this.frames) return;
    if ("index" in change) this.index = Math.min(this.frames.length - 1, Math.max(0, Number(change.index)));
    if ("window" in change) this.window = change.window && { ...change.window };
    this.slider.value = this.index + 1;
    this.wanted = this.path(this.index);
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.wanted) {
        const path = this.wanted;
        this.wanted = null;
        this.bitmap = await this.load(path);
        this.shown = path;
        this.draw();
        this.tell("");
      }
    } catch (error) {
      if (error.name !== "AbortError") this.tell(error.message);
    } finally {
      this.busy = false;
    }
    this.readAhead();
  }

  path(index) {
    const { center, width } = this.window ?? {};
    const query = this.window ? `?window=${round(center)},${round(width)},linear` : "";
    return this.frames[index].path + query;
  }

  load(path) {
    let found = this.kept.get(path);
    if (found === undefined) {
      found = picture(path, this.ended.signal).then(
        (bitmap) => {
          this.kept.set(path, bitmap);
          return bitmap;
        },
        (error) => {
          this.kept.delete(path);
          throw error;
        },
      );
    } else {
      this.kept.delete(path); // and to the end, as the one used last
    }
    this.kept.set(path, found);
    for (const old of this.kept.keys()) {
      if (this.kept.size <= KEPT) break;
      const bitmap = this.kept.get(old);
      if (bitmap !== this.bitmap) bitmap.close?.();
      this.kept.delete(old);
    }
    return Promise.resolve(found);
  }

  readAhead() {
    const step = this.playing ? 1 : 0;
    for (let next = 1; next <= AHEAD; next++) {
      for (const index of step ? [this.index + next] : [this.index + next, this.index - next]) {
        const frame = ((index % this.frames.length) + this.frames.length) % this.frames.length;
        this.load(this.path(frame)).catch(() => undefined); // told when it is shown
      }
    }
  }

  draw() {
    if (!this.bitmap) return;
    const ratio = devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.stage;
    const [width, height] = [clientWidth * ratio, clientHeight * ratio].map(Math.round);
    if (this.canvas.width !== width || this.canvas.height !== height) {
      [this.canvas.width, this.canvas.height] = [width, height];
    }
    const context = this.canvas.getContext("2d");
    const scale = Math.min(width / this.bitmap.width, height / this.bitmap.height);
    const [w, h] = [this.bitmap.width * scale, this.bitmap.height * scale];
    context.clearRect(0, 0, width, height);
    context.imageSmoothingQuality = "high";
    context.drawImage(this.bitmap, (width - w) / 2, (height - h) / 2, w, h);
    const place = `${this.index + 1} of ${this.frames.length}`;
    const used = this.window ?? this.frames[this.index].window;
    const words = used ? `window ${round(used.center)}, ${round(used.width)}` : "";
    this.note.textContent = [place, words].filter(Boolean).join("\n");
    this.canvas.setAttribute("aria-label", `slice ${place}`);
  }

  /** The window that a drag or a key starts from. */
  windowNow() {
    return this.window ?? this.frames[this.index].window ?? { center: 128, width: 256 };
  }

  shiftWindow(from, right, down, size) {
    // A drag over the whole picture goes through twice the window that it began with.
    const reach = Math.max(from.width, 1) * 2;
    const width = Math.max(1, from.width + (right / size) * reach);
    this.show({ window: { center: from.center + (down / size) * reach, width } });
  }

  pressed(event) {
    if (event.button !== 0 || !this.frames) return;
    this.stage.focus();
    this.stage.setPointerCapture(event.pointerId);
    const from = this.windowNow();
    const size = Math.max(200, Math.min(this.stage.clientWidth, this.stage.clientHeight));
    const ended = new AbortController();
    const move = (now) => this.shiftWindow(from, now.clientX - event.clientX, now.clientY - event.clientY, size);
    this.stage.addEventListener("pointermove", move, { signal: ended.signal });
    for (const name of ["pointerup", "pointercancel"]) {
      this.stage.addEventListener(name, () => ended.abort(), { signal: ended.signal });
    }
  }

  turned(event) {
    event.preventDefault();
    if (this.frames && event.deltaY) this.show({ index: this.index + Math.sign(event.deltaY) });
  }

  typed(event) {
    if (!this.frames || event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    const inRange = event.target instanceof HTMLInputElement;
    if (key === "Escape") return this.back();
    if (inRange || (key === " " && event.target instanceof HTMLButtonElement)) return;
    const arrows = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    const moves = { Home: 0, End: this.frames.length - 1, PageUp: this.index - 10, PageDown: this.index + 10 };
    if (key in arrows && event.shiftKey) this.shiftWindow(this.windowNow(), ...arrows[key], 40);
    else if (key in arrows) this.show({ index: this.index + arrows[key][0] + arrows[key][1] });
    else if (key in moves) this.show({ index: moves[key] });
    else if (key === " ") this.toggle();
    else if (key === "r" || key === "R") this.show({ window: null });
    else return;
    event.preventDefault();
  }

  setRate(rate) {
    this.rate = rate;
    this.speed.value = rate;
    this.speedWords.textContent = `${rate} a second`;
  }

  toggle() {
    if (this.playing) this.stop();
    else this.play();
  }

  play() {
    if (!this.frames || this.frames.length < 2) return;
    this.playing = true;
    this.player.textContent = "Pause";
    let due = performance.now();
    const tick = (now) => {
      if (!this.playing) return;
      // A frame that is not there yet is waited for: nothing is left out.
      if (now >= due && !this.busy) {
        due = Math.max(due + 1000 / this.rate, now);
        this.show({ index: (this.index + 1) % this.frames.length });
      }
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  stop() {
    this.playing = false;
    if (this.player) this.player.textContent = "Play";
  }
}

function round(value) {
  return Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 10) / 10;
}
