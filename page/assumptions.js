// Assumptions by how much they move the answer, each a switch between its ends.
import { drawing, h, put, s } from './dom.js';
import { percent } from './format.js';
import { same } from './keys.js';
import { linear } from './scales.js';

const W = 240, H = 22;

function swing(a, stated, x) {
  const ends = [a.low.mfu_causal, a.high.mfu_causal].sort((p, q) => p - q);
  return drawing(W, H, `MFU from ${percent(ends[0])} to ${percent(ends[1])}`,
    s('line', { x1: 0, x2: W, y1: H / 2, y2: H / 2, class: 'grid' }),
    s('rect', { x: x(ends[0]), y: 5, width: Math.max(x(ends[1]) - x(ends[0]), 1.5), height: 12, class: 'swing' }),
    s('line', { x1: x(stated), x2: x(stated), y1: 1, y2: H - 1, class: 'stated' }));
}

function choice(a, state, own, onChange) {
  const name = `a-${a.key}`, chosen = state.set[a.key];
  const stated = own.get(a.key);
  const ends = [['low', a.low.value], ['high', a.high.value]].filter(([, value]) => stated === undefined || !same(value, stated));
  const options = [['stated', stated], ...ends];
  return h('div', { class: 'choices', role: 'radiogroup', 'aria-label': a.key }, options.map(([word, value]) =>
    h('label', { title: word === 'stated' ? 'as the run says' : `MFU ${percent(a[word].mfu_causal)}` },
      h('input', { type: 'radio', name, checked: word === 'stated' ? chosen === undefined : chosen !== undefined && same(chosen, value),
        onchange: () => onChange(a.key, value, word === 'stated') }),
      h('span', { text: word === 'stated' ? `stated${value === undefined ? '' : ` ${value}`}` : String(value) }))));
}

/** `answer` is that of the door "sensitivity". */
export function draw(answer, state, own, onChange) {
  const list = answer.assumptions.filter((a) => a.low && a.high);
  if (list.length === 0) {
    put('assumptions', h('p', { class: 'quiet', text: 'Nothing is assumed in this run.' }));
    return;
  }
  const ends = list.flatMap((a) => [a.low.mfu_causal, a.high.mfu_causal]), stated = answer.mfu_causal.stated;
  const x = linear(Math.min(...ends, stated), Math.max(...ends, stated), 4, W - 4);
  put('assumptions', h('table', { class: 'assumptions' }, list.map((a) => h('tr', {},
    h('th', { scope: 'row', title: a.why }, a.key, h('small', { text: a.why })),
    h('td', { class: 'num', text: `${(100 * a.mfu_swing).toFixed(1)} pt` }),
    h('td', {}, swing(a, stated, x)), h('td', {}, choice(a, state, own, onChange))))));
}
