// The best layouts, searched while one may leave.
import { h, put } from './dom.js';
import { group, percent, seconds } from './format.js';
import { stream } from './api.js';
import { request } from './state.js';

const TOP = 6;

export function question(state, budget) {
  return request(state, { top: TOP, budget });
}

/** Words of a layout: "tensor 1, pipeline 4, expert 64". */
export function layout(set) {
  return Object.entries(set).map(([key, value]) => `${key.split('.').pop()} ${value}`).join(', ');
}

function line(candidate, i, onPick) {
  return h('tr', {}, h('td', { class: 'num', text: `${i + 1}` }), h('td', { class: 'num', text: percent(candidate.mfu.causal) }),
    h('td', { class: 'num', text: seconds(candidate.step_time_s) }), h('td', { text: layout(candidate.set) }),
    h('td', {}, h('button', { type: 'button', class: 'small', onclick: () => onPick(candidate.set), text: 'use' })));
}

/** Runs the search; `controller` ends it. */
export async function run(state, budget, controller, onPick) {
  const bar = h('progress', { max: 1 }), note = h('p', { class: 'quiet', role: 'status', text: 'searching …' });
  put('search', bar, note, h('button', { type: 'button', onclick: () => controller.abort(), text: 'cancel' }));
  try {
    const answer = await stream('search', question(state, budget), controller.signal, (done, total) => {
      bar.max = total;
      bar.value = done;
      note.textContent = `${group(done)} of ${group(total)} looked at`;
    });
    const list = Array.isArray(answer) ? answer : answer.ranked ?? [];
    put('search', h('table', { class: 'search' }, h('tr', {}, ['', 'MFU', 'step', 'layout', ''].map((t) => h('th', { text: t }))),
      list.map((candidate, i) => line(candidate, i, onPick))));
  } catch (error) {
    put('search', h('p', { class: 'quiet', role: 'status', text: error.name === 'AbortError' ? 'Cancelled.' : error.message }));
  }
}
