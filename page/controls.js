// The left side: what is turned. Values that are not legal are greyed, say why, and offer the nearest that is.
import { $, h, put } from './dom.js';
import { GROUPS, candidates, nearestLegal, same } from './keys.js';
import { group } from './format.js';
import { around } from './scales.js';

const STEPS = 2; /* halvings and doublings of the GPUs that are offered */
const MANY = 7; /* more values than that are a list that opens */

let nextId = 0;

function reasonOf(legal, key, value) {
  const trial = legal?.[key]?.find((t) => same(t.value, value));
  return trial && !trial.legal ? trial.error.message : null;
}

/** What a chosen value that is not legal says, with the nearest legal one to click. */
function complaint(key, list, value, legal, onChange) {
  const reason = reasonOf(legal, key, value);
  if (!reason) return null;
  const nearest = nearestLegal(list, value, (item) => !reasonOf(legal, key, item) && legal[key].some((t) => same(t.value, item)));
  return h('p', { class: 'reason' }, reason, nearest &&
    h('button', { type: 'button', class: 'small', onclick: () => onChange(key, nearest), text: `use ${nearest}` }));
}

function choices(control, list, legal, onChange) {
  const { key, value, own } = control;
  const name = `c${nextId++}`;
  return h('div', { class: 'choices', role: 'radiogroup', 'aria-label': control.label }, list.map((item) => {
    const reason = reasonOf(legal, key, item);
    const marks = [reason && 'illegal', same(item, own) && 'own'].filter(Boolean).join(' ');
    const hint = reason ?? (same(item, own) ? 'as the run has it' : null);
    return h('label', { class: marks, title: hint },
      h('input', { type: 'radio', name, value: item, checked: same(item, value), 'aria-description': hint,
        'data-key': key, onchange: () => onChange(key, item) }),
      h('span', { text: shown(key, item) }));
  }));
}

function shown(key, item) {
  if (item === 'true') return 'on';
  if (item === 'false') return 'off';
  if (key === 'offload.activations') return `${Math.round(100 * Number(item))} %`;
  return item.replace(/ Gbit\/s$/, ' G').replace(/\.0+$/, '');
}

function opens(control, list, legal, onChange) {
  const { key, value, own } = control;
  return h('select', { 'aria-label': control.label, 'data-key': key, onchange: (event) => onChange(key, event.target.value) },
    value === undefined && h('option', { value: '', selected: true, disabled: true, text: control.otherwise ?? '–' }),
    list.map((item) => {
      const reason = reasonOf(legal, key, item);
      return h('option', { value: item, selected: same(item, value), title: reason, class: reason && 'illegal',
        text: item + (same(item, own) ? ' ·' : '') + (reason ? ' – not legal' : '') });
    }));
}

function written(control, onChange) {
  const { key, value } = control;
  return h('input', { type: 'text', value: value ?? '', size: 10, inputmode: 'decimal', 'aria-label': control.label, 'data-key': key,
    onchange: (event) => onChange(key, event.target.value.trim() || control.own) });
}

function row(control, legal, onChange) {
  const { key, value } = control;
  const list = control.list;
  const part = list.length === 0 ? written(control, onChange)
    : list.length > MANY ? opens(control, list, legal, onChange) : choices(control, list, legal, onChange);
  const changed = control.changed ? ' changed' : '';
  return h('div', { class: `control${changed}`, 'data-control': key },
    h('div', { class: 'name', title: control.meaning }, control.label,
      control.changed && h('button', { type: 'button', class: 'small', title: `back to ${control.own}`,
        'aria-label': `${control.label}: back to ${control.own}`, onclick: () => onChange(key, control.own), text: '↺' })),
    part, complaint(key, list, value, legal, onChange));
}

/** Controls of a state: [{key, label, value, own, list, changed, meaning}] by group; keys that the run does not have and
 * cannot have are left out. */
export function describe(state, schema, own) {
  return GROUPS.map((g) => ({ title: g.title, controls: g.keys.map(([key, label]) => {
    const said = schema.get(key);
    const base = own.get(key) ?? defaultOf(said);
    const value = state.set[key] ?? base;
    return { key, label, value, own: base, changed: key in state.set, meaning: said?.meaning ?? key, otherwise: said?.default,
      list: candidates(key, said, base, value) };
  }).filter((control) => control.value !== undefined || control.list.length > 0) }));
}

/** The default of a key as a value; a default in words ("as gemm") is none, but "as layout says, else 1" of a number is 1. */
export function defaultOf(said) {
  const text = said?.default === undefined || said.default === null ? undefined : String(said.default);
  if (text === undefined) return undefined;
  if (said.kind === 'word') return said.words.includes(text) ? text : undefined;
  if (said.kind === 'integer') return /^(?:.*, else )?(\d+)$/.exec(text)?.[1];
  return said.kind === 'flag' || /^[0-9]/.test(text) ? text : undefined;
}

/** Draws the groups anew and gives the keyboard back to the control that had it. */
export function draw(groups, legal, onChange) {
  const focused = document.activeElement?.dataset?.key;
  const open = new Set([...document.querySelectorAll('#controls details:not([open])')].map((d) => d.dataset.title));
  put('controls', groups.map((g) => h('details', { open: !open.has(g.title), 'data-title': g.title }, h('summary', { text: g.title }),
    g.controls.map((control) => row(control, legal, onChange)))));
  if (focused) {
    const all = [...document.querySelectorAll(`#controls [data-key="${CSS.escape(focused)}"]`)];
    (all.find((e) => e.checked) ?? all[0])?.focus();
  }
}

/* ---- size ---- */

export function gpusOfSlider(position) {
  return 2 ** Number(position);
}

export function sliderOfGpus(gpus) {
  return Math.log2(gpus);
}

/** Sizes around one, as values of a control: those that the layout does not divide are greyed. */
export function sizesAround(gpus) {
  return around(gpus, STEPS).map(String);
}

/** The slider of sizes follows a number that was written, too; below it its stops, greyed where there is no run. */
export function drawSize(gpus, own, legal, onChange) {
  const list = sizesAround(gpus), control = { key: 'gpus', value: String(gpus), own, label: 'GPUs, by doubling' };
  const focused = document.activeElement?.dataset?.key === 'gpus';
  put('sizes', choices(control, list, legal, (_, value) => onChange(value)), complaint('gpus', list, String(gpus), legal, (_, value) => onChange(value)));
  if (focused) $('sizes').querySelector('input:checked')?.focus();
  $('gpus-slider').value = sliderOfGpus(gpus);
  $('gpus-slider').setAttribute('aria-valuetext', `${gpus} GPUs`);
  if (document.activeElement !== $('gpus')) $('gpus').value = group(gpus);
}
