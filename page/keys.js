// The controls: which keys of a run are turned, and which of their values are offered. What a key is, the schema says.

/** Groups of keys in the order of the page. `short` is the name beside the control. */
export const GROUPS = [
  { title: 'Layout', keys: [
    ['parallelism.tensor', 'tensor'], ['parallelism.context', 'context'], ['parallelism.pipeline', 'pipeline'],
    ['parallelism.virtual_stages', 'virtual stages'], ['parallelism.schedule', 'schedule'],
    ['parallelism.expert', 'expert'], ['parallelism.expert_tensor', 'expert tensor'], ['parallelism.zero', 'ZeRO'],
    ['training.micro_batch', 'micro-batch'], ['training.global_batch', 'global batch'],
    ['parallelism.sequence_parallel', 'sequence parallel'],
    ['parallelism.overlap.gradient_reduce', 'overlap reduce'], ['parallelism.overlap.parameter_gather', 'overlap gather'],
    ['parallelism.overlap.expert', 'overlap experts'], ['parallelism.overlap.pipeline', 'overlap pipeline'] ] },
  { title: 'Precision', keys: [
    ['training.precision.gemm', 'GEMM'], ['training.precision.wgrad', 'weight gradient'],
    ['training.precision.attention', 'attention'], ['training.precision.lm_head', 'LM head'],
    ['training.precision.dispatch', 'dispatch'], ['training.precision.combine', 'combine'],
    ['training.precision.gradient_reduce', 'gradient reduce'] ] },
  { title: 'Memory', keys: [['recompute.mode', 'recompute'], ['offload.activations', 'offload']] },
  { title: 'Machine', keys: [
    ['cluster.network.nic', 'NIC'], ['cluster.domain.gpus', 'NVLink domain'], ['cluster.accelerator.memory', 'memory'],
    ['cluster.price.gpu_hour', '$ per GPU-hour'] ] },
];

/** Largest values that are offered; a degree beyond may be written into the address. */
const MOST = {
  'parallelism.tensor': 64, 'parallelism.context': 64, 'parallelism.pipeline': 64, 'parallelism.virtual_stages': 16,
  'parallelism.expert': 512, 'parallelism.expert_tensor': 16, 'training.micro_batch': 16, 'cluster.domain.gpus': 576,
};

const LADDERS = {
  'offload.activations': ['0', '0.25', '0.5', '0.75', '1'],
  'cluster.network.nic': ['100 Gbit/s', '200 Gbit/s', '400 Gbit/s', '800 Gbit/s', '1600 Gbit/s'],
  'cluster.accelerator.memory': ['80 GB', '141 GB', '192 GB', '288 GB'],
  'cluster.domain.gpus': ['8', '16', '32', '64', '72', '144'],
  'parallelism.zero': ['0', '1', '2', '3'],
  'recompute.mode': ['none', 'selective', 'full'],
};

/** Keys whose number is free: written, not chosen. */
const FREE = new Set(['training.global_batch', 'cluster.price.gpu_hour']);

function doubles(from, most) {
  const list = [];
  for (let value = from; value <= most; value *= 2) list.push(String(value));
  return list;
}

function isNumber(text) {
  return /^-?[0-9.]+(e[+-]?[0-9]+)?$/i.test(text);
}

/** Like numbers are one: "1.0" and "1". */
export function same(a, b) {
  if (String(a) === String(b)) return true;
  return isNumber(String(a)) && isNumber(String(b)) && Number(a) === Number(b);
}

function size(text) {
  const units = { k: 1e3, M: 1e6, G: 1e9, T: 1e12 };
  const match = /^([0-9.e+]+)\s*([kMGT]?)(i?)/.exec(text);
  return match ? Number(match[1]) * (match[3] ? 1024 ** ' kMGT'.indexOf(match[2]) : units[match[2]] ?? 1) : Infinity;
}

/** The list with `value` in its place by size. */
function withValue(list, value) {
  if (!value || list.some((item) => same(item, value))) return list;
  return [...list, String(value)].sort((a, b) => size(a) - size(b));
}

/** Values that a key is offered with: what its schema lists, else a ladder with the run's own and the chosen value in it.
 * Empty: the value is written. */
export function candidates(key, schema, own, value) {
  if (FREE.has(key)) return [];
  if (schema?.kind === 'flag' || own === 'true' || own === 'false') return ['false', 'true'];
  if (schema?.words?.length) return schema.words;
  const ladder = LADDERS[key] ?? (key in MOST ? doubles(Math.max(schema?.minimum ?? 1, 1), MOST[key]) : []);
  return withValue(withValue(ladder, own), value);
}

/** Schemas of keys by the words that the door "list" tells, for a program whose door has no schema. */
export function ofWords(lists) {
  const precisions = allKeys().filter((key) => key.startsWith('training.precision.')).map((key) => [key, { kind: 'word', words: lists.precisions }]);
  return new Map([['parallelism.schedule', { kind: 'word', words: lists.schedules }], ...precisions]);
}

/** Values beside the chosen one: {lower, higher}, either may be null. For words and switches every other one is a step. */
export function neighbours(list, value) {
  const at = list.findIndex((item) => same(item, value));
  return { lower: at > 0 ? list[at - 1] : null, higher: at >= 0 && at + 1 < list.length ? list[at + 1] : null };
}

/** Whether a value was tried and is legal; `legal` is what the door "check" says of values by key. */
export function isLegal(legal, key, value) {
  return legal?.[key]?.some((t) => same(t.value, value) && t.legal) ?? false;
}

/** The legal value nearest to one that is not, by its place in the list; null when none is legal. */
export function nearestLegal(list, value, isLegal) {
  const at = list.findIndex((item) => same(item, value));
  const legal = list.map((item, i) => [Math.abs(i - at), i, item]).filter(([, , item]) => isLegal(item));
  legal.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return legal.length ? legal[0][2] : null;
}

export function allKeys() {
  return GROUPS.flatMap((group) => group.keys.map(([key]) => key));
}
