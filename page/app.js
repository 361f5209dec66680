// The page: elements to the session and back.
import { ask, list, setToken } from './api.js';
import { $, h, put } from './dom.js';
import * as drop from './drop.js';
import * as out from './export.js';
import { amount, percent, seconds } from './format.js';
import { gpusOfSlider } from './controls.js';
import { debounce, Panels } from './refresh.js';
import { ofWords } from './keys.js';
import * as search from './search.js';
import { Session } from './session.js';
import { trace } from './spans.js';
import { commandLine, decode, differences, encode, fresh, takeToken } from './state.js';
import { openInPerfetto, timelineOf } from './timeline.js';

const page = { session: null, server: null, models: [], timeline: null, answer: null, search: null };

/* ---- the address ---- */

function authorize() {
  const { token, hash } = takeToken(location.hash);
  if (token) {
    sessionStorage.setItem('token', token);
    history.replaceState(null, '', hash ? `#${hash}` : location.pathname);
  }
  setToken(token ?? sessionStorage.getItem('token'));
}

/** A new state: into the address, so that "back" leads to the one before. */
function change(state) {
  const hash = `#${encode(state)}`;
  if (hash !== location.hash) history.pushState(null, '', hash);
  page.session.go(state);
  drawPick(state);
}

function follow() {
  const state = decode(location.hash);
  page.session.go(state);
  drawPick(state);
}

/* ---- what is looked at ---- */

function option(value, text, selected) {
  return h('option', { value, text, selected });
}

function drawPick(state) {
  const model = page.models.find((m) => m.name === state.run), names = page.models.map((m) => m.name);
  if (state.text || !model) names.unshift(state.run);
  put('model', names.map((name) => option(name, name, name === state.run)));
  const variants = model?.variants ?? [];
  $('variant-line').hidden = variants.length === 0 || Boolean(state.text);
  put('variant', option('', variants.length ? `${variants.at(-1)} (last)` : '', !state.variant),
    variants.slice(0, -1).map((name) => option(name, name, name === state.variant)));
  put('cluster', option('', `${model?.cluster ?? 'as the run says'}`, !state.cluster), page.server.clusters.map((c) => option(c, c, c === state.cluster)));
  put('stack', option('', `${model?.stack ?? 'as the run says'}`, !state.stack), page.server.stacks.map((c) => option(c, c, c === state.stack)));
  for (const radio of document.getElementsByName('scaling')) radio.checked = radio.value === state.scaling;
  for (const id of ['tokens', 'deadline']) if (document.activeElement !== $(id)) $(id).value = state[id];
  drawWhat();
}

function drawWhat() {
  const { state, own } = page.session;
  const changed = differences(state);
  $('what').textContent = `${own.get('title') ?? state.run}${changed ? ` – ${changed}` : ''}`;
  document.title = `${state.run}${changed ? ` (${changed})` : ''} – moesim`;
}

/** `verdict`: of the door "check", with the key to blame and the nearest legal value; null while it is not known. */
function refused(error, verdict) {
  const key = verdict?.error?.key, nearest = verdict?.nearest;
  put('error', h('p', { text: verdict?.error?.message ?? error.message }),
    key && nearest && h('button', { type: 'button', onclick: () => page.session.turn(key, nearest), text: `use ${key.split('.').pop()} ${nearest}` }),
    h('button', { type: 'button', onclick: () => history.back(), text: 'back' }));
}

function toast(text, ms = 4000) {
  $('toast').textContent = text;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { $('toast').textContent = ''; }, ms);
}

/* ---- elements ---- */

function listenToPick() {
  const state = () => page.session.state;
  $('model').onchange = (e) => change({ ...fresh(e.target.value), tokens: state().tokens, deadline: state().deadline });
  $('variant').onchange = (e) => change({ ...state(), variant: e.target.value });
  $('cluster').onchange = (e) => change({ ...state(), cluster: e.target.value });
  $('stack').onchange = (e) => change({ ...state(), stack: e.target.value });
  $('reset').onclick = () => change({ ...fresh(state().run, state().variant), text: state().text });
  const slide = debounce((gpus) => change({ ...state(), gpus: String(gpus) }), 60);
  $('gpus-slider').oninput = (e) => { $('gpus').value = gpusOfSlider(e.target.value); slide(gpusOfSlider(e.target.value)); };
  $('gpus').onchange = (e) => {
    const gpus = amount(e.target.value);
    if (gpus >= 1) change({ ...state(), gpus: String(Math.round(gpus)) });
    else toast('GPUs: expected a whole number, such as 8192 or 8k');
  };
  for (const radio of document.getElementsByName('scaling')) radio.onchange = () => change({ ...state(), scaling: radio.value });
  for (const id of ['tokens', 'deadline']) $(id).onchange = (e) => change({ ...state(), [id]: e.target.value.trim() });
}

function pin(name) {
  const { session } = page;
  if (!session.result) return;
  session.pins.set(name, { name, label: `${session.state.run} ${differences(session.state)}: MFU ${percent(session.result.mfu.causal)}, ${seconds(session.result.step_time_s)}`,
    result: session.result });
  session.drawWaterfall();
  toast(`kept as ${name}`);
}

function listenToPins() {
  for (const button of document.querySelectorAll('[data-pin]')) button.onclick = () => pin(button.dataset.pin);
  $('unpin').onclick = () => { page.session.pins.clear(); page.session.drawWaterfall(); };
  for (const radio of document.getElementsByName('attribution')) radio.onchange = () => {
    const { session } = page;
    session.shapley = radio.value === 'shapley';
    session.drawWaterfall();
    if (session.shapley && !session.explanation) {
      $('waterfall-note').textContent = 'computing Shapley values …';
      session.round.later((signal) => session.explain(signal), (error) => toast(error.message));
    }
  };
  addEventListener('keydown', (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA|CANVAS)$/.test(event.target.tagName) && event.target.type !== 'radio';
    if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey && /^[abc]$/.test(event.key)) pin(event.key.toUpperCase());
  });
}

/* ---- taking along ---- */

const stem = () => drop.stem(page.session.state.run.replaceAll('/', '-'));

/** Into the folder of the server where it has one, else to the person. */
async function save(name, text, type) {
  if (!page.server.save) return out.download(name, text, type);
  const answer = await ask('save', { name, text });
  return toast(`saved as ${answer.saved}`);
}

function results() {
  return page.session.slots().map(({ name, result }) => ({ name, result }));
}

function sections() {
  const of = (id) => [...document.querySelectorAll(`#${id} > svg, #${id} > table`)];
  return [['Where the step goes', 'waterfall'], ['Memory per stage', 'memory'], ['Scale', 'scale'], ['One step of each control', 'steps'],
    ['Assumptions', 'assumptions'], ['Two keys', 'heat'], ['Best layouts', 'search']]
    .map(([heading, id]) => ({ heading, content: of(id) })).filter((section) => section.content.length);
}

function listenToExports() {
  const tell = (task) => async () => { try { await task(); } catch (error) { toast(error.message); } };
  const { session } = page;
  $('copy-command').onclick = tell(async () => { await out.copy(commandLine(session.state)); toast('the command is in the clipboard'); });
  $('copy-link').onclick = tell(async () => { await out.copy(location.href); toast('the link is in the clipboard'); });
  $('save-yaml').onclick = tell(async () => save(`${stem()}.yaml`, (await ask('show', session.request())).yaml, 'application/yaml'));
  $('save-csv').onclick = tell(() => save(`${stem()}.csv`, out.csv(results()), 'text/csv'));
  $('save-png').onclick = tell(async () => out.download(`${stem()}.png`, await out.png([...document.querySelectorAll('#waterfall svg, #memory svg, #scale svg')],
    getComputedStyle(document.body).backgroundColor)));
  $('save-report').onclick = tell(() => save(`${stem()}.html`, out.report(document.title, commandLine(session.state), sections()), 'text/html'));
  $('perfetto').onclick = () => page.answer && openInPerfetto(trace(page.answer), stem());
  $('save-trace').onclick = tell(() => page.answer && out.download(`${stem()}-trace.json`, JSON.stringify(trace(page.answer)), 'application/json'));
  $('search-start').onclick = () => {
    page.search?.abort();
    page.search = new AbortController();
    search.run(session.state, $('search-budget').value, page.search, (set) => session.turnAll(set));
  };
}

async function take(name, text) {
  const { session } = page, kind = drop.kindOf(name, text);
  try {
    const made = kind === 'run' ? { run: text, notes: [] } : await ask('convert', drop.question(name, text, kind, session.state, session.own));
    change({ ...fresh(drop.stem(name)), text: drop.withoutComments(made.run) });
    toast([`${name} as ${kind === 'run' ? 'a run' : `a ${kind} configuration`}`, ...made.notes].join('; '), 12000);
  } catch (error) {
    refused(error, null);
  }
}

function listenToTheme() {
  const themes = ['', 'light', 'dark'], set = (theme) => { document.documentElement.dataset.theme = theme; localStorage.setItem('theme', theme); };
  set(localStorage.getItem('theme') ?? '');
  $('theme').onclick = () => {
    set(themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length]);
    page.timeline.draw();
  };
}

/* ---- beginning ---- */

async function begin() {
  authorize();
  const [server, lists] = await Promise.all([list(), ask('list', {})]);
  const schema = server.doors.includes('schema') ? new Map((await ask('schema', { of: 'run' })).keys.map((key) => [key.key, key])) : ofWords(lists);
  page.server = { ...server, clusters: lists.clusters, stacks: lists.stacks };
  page.models = lists.models;
  page.timeline = timelineOf('timeline', (from, to) => page.session.timeline(from, to));
  page.session = new Session(schema, { change, refused, what: drawWhat,
    timeline: (answer) => { page.answer = answer; page.timeline.show(answer); } });
  page.session.panels = new Panels({ scale: $('p-scale'), steps: $('p-steps'), assumptions: $('p-assumptions'), heat: $('p-heat'), timeline: $('p-timeline') },
    (name) => page.session.compute(name));
  listenToPick();
  listenToPins();
  listenToExports();
  listenToTheme();
  drop.listen($('file'), take);
  addEventListener('popstate', follow);
  addEventListener('resize', debounce(() => page.session.redraw(), 100));
  follow();
}

/** A server that others can reach: whoever has no token in the address is asked for it. */
function askForToken() {
  $('enter').hidden = false;
  $('enter').onsubmit = (event) => {
    event.preventDefault();
    sessionStorage.setItem('token', $('token').value.trim());
    location.reload();
  };
  $('token').focus();
}

begin().catch((error) => {
  $('what').textContent = error.message;
  document.body.classList.add('refused');
  if (error.status === 401) askForToken();
});
