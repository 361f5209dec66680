// The top: seven numbers, each with its interval and what was published for this very configuration.
import { h, put } from './dom.js';
import * as f from './format.js';
import { spread, training } from './economy.js';

/** Two ends, which break between them and not before a unit. */
function both(low, high) {
  return [low, high].map((text) => text.replaceAll(' ', '\u00a0')).join(' – ');
}

/** Tiles as data: {name, value, range, note, warn}. */
export function tiles(result, tokens, deadlineS) {
  const own = training(result, tokens);
  const ends = spread(result);
  const [fast, slow] = ends ? ends.map((r) => training(result, tokens, r)) : [null, null];
  const range = (show, key) => (ends && Number.isFinite(own[key]) ? both(show(fast[key]), show(slow[key])) : '');
  const late = deadlineS > 0 && own.days * 86400 > deadlineS;
  return [
    mfuTile(result), stepTile(result),
    { name: 'training', value: f.days(own.days), range: range(f.days, 'days'), warn: late,
      note: deadlineS > 0 ? (late ? `later than ${f.days(deadlineS / 86400)}` : `within ${f.days(deadlineS / 86400)}`) : `${f.number(tokens / 1e12)} T tokens` },
    { name: 'cost', value: f.dollars(own.dollars), range: range(f.dollars, 'dollars'),
      note: result.economy?.price_gpu_hour_dollars ? `at $${f.number(result.economy.price_gpu_hour_dollars)} per GPU-hour` : 'no price' },
    { name: 'energy', value: f.quantity(own.mwh * 1e6, 'Wh', 3), range: range((x) => f.quantity(x * 1e6, 'Wh', 3), 'mwh'), note: 'with overhead' },
    { name: 'power', value: f.quantity(own.mw * 1e6, 'W', 3), range: '', note: 'while stepping' },
    memoryTile(result.memory),
  ];
}

function mfuTile(result) {
  const { interval, published } = result;
  const full = published?.convention === 'full';
  const said = published?.mfu;
  return { name: full ? 'MFU (full)' : 'MFU', value: f.percent(full ? result.mfu.full : result.mfu.causal),
    range: interval ? both(f.percent(interval[full ? 'mfu_full_p10' : 'mfu_causal_p10']), f.percent(interval[full ? 'mfu_full_p90' : 'mfu_causal_p90'])) : '',
    published: said ? f.percent(said) : '', note: said ? '' : `${f.percent(full ? result.mfu.causal : result.mfu.full)} ${full ? 'causal' : 'full'}` };
}

function stepTile(result) {
  const { interval, published } = result;
  return { name: 'step', value: f.seconds(result.step_time_s),
    range: interval ? both(f.seconds(interval.step_time_p10_s), f.seconds(interval.step_time_p90_s)) : '',
    published: published?.step_time_s ? `${f.seconds(published.step_time_s)}${published.step_time_derived ? ' (derived)' : ''}` : '',
    note: `${f.number(result.tokens_per_s_per_gpu)} tokens/s/GPU` };
}

function memoryTile(memory) {
  return { name: 'memory', value: f.bytes(memory.peak_bytes), range: '', warn: !memory.fits,
    note: `${memory.fits ? 'fits' : 'does not fit'} ${f.bytes(memory.capacity_bytes)}` };
}

export function draw(result, tokens, deadlineS) {
  put('headline', tiles(result, tokens, deadlineS).map((tile) =>
    h('div', { class: `tile${tile.warn ? ' warn' : ''}` },
      h('div', { class: 'name', text: tile.name }),
      h('div', { class: 'value', text: tile.value }),
      h('div', { class: 'range', title: 'P10 to P90 over the assumptions and the model\'s own error', text: tile.range || ' ' }),
      h('div', { class: 'note', text: tile.published ? `published ${tile.published}` : tile.note }))));
}
