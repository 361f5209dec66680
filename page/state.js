// What is looked at: a run and the differences from it. Everything else on the page follows from it, and the address
// says it.

/** A run as its file says it. */
export function fresh(run = 'mai-base-1/v5', variant = '') {
  return { run, variant, text: null, cluster: '', stack: '', gpus: '', scaling: 'weak', set: {}, tokens: '', deadline: '' };
}

const PLAIN = ['variant', 'cluster', 'stack', 'gpus', 'tokens', 'deadline'];

/** Part of the address behind '#': only what differs from the run. */
export function encode(state) {
  const words = new URLSearchParams();
  words.set('run', state.run);
  for (const key of PLAIN) if (state[key]) words.set(key, state[key]);
  if (state.scaling !== 'weak') words.set('scaling', state.scaling);
  for (const key of Object.keys(state.set).sort()) words.set(`set.${key}`, String(state.set[key]));
  if (state.text) words.set('text', state.text);
  return words.toString().replaceAll('%2F', '/');
}

/** The state that an address says; what it does not know is left out. */
export function decode(hash) {
  const words = new URLSearchParams(hash.replace(/^#/, ''));
  const state = fresh(words.get('run') || undefined);
  for (const key of PLAIN) state[key] = words.get(key) ?? '';
  if (words.get('scaling') === 'strong') state.scaling = 'strong';
  state.text = words.get('text');
  for (const [key, value] of words) if (key.startsWith('set.') && isKey(key.slice(4))) state.set[key.slice(4)] = value;
  return state;
}

function isKey(text) {
  return /^[a-z0-9_]+(\.[A-Za-z0-9_-]+)*$/.test(text);
}

/** The token of an address, and the address without it. */
export function takeToken(hash) {
  const words = new URLSearchParams(hash.replace(/^#/, ''));
  const token = words.get('token');
  words.delete('token');
  return { token, hash: words.toString().replaceAll('%2F', '/') };
}

/** The request of a state to any door about a run; `more` is added. The same state has the same text, in whatever order it was come
 * to: the server keeps answers by it. */
export function request(state, more = {}) {
  const asked = { run: state.text ? { text: state.text } : state.run };
  if (state.text) asked.name = state.run;
  for (const key of ['variant', 'cluster', 'stack']) if (state[key]) asked[key] = state[key];
  if (state.gpus) asked.gpus = Number(state.gpus);
  asked.scaling = state.scaling;
  const set = Object.fromEntries(Object.entries({ ...state.set, ...more.set }).sort(([a], [b]) => (a < b ? -1 : 1)));
  if (Object.keys(set).length) asked.set = set;
  return { ...asked, ...more, ...(Object.keys(set).length ? { set } : {}) };
}

/** The state with one key of the run changed; the value of the run itself takes the difference back. */
export function change(state, key, value, own) {
  const set = { ...state.set };
  if (String(value) === String(own)) delete set[key];
  else set[key] = value;
  return { ...state, set };
}

/** What differs from the run, in words: "expert 32, gpus 4096". */
export function differences(state) {
  const list = [];
  for (const key of ['cluster', 'stack']) if (state[key]) list.push(state[key]);
  if (state.gpus) list.push(`${state.gpus} GPUs${state.scaling === 'strong' ? ', strong' : ''}`);
  for (const key of Object.keys(state.set).sort()) list.push(`${key.split('.').pop()} ${state.set[key]}`);
  return list.join(', ');
}

function quote(word) {
  return /^[A-Za-z0-9_./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The command that prints the same numbers. */
export function commandLine(state, command = 'run') {
  const words = ['moesim', command, state.text ? `${state.run}.yaml` : `models/${state.run}.yaml`];
  for (const key of ['variant', 'cluster', 'stack', 'gpus']) if (state[key]) words.push(`--${key}`, String(state[key]));
  words.push('--scaling', state.scaling);
  for (const key of Object.keys(state.set).sort()) words.push('--set', `${key}=${state.set[key]}`);
  return words.map(quote).join(' ');
}
