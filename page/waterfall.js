// Where the step goes, as a waterfall; below it the pinned slots on the same axis of time.
import { drawing, h, put, room, s } from './dom.js';
import { colour, ink, parts, shapley, title } from './causes.js';
import { percent, seconds } from './format.js';
import { linear, ticks } from './scales.js';

const LEFT = 150, RIGHT = 132, ROW = 21, BAR = 15;

function rows(list, total, x, width) {
  let at = 0;
  return list.map(({ word, seconds: t }, i) => {
    const y = i * ROW, from = at;
    at += t;
    return s('g', {},
      s('text', { x: LEFT - 8, y: y + 12, class: 'end', text: title(word) }),
      s('rect', { x: x(from), y: y + 1, width: Math.max(x(at) - x(from), 0.7), height: BAR, fill: colour(word), class: 'bar' }),
      i + 1 < list.length && s('line', { x1: x(at), x2: x(at), y1: y + 1, y2: y + ROW + BAR, class: 'link' }),
      s('text', { x: width - 58, y: y + 12, class: 'end num', text: seconds(t) }),
      s('text', { x: width - 4, y: y + 12, class: 'end num', text: percent(t / total) }));
  });
}

/** One stacked bar of a slot, its parts named where there is room. */
function slot({ name, label, list, total }, y, x) {
  let at = 0;
  return s('g', {},
    s('text', { x: LEFT - 8, y: y + 14, class: 'end strong', text: name }),
    list.map(({ word, seconds: t }) => {
      const from = at, share = percent(t / total, 0);
      at += t;
      const width = x(at) - x(from);
      return s('g', {}, s('rect', { x: x(from), y, width: Math.max(width - 1, 0.5), height: 20, fill: colour(word) },
        s('title', { text: `${title(word)}: ${seconds(t)}` })),
        width > 34 && s('text', { x: (x(at) + x(from)) / 2, y: y + 14, class: 'middle', fill: ink(word), text: share }));
    }),
    s('text', { x: LEFT, y: y + 33, class: 'small', text: label }));
}

function axis(high, x, y, count) {
  return ticks(0, high, count).map((t) => s('g', {}, s('line', { x1: x(t), x2: x(t), y1: 0, y2: y, class: 'grid' }),
    s('text', { x: x(t), y: y + 14, class: 'middle small', text: seconds(t) })));
}

/** `slots`: [{name, label, result}], the first is the one looked at. `explanation`: Shapley values instead, or null. */
export function draw(slots, explanation) {
  const own = explanation ? shapley(explanation) : parts(slots[0].result.time_s);
  const high = Math.max(...slots.map((slotOf) => slotOf.result.step_time_s));
  const width = room('waterfall'), x = linear(0, high, LEFT, width - RIGHT);
  const top = own.length * ROW + 10, bottom = top + slots.length * 42;
  const stacks = slots.map((one, i) => slot({ ...one, list: i === 0 ? own : parts(one.result.time_s), total: one.result.step_time_s }, top + i * 42, x));
  put('waterfall', drawing(width, bottom + 20, `${seconds(slots[0].result.step_time_s)} of a step, cause by cause`,
    axis(high, x, bottom, Math.round(width / 150)), s('g', {}, rows(own, slots[0].result.step_time_s, x, width)), stacks));
  put('waterfall-note', explanation
    ? 'Shapley: what the step would gain without each cause, averaged over all orders of removal.'
    : 'Accounted: every instant of every GPU has one cause. What removing it would gain is another question: Shapley.');
}

/** A list of the same for those who cannot see the drawing. */
export function table(result) {
  return h('table', {}, parts(result.time_s).map(({ word, seconds: t }) =>
    h('tr', {}, h('th', { text: title(word) }), h('td', { text: seconds(t) }), h('td', { text: percent(t / result.step_time_s) }))));
}
