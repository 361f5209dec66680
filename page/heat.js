// MFU over two keys.
import { $, h, put } from './dom.js';
import { percent } from './format.js';
import { same } from './keys.js';
import { request } from './state.js';

const MOST = 6; /* values of a key */

/** At most MOST values with the chosen one among them. */
export function window(list, value) {
  if (list.length <= MOST) return list;
  const at = Math.max(0, list.findIndex((item) => same(item, value)));
  const from = Math.min(Math.max(0, at - MOST / 2), list.length - MOST);
  return list.slice(from, from + MOST);
}

export function question(state, a, b) {
  return request(state, { vary: { [a.key]: window(a.list, a.value), [b.key]: window(b.list, b.value) } });
}

/** The point of an answer at two values. */
export function pointAt(answer, a, b, x, y) {
  return answer.find((r) => same(r.set[a.key], x) && same(r.set[b.key], y));
}

function cell(point, share, onPick, here) {
  if (!point?.mfu) return h('td', { class: 'cannot', title: point?.error ?? 'not tried', text: '·' });
  const td = h('td', { class: here ? 'here' : '', title: point.memory.fits ? null : 'does not fit' },
    h('button', { type: 'button', onclick: onPick, text: `${percent(point.mfu.causal)}${point.memory.fits ? '' : ' ✕'}` }));
  td.style.setProperty('--share', share.toFixed(3));
  return td;
}

export function draw(answer, a, b, onPick) {
  const values = answer.filter((r) => r.mfu).map((r) => r.mfu.causal);
  const low = Math.min(...values), span = Math.max(...values) - low || 1;
  const xs = window(a.list, a.value), ys = window(b.list, b.value);
  put('heat', h('table', { class: 'heat' }, h('caption', { text: `MFU; across: ${a.label}, down: ${b.label}; ✕ does not fit, · is not legal` }),
    h('tr', {}, h('th', {}), xs.map((x) => h('th', { scope: 'col', text: x }))),
    ys.map((y) => h('tr', {}, h('th', { scope: 'row', text: y }), xs.map((x) => {
      const point = pointAt(answer, a, b, x, y);
      return cell(point, point?.mfu ? (point.mfu.causal - low) / span : 0, () => onPick({ [a.key]: x, [b.key]: y }),
        same(x, a.value) && same(y, b.value));
    })))));
}

/** Fills the two lists of keys once; keeps what was chosen. */
export function offer(controls, onChange) {
  const keys = controls.filter((c) => c.list.length > 1);
  for (const [id, wanted] of [['heat-a', 'parallelism.expert'], ['heat-b', 'parallelism.pipeline']]) {
    const select = $(id), before = select.value || wanted;
    select.replaceChildren(...keys.map((c) => h('option', { value: c.key, text: c.label, selected: c.key === before })));
    select.onchange = onChange;
  }
}
