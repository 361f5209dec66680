// MFU over the number of GPUs.
import { h, put, room } from './dom.js';
import { curve } from './chart.js';
import { spread } from './economy.js';
import { around } from './scales.js';

const STEPS = 3; /* halvings and doublings that are shown */

/** Other sizes than this one, the nearest first. */
export function others(gpus) {
  return around(gpus, STEPS).filter((size) => size !== gpus).sort((a, b) => Math.abs(Math.log(a / gpus)) - Math.abs(Math.log(b / gpus)) || b - a);
}

/** Whether an interval is of the assumptions too, and not of the model's own error alone. */
function isFull(r) {
  return r.interval?.samples > 1;
}

/** P10 and P90 of a size: its own where they are known, else those of the size looked at, taken relative. */
function band(r, ends) {
  if (isFull(r)) return { low: r.interval.mfu_causal_p10, high: r.interval.mfu_causal_p90 };
  return ends ? { low: r.mfu.causal / ends[1], high: r.mfu.causal / ends[0] } : { low: NaN, high: NaN };
}

/** Points of predictions, in order of size; those that cannot be are left out. `ends`: relative step times of the
 * fast and the slow end at the size looked at. */
export function points(answer, gpus, ends) {
  return answer.filter((r) => r.mfu).map((r) => ({ x: r.gpus, y: r.mfu.causal, fits: r.memory.fits, own: r.gpus === gpus, ...band(r, ends) }))
    .sort((a, b) => a.x - b.x);
}

export function statedPoints(result) {
  const { published } = result;
  return published?.mfu && published.convention === 'causal' ? [{ x: result.gpus, y: published.mfu }] : [];
}

/** `left`: sizes that are not known yet. */
export function draw(answer, left, result, scaling, onPick) {
  const list = points(answer, result.gpus, spread(result));
  if (list.length < 2 && left) return;
  if (list.length < 2) {
    put('scale', h('p', { class: 'quiet', text: 'No other size of this layout is legal: change the layout, or let the search find one.' }));
    return;
  }
  put('scale', curve(list, statedPoints(result), 'MFU over the number of GPUs', room('scale', 700), onPick));
  put('scale-note', `${scaling === 'strong' ? 'Strong scaling: the batch stays.' : 'Weak scaling: the batch grows with the GPUs.'} `
    + `Band: P10 to P90 ${answer.length > 1 && answer.every((r) => !r.mfu || isFull(r)) ? 'of each size' : 'of the size looked at, taken relative'}. A cross does not fit; a diamond was published.`);
}
