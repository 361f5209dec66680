// The timeline of one rank of each stage on a canvas: wheel and +/- zoom, dragging and arrow keys move.
import { $ } from './dom.js';
import { colour, ink, title } from './causes.js';
import { seconds } from './format.js';
import { linear, ticks } from './scales.js';
import { debounce } from './refresh.js';
import { firstAfter, lanes, lastStart, pan, zoom } from './spans.js';

const LANE = 22, LEFT = 128, AXIS = 20, NAMED = 34; /* pixels */

/** Draws answers of the door "timeline". Where there are too many spans for the whole step, `need(from, to)` is called for
 * what is looked at; its promise is an answer. */
export class Timeline {
  constructor(canvas, readout, need) {
    this.canvas = canvas;
    this.readout = readout;
    this.answer = null;
    this.load = debounce(async () => this.take(await need(...this.view), [...this.view]), 250);
    canvas.addEventListener('wheel', (e) => this.wheel(e), { passive: false });
    canvas.addEventListener('pointerdown', (e) => this.grab(e));
    canvas.addEventListener('pointermove', (e) => this.move(e));
    canvas.addEventListener('keydown', (e) => this.key(e));
    canvas.addEventListener('dblclick', () => this.all());
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(answer) {
    this.end = answer.step_time_s;
    this.view = [0, this.end];
    this.take(answer, this.view);
    this.look(this.view);
  }

  /** An answer of which `window` was asked. */
  take(answer, window) {
    if (!answer) return;
    this.answer = answer;
    this.lanes = lanes(answer);
    this.loaded = answer.left_out ? [window[0], lastStart(answer)] : window;
    this.canvas.style.height = `${this.lanes.length * LANE + AXIS}px`;
    this.draw();
  }

  all() {
    this.look([0, this.end]);
  }

  /** Looks at another window, and has it loaded where it is not there. */
  look(view) {
    this.view = view;
    this.draw();
    const partly = view[0] < this.loaded[0] || view[1] > this.loaded[1];
    if (partly) this.load();
    this.readout.textContent = partly ? 'More kernels than are drawn at once: zoom in to see the later ones.' : ' ';
  }

  time(x) {
    const width = this.canvas.clientWidth - LEFT;
    return this.view[0] + ((x - LEFT) / width) * (this.view[1] - this.view[0]);
  }

  wheel(event) {
    if (!this.answer) return;
    event.preventDefault();
    const width = this.view[1] - this.view[0];
    this.look(Math.abs(event.deltaX) > Math.abs(event.deltaY) ? pan(this.view, (event.deltaX / 1000) * width, this.end)
      : zoom(this.view, 1.002 ** event.deltaY, this.time(event.offsetX), this.end));
  }

  grab(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.from = event.offsetX;
  }

  move(event) {
    if (!this.answer) return;
    if (event.buttons) {
      const by = this.time(this.from) - this.time(event.offsetX);
      this.from = event.offsetX;
      this.look(pan(this.view, by, this.end));
    } else this.tell(event.offsetX, event.offsetY);
  }

  key(event) {
    if (!this.answer) return;
    const width = this.view[1] - this.view[0], middle = (this.view[0] + this.view[1]) / 2;
    const done = { ArrowLeft: () => pan(this.view, -width / 8, this.end), ArrowRight: () => pan(this.view, width / 8, this.end),
      '+': () => zoom(this.view, 0.5, middle, this.end), '=': () => zoom(this.view, 0.5, middle, this.end),
      '-': () => zoom(this.view, 2, middle, this.end), 0: () => [0, this.end] }[event.key];
    if (!done) return;
    event.preventDefault();
    this.look(done());
  }

  tell(x, y) {
    const lane = this.lanes[Math.floor((y - AXIS) / LANE)], { spans } = this.answer;
    if (!lane || x < LEFT) return;
    const t = this.time(x), i = lane.index[firstAfter(lane.index, spans.end_s, t)];
    this.readout.textContent = i === undefined || spans.start_s[i] > t ? `${lane.name}: idle at ${seconds(t)}`
      : `${this.answer.names[spans.name[i]]}, ${this.answer.passes[spans.pass[i]]}${spans.layer[i] >= 0 ? `, layer ${spans.layer[i]}` : ''}, `
        + `micro-batch ${spans.micro_batch[i]}: ${seconds(spans.end_s[i] - spans.start_s[i])} from ${seconds(spans.start_s[i])}, ${title(this.answer.causes[spans.cause[i]])}`;
  }

  draw() {
    const { canvas } = this, ratio = devicePixelRatio, width = canvas.clientWidth, height = canvas.clientHeight;
    if (!this.answer || width === 0) return;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const pen = canvas.getContext('2d'), style = getComputedStyle(canvas);
    pen.scale(ratio, ratio);
    pen.font = '12px system-ui, sans-serif';
    pen.fillStyle = style.color;
    const x = linear(...this.view, LEFT, width);
    for (const t of ticks(...this.view, 8)) pen.fillText(seconds(t), x(t) + 2, 13);
    this.lanes.forEach((lane, row) => this.drawLane(pen, lane, AXIS + row * LANE, x, style.color));
  }

  drawLane(pen, lane, y, x, text) {
    const { spans, names, causes } = this.answer, [from, to] = this.view;
    pen.fillStyle = text;
    pen.fillText(`stage ${lane.stage} ${lane.name}`, 0, y + 15, LEFT - 6);
    let covered = -1;
    for (let n = firstAfter(lane.index, spans.end_s, from); n < lane.index.length; n++) {
      const i = lane.index[n];
      if (spans.start_s[i] >= to) break;
      const left = Math.max(x(spans.start_s[i]), LEFT), right = x(spans.end_s[i]);
      if (right < covered + 0.5) continue; /* less than half a pixel that is not drawn yet */
      covered = Math.max(right, left + 0.5);
      pen.fillStyle = colour(causes[spans.cause[i]]);
      pen.fillRect(left, y + 2, Math.max(right - left - (right - left > 3 ? 1 : 0), 0.5), LANE - 4);
      if (right - left < NAMED) continue;
      pen.fillStyle = ink(causes[spans.cause[i]]);
      pen.fillText(names[spans.name[i]], left + 3, y + 15, right - left - 6);
    }
  }
}

/** Opens Perfetto's page in another tab and hands the trace to it; nothing is sent anywhere else. */
export function openInPerfetto(trace, name) {
  const origin = 'https://ui.perfetto.dev', tab = window.open(origin);
  if (!tab) return;
  const buffer = new TextEncoder().encode(JSON.stringify(trace)).buffer;
  const knock = setInterval(() => tab.postMessage('PING', origin), 100);
  const stop = setTimeout(() => clearInterval(knock), 30000);
  window.addEventListener('message', function hear(event) {
    if (event.origin !== origin || event.data !== 'PONG') return;
    clearInterval(knock);
    clearTimeout(stop);
    window.removeEventListener('message', hear);
    tab.postMessage({ perfetto: { buffer, title: name, fileName: `${name}.json` } }, origin);
  });
}

export function timelineOf(id, need) {
  return new Timeline($(id), $(`${id}-readout`), need);
}
