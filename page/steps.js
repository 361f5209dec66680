// What one step of each control brings.
import { h, put } from './dom.js';
import { bytes, percent, seconds, signed } from './format.js';
import { isLegal, neighbours, same } from './keys.js';

const MOST = 32; /* steps that are tried */
const WORDS = 2; /* other words of one key that are */
const UNKNOWN = 0.002; /* MFU that a control is expected to move that was not tried yet: more than those that moved nothing */

/** Steps to try: [{key, label, from, to}], legal ones only; numbers one step down and up, then words. */
export function steps(controls, legal) {
  const numbers = [], words = [];
  for (const { key, label, list: values, value, otherwise } of controls) {
    const numeric = values.length > 0 && values.every((v) => /^[0-9]/.test(v));
    const { lower, higher } = neighbours(values, value);
    const others = numeric ? [lower, higher].filter(Boolean) : values.filter((v) => !same(v, value) && isLegal(legal, key, v)).slice(0, WORDS);
    for (const to of others) if (isLegal(legal, key, to)) (numeric ? numbers : words).push({ key, label, from: value ?? otherwise, to });
  }
  return [...numbers, ...words].slice(0, MOST);
}

/** The steps in the order in which they are tried: what moved most in the state before comes first. `moved`: MFU by key. */
export function ordered(list, moved) {
  const expected = ({ key }) => moved.get(key) ?? UNKNOWN;
  return [...list].sort((a, b) => expected(b) - expected(a));
}

/** What each control moves the MFU by, at most, by tried steps. */
export function movements(tried, base) {
  const moved = new Map();
  for (const { key, result } of tried) moved.set(key, Math.max(moved.get(key) ?? 0, Math.abs(result.mfu.causal - base.mfu.causal)));
  return moved;
}

/** Tried steps, the best first: those that fit before those that do not. */
export function ranked(tried, base) {
  return tried.map((step) => ({ ...step, gain: step.result.mfu.causal - base.mfu.causal,
    time: step.result.step_time_s - base.step_time_s, memory: step.result.memory.peak_bytes - base.memory.peak_bytes }))
    .sort((a, b) => b.result.memory.fits - a.result.memory.fits || b.gain - a.gain);
}

function plain(value) {
  return { true: 'on', false: 'off' }[value] ?? value;
}

function taken(step, onPick) {
  return h('button', { type: 'button', class: 'link', onclick: () => onPick(step.key, step.to), text: `${step.label} ${plain(step.from)} → ${plain(step.to)}` });
}

/** Whether a step is seen in no number. */
export function isIdle(step) {
  return step.gain === 0 && step.time === 0 && step.memory === 0 && step.result.memory.fits;
}

function line(step, widest, onPick) {
  const better = step.gain >= 0;
  const bar = h('i', { class: better ? 'gain' : 'loss' });
  bar.style.width = `${(100 * Math.abs(step.gain)) / widest}%`;
  return h('tr', { class: step.result.memory.fits ? '' : 'unfit' },
    h('td', {}, taken(step, onPick)),
    h('td', { class: 'num', text: `${signed((100 * step.gain).toFixed(2))} pt` }),
    h('td', { class: 'track' }, bar),
    h('td', { class: 'num', text: signed(seconds(step.time)) }),
    h('td', { class: 'num', text: `${signed(bytes(step.memory))}${step.result.memory.fits ? '' : ' ✕'}` }));
}

export function draw(tried, base, total, onPick) {
  const list = ranked(tried, base), idle = list.filter(isIdle);
  const widest = Math.max(...list.map((step) => Math.abs(step.gain)), 1e-9);
  put('steps', h('table', { class: 'steps' },
    h('tr', {}, ['step', 'MFU', '', 'step time', 'memory'].map((t) => h('th', { text: t }))),
    list.filter((step) => !isIdle(step)).map((step) => line(step, widest, onPick))),
  idle.length > 0 && h('p', { class: 'quiet' }, 'Without effect here: ', idle.flatMap((step, i) => [i > 0 && ', ', taken(step, onPick)])));
  put('steps-note', tried.length < total ? `${tried.length} of ${total} tried` : `From MFU ${percent(base.mfu.causal)}. ✕: does not fit. Click one to take it.`);
}
