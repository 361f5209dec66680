// The page's modules that need no browser: what they promise, and what breaks when they do not keep it.
import assert from 'node:assert/strict';
import test from 'node:test';

const page = new URL('../../page', import.meta.url).pathname;
const load = (name) => import(`${page}/${name}.js`);
const { amount, bytes, days, dollars, duration, group, number, percent, quantity, seconds, signed } = await load('format');
const state = await load('state');
const { events } = await load('api');
const { spread, training } = await load('economy');
const causes = await load('causes');
const scales = await load('scales');
const keys = await load('keys');
const controls = await load('controls');
const { chosen, legend } = await load('memory');
const scale = await load('scale');
const heat = await load('heat');
const steps = await load('steps');
const spans = await load('spans');
const drop = await load('drop');
const out = await load('export');
const { Round } = await load('refresh');
const { tiles } = await load('headline');

test('numbers keep their meaning and lose their noise', () => {
  assert.equal(number(6.6692871), '6.669');
  assert.equal(number(2.5), '2.5');
  assert.equal(number(0.000123456), '0.0001235');
  assert.equal(number(134217728), '134,217,728');
  assert.equal(number(0), '0');
  assert.equal(number(NaN), '–');
  assert.equal(group(8192), '8,192');
  assert.equal(percent(0.2211), '22.1 %');
  assert.equal(quantity(552.9e12, 'FLOP/s'), '552.9 TFLOP/s');
  assert.equal(bytes(99924784143.8), '99.92 GB');
  assert.equal(seconds(6.669), '6.669 s');
  assert.equal(seconds(0.5305), '530.5 ms');
  assert.equal(seconds(1e-6), '1 µs');
  assert.equal(days(17.25), '17.3 d');
  assert.equal(dollars(15400000), '$15.4 M');
  assert.equal(signed('-3'), '−3');
  assert.equal(signed('3'), '+3');
});

test('amounts are read as the command line reads them', () => {
  assert.equal(amount('30T'), 30e12);
  assert.equal(amount('14.8e12'), 14.8e12);
  assert.equal(amount('8k'), 8000);
  assert.equal(amount('8,192'), 8192);
  for (const text of ['', 'x', '3 x', '-1', undefined]) assert.ok(Number.isNaN(amount(text)));
  assert.equal(duration('90d'), 90 * 86400);
  assert.equal(duration('12 h'), 43200);
  assert.equal(duration('30'), 30 * 86400);
  assert.ok(Number.isNaN(duration('soon')));
});

test('an address says the state, and only what differs', () => {
  assert.equal(state.encode(state.fresh()), 'run=mai-base-1/v5');
  const changed = { ...state.fresh('deepseek-v3'), gpus: '4096', scaling: 'strong', tokens: '30T',
    set: { 'parallelism.expert': '32', 'cluster.network.nic': '800 Gbit/s' } };
  assert.deepEqual(state.decode(`#${state.encode(changed)}`), changed);
  const text = { ...state.fresh('mine'), text: 'extends: a\ntitle: "ä & # = +"\n' };
  assert.deepEqual(state.decode(state.encode(text)), text);
});

test('an address of somebody else changes nothing but the state', () => {
  const odd = state.decode('#run=&set.__proto__=1&set.a%20b=1&set.=2&other=3&scaling=odd&set.a.b=1');
  assert.deepEqual(odd, { ...state.fresh(), set: { 'a.b': '1' } });
  assert.equal({}.a, undefined);
});

test('the token leaves the address', () => {
  assert.deepEqual(state.takeToken('#token=abc&run=a/b'), { token: 'abc', hash: 'run=a/b' });
  assert.deepEqual(state.takeToken(''), { token: null, hash: '' });
});

test('a request says what the state says', () => {
  const s = { ...state.fresh('a'), gpus: '64', set: { x: '1' } };
  assert.deepEqual(state.request(s, { samples: 8, set: { y: '2' } }),
    { run: 'a', gpus: 64, scaling: 'weak', set: { x: '1', y: '2' }, samples: 8 });
  assert.deepEqual(state.request({ ...state.fresh('a'), text: 'b: 1' }), { run: { text: 'b: 1' }, name: 'a', scaling: 'weak' });
});

test('going back to the own value is no difference', () => {
  const s = state.change(state.fresh(), 'a.b', '2', '1');
  assert.deepEqual(s.set, { 'a.b': '2' });
  assert.deepEqual(state.change(s, 'a.b', '1', '1').set, {});
});

test('the command can be pasted into a shell', () => {
  const s = { ...state.fresh('mai-base-1/v5'), variant: 'before', set: { 'cluster.network.nic': "8' Gbit/s", 'a.b': '1' } };
  assert.equal(state.commandLine(s),
    "moesim run models/mai-base-1/v5.yaml --variant before --scaling weak --set a.b=1 --set 'cluster.network.nic=8'\\'' Gbit/s'");
});

test('events are taken whole from a stream that comes in pieces', () => {
  const text = 'event: progress\ndata: {"done": 1}\n\nevent: answer\ndata: {\ndata:   "a": 1\ndata: }\n\n';
  let rest = '', list = [];
  for (const letter of text) {
    const taken = events(rest + letter);
    list = list.concat(taken.events);
    rest = taken.rest;
  }
  assert.equal(rest, '');
  assert.deepEqual(list.map((e) => e.event), ['progress', 'answer']);
  assert.deepEqual(JSON.parse(list[1].data), { a: 1 });
});

const result = { tokens_per_s: 1e12 / 86400, step_time_s: 2, gpus: 8, tokens_per_s_per_gpu: 1,
  economy: { dollars_per_trillion_tokens: 1e6, mwh_per_trillion_tokens: 240, price_gpu_hour_dollars: 2 },
  interval: { step_time_p10_s: 1, step_time_p90_s: 4, mfu_causal_p10: 0.1, mfu_causal_p90: 0.4, mfu_full_p10: 0.2, mfu_full_p90: 0.5 },
  mfu: { causal: 0.2, full: 0.25 }, published: { mfu: 0.25, convention: 'full', step_time_s: null },
  memory: { peak_bytes: 1e9, capacity_bytes: 2e9, fits: true } };

test('a training is as long as its tokens', () => {
  assert.deepEqual(training(result, 2e12), { days: 2, dollars: 2e6, mwh: 480, mw: 10 });
  assert.equal(training(result, 2e12, 2).days, 4);
  assert.ok(Number.isNaN(training({ ...result, economy: {} }, 2e12).dollars));
  assert.deepEqual(spread(result), [0.5, 2]);
  assert.equal(spread({ ...result, interval: undefined }), null);
});

test('the headline compares like with like', () => {
  const list = tiles(result, 2e12, 86400);
  assert.equal(list[0].name, 'MFU (full)');
  assert.equal(list[0].value, '25.0 %'); /* published in the full convention: predicted in it, too */
  assert.equal(list[0].range, '20.0\u00a0% – 50.0\u00a0%'); /* it breaks between its ends only */
  assert.equal(list[0].published, '25.0 %');
  assert.ok(list[2].warn); /* two days, one allowed */
  assert.equal(list.length, 7);
  const none = tiles({ ...result, published: { mfu: null, convention: null }, interval: undefined }, 2e12, NaN);
  assert.equal(none[0].published, '');
  assert.equal(none[0].range, '');
});

test('a default in words is no value', () => {
  const of = controls.defaultOf;
  assert.equal(of({ kind: 'integer', default: '1' }), '1');
  assert.equal(of({ kind: 'integer', default: 'as layout says, else 1' }), '1');
  assert.equal(of({ kind: 'integer', default: 'as many as there are' }), undefined);
  assert.equal(of({ kind: 'word', words: ['bf16', 'fp8'], default: 'as gemm' }), undefined);
  assert.equal(of({ kind: 'word', words: ['bf16', 'fp8'], default: 'bf16' }), 'bf16');
  assert.equal(of({ kind: 'word', words: ['none', '1f1b'], default: 'none with one stage, else 1f1b' }), undefined);
  assert.equal(of({ kind: 'flag', default: 'false' }), 'false');
  assert.equal(of(undefined), undefined);
  const said = { kind: 'word', words: ['bf16', 'fp8'], default: 'as gemm' };
  const [group] = controls.describe({ set: {} }, new Map([['training.precision.wgrad', said]]), new Map()).filter((g) => g.title === 'Precision');
  const wgrad = group.controls.find((c) => c.key === 'training.precision.wgrad');
  assert.deepEqual([wgrad.value, wgrad.otherwise, wgrad.list], [undefined, 'as gemm', ['bf16', 'fp8']]);
});

test('parts of a step sum to it', () => {
  const time = { math: 1, bubble: 0, host: 2, data: 0.5 };
  assert.deepEqual(causes.parts(time).map((p) => p.word), ['math', 'host', 'data']);
  const values = causes.shapley({ step_time_s: 4, causes: [{ cause: 'host', share_s: 1 }, { cause: 'data', share_s: 2 }, { cause: 'bubble', share_s: 0 }] });
  assert.deepEqual(values, [{ word: 'math', seconds: 1 }, { word: 'data', seconds: 2 }, { word: 'host', seconds: 1 }]);
});

/* Relative luminance, as WCAG 2.2 defines it. */
function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
}

test('causes are told apart in grey, and their words can be read on them', () => {
  for (const [word, , fill] of causes.CAUSES) assert.ok(contrast(fill, causes.ink(word)) >= 4.5, word);
  for (let i = 1; i < causes.CAUSES.length; i++) {
    const [a, b] = [causes.CAUSES[i - 1], causes.CAUSES[i]];
    assert.ok(contrast(a[2], b[2]) >= 2, `${a[0]} beside ${b[0]}`);
  }
});

test('ticks are round and inside', () => {
  assert.deepEqual(scales.ticks(0, 6.67, 6), [0, 2, 4, 6]);
  assert.deepEqual(scales.ticks(0.1, 0.3, 4), [0.1, 0.15, 0.2, 0.25, 0.3].filter((t) => scales.ticks(0.1, 0.3, 4).includes(t)));
  assert.deepEqual(scales.ticks(1, 1), [1]);
  assert.deepEqual(scales.around(8192, 2), [2048, 4096, 8192, 16384, 32768]);
  assert.deepEqual(scales.around(2, 3), [1, 2, 4, 8, 16]);
  assert.equal(scales.logarithmic(1, 100, 0, 10)(10), 5);
});

test('offered values have the own and the chosen one among them, in order', () => {
  const integer = { kind: 'integer', minimum: 1 };
  assert.deepEqual(keys.candidates('parallelism.tensor', integer, '6', '3'), ['1', '2', '3', '4', '6', '8', '16', '32', '64']);
  assert.deepEqual(keys.candidates('cluster.accelerator.memory', {}, '184.31 GiB', undefined),
    ['80 GB', '141 GB', '192 GB', '184.31 GiB', '288 GB']);
  assert.deepEqual(keys.candidates('offload.activations', {}, '1.0', '0.5'), ['0', '0.25', '0.5', '0.75', '1']);
  assert.deepEqual(keys.candidates('x', { kind: 'flag' }), ['false', 'true']);
  assert.deepEqual(keys.candidates('x', { kind: 'word', words: ['a', 'b'] }), ['a', 'b']);
  assert.deepEqual(keys.candidates('x', undefined, 'true'), ['false', 'true']);
  const words = keys.ofWords({ precisions: ['bf16', 'fp8'], schedules: ['none', '1f1b'] });
  assert.deepEqual(keys.candidates('training.precision.gemm', words.get('training.precision.gemm'), 'fp8'), ['bf16', 'fp8']);
  assert.deepEqual(keys.candidates('training.global_batch', integer, '8192'), []);
});

test('the nearest legal value is the nearest in the list', () => {
  const list = ['1', '2', '4', '8', '16'];
  assert.equal(keys.nearestLegal(list, '8', (v) => v === '1' || v === '4'), '4');
  assert.equal(keys.nearestLegal(list, '8', () => false), null);
  assert.deepEqual(keys.neighbours(list, '4'), { lower: '2', higher: '8' });
  assert.deepEqual(keys.neighbours(list, '1'), { lower: null, higher: '2' });
});

test('of many stages those are drawn that say most, the fullest among them', () => {
  const stages = Array.from({ length: 64 }, (_, stage) => ({ stage, peak_bytes: stage === 37 ? 2 : 1 }));
  const list = chosen(stages, 8);
  assert.ok(list.length <= 9);
  assert.ok(list.some((s) => s.stage === 37));
  assert.equal(list[0].stage, 0);
  assert.equal(list.at(-1).stage, 63);
});

test('names of parts go on in the next line where there is no room', () => {
  const parts = { weights: 1, gradients: 1, optimizer: 1, activations: 1, workspace: 0, allocator: 1, system: 1 };
  assert.deepEqual([...new Set(legend(parts, 1000).map((name) => name.line))], [0]);
  const narrow = legend(parts, 360);
  assert.equal(narrow.length, 6);
  assert.ok(narrow.at(-1).line > 0);
  for (const { part, x } of narrow) assert.ok(x + 24 + part.length * 7.2 <= 360, part);
});

const point = (gpus, causal, fits = true) => ({ gpus, mfu: { causal }, memory: { fits } });

test('sizes that cannot be are left out of the curve', () => {
  const list = scale.points([point(16, 0.2), { set: {}, error: 'no' }, point(8, 0.3, false)], 16, [0.5, 2]);
  assert.deepEqual(list, [{ x: 8, y: 0.3, fits: false, own: false, high: 0.6, low: 0.15 }, { x: 16, y: 0.2, fits: true, own: true, high: 0.4, low: 0.1 }]);
  const interval = { samples: 8, mfu_causal_p10: 0.1, mfu_causal_p90: 0.25 };
  const [own] = scale.points([{ ...point(16, 0.2), interval }], 16, [0.5, 2]);
  assert.deepEqual([own.low, own.high], [0.1, 0.25]); /* its own band, not that of the size looked at */
  const [bare] = scale.points([{ ...point(16, 0.2), interval: { ...interval, samples: 1 } }], 16, [0.5, 2]);
  assert.deepEqual([bare.low, bare.high], [0.1, 0.4]); /* one of the model's own error alone is not that of the other sizes */
  assert.deepEqual(scale.others(16), [32, 8, 64, 4, 128, 2]);
  assert.deepEqual(scale.statedPoints({ gpus: 8, published: { mfu: 0.4, convention: 'causal' } }), [{ x: 8, y: 0.4 }]);
  assert.deepEqual(scale.statedPoints({ gpus: 8, published: { mfu: 0.4, convention: 'full' } }), []); /* another yardstick */
});

test('the window of a key holds its chosen value', () => {
  const list = ['1', '2', '4', '8', '16', '32', '64', '128', '256'];
  for (const value of list) assert.ok(heat.window(list, value).includes(value));
  assert.equal(heat.window(list, '64').length, 6);
  const answer = [{ set: { a: 1, b: 2 }, mfu: 1 }, { set: { a: '1', b: '4' }, mfu: 2 }];
  assert.equal(heat.pointAt(answer, { key: 'a' }, { key: 'b' }, '1', '4').mfu, 2);
});

test('steps are legal ones, one down and one up', () => {
  const control = { key: 'k', label: 'k', value: '4', list: ['1', '2', '4', '8'] };
  const legal = { k: [{ value: '2', legal: true }, { value: '8', legal: false }] };
  assert.deepEqual(steps.steps([control], legal).map((s) => s.to), ['2']);
  const words = { key: 'w', label: 'w', value: 'a', list: ['a', 'b', 'c', 'd'] };
  const all = { ...legal, w: ['b', 'c', 'd'].map((value) => ({ value, legal: true })) };
  assert.deepEqual(steps.steps([words, control], all).map((s) => s.to), ['2', 'b', 'c']); /* numbers first, few words */
  assert.deepEqual(steps.steps([control], null), []);
  const moved = steps.movements([{ key: 'a', result: { mfu: { causal: 0.3 } } }, { key: 'a', result: { mfu: { causal: 0.21 } } },
    { key: 'b', result: { mfu: { causal: 0.2 } } }], { mfu: { causal: 0.2 } });
  assert.deepEqual(steps.ordered(['b', 'c', 'a', 'd'].map((key) => ({ key })), moved).map((s) => s.key), ['a', 'c', 'd', 'b']);
  const of = (causal, fits) => ({ to: `${causal}`, result: { mfu: { causal }, step_time_s: 1, memory: { peak_bytes: 1, fits } } });
  const list = steps.ranked([of(0.1, true), of(0.4, false), of(0.3, true)], { mfu: { causal: 0.2 }, step_time_s: 1, memory: { peak_bytes: 1 } });
  assert.deepEqual(list.map((s) => s.to), ['0.3', '0.1', '0.4']); /* what does not fit comes last, however fast */
  assert.deepEqual([{ gain: 0, time: 0, memory: 0 }, { gain: 0, time: 0, memory: 1 }].map((s) => steps.isIdle({ ...s, result: { memory: { fits: true } } })), [true, false]);
});

const timeline = { ranks: [{ rank: 0, stage: 0 }, { rank: 64, stage: 1 }], lanes: ['compute', 'network', 'idle'], names: ['gemm', 'norm'],
  passes: ['forward'], causes: ['math', 'peer_wait'],
  spans: { rank: [64, 0, 0, 0], lane: [0, 0, 0, 2], name: [0, 1, 0, 0], pass: [0, 0, 0, 0], cause: [0, 0, 0, 1], layer: [0, 0, 1, -1],
    micro_batch: [0, 0, 0, 0], start_s: [0, 2, 0, 1], end_s: [1, 3, 1, 2] } };

test('spans fall into lanes, in order of time; idle time is the ground', () => {
  const list = spans.lanes(timeline);
  assert.deepEqual(list.map((l) => [l.stage, l.name, l.index]), [[0, 'compute', [2, 1]], [1, 'compute', [0]]]);
  assert.equal(spans.firstAfter(list[0].index, timeline.spans.end_s, 1), 1);
  assert.equal(spans.firstAfter(list[0].index, timeline.spans.end_s, 0.5), 0);
  assert.equal(spans.firstAfter(list[0].index, timeline.spans.end_s, 9), 2);
});

test('the window of a timeline stays on the step', () => {
  assert.deepEqual(spans.pan([2, 4], -5, 10), [0, 2]);
  assert.deepEqual(spans.pan([2, 4], 50, 10), [8, 10]);
  assert.deepEqual(spans.zoom([0, 10], 0.5, 10, 10), [5, 10]);
  assert.deepEqual(spans.zoom([4, 6], 100, 5, 10), [0, 10]);
  const [from, to] = spans.zoom([4, 6], 1e-12, 5, 10);
  assert.ok(to - from >= 0.99e-6);
});

test('a trace has every span in microseconds', () => {
  const list = spans.trace(timeline).traceEvents.filter((e) => e.ph === 'X');
  assert.equal(list.length, 3);
  assert.deepEqual([list[1].name, list[1].ts, list[1].dur, list[1].pid], ['norm', 2e6, 1e6, 0]);
});

test('files are known by what they are', () => {
  assert.equal(drop.kindOf('config.json', '{"model_type": "llama"}'), 'hf');
  assert.equal(drop.kindOf('run.sh', 'python pretrain.py --num-layers 4'), 'megatron');
  assert.equal(drop.kindOf('a.yaml', 'architecture:\n  layers: 4 # as --num-layers 4\n'), 'run');
  assert.equal(drop.kindOf('a.toml', ''), 'torchtitan');
  assert.equal(drop.stem('C:\\x\\my model.v2.yaml'), 'my-model.v2');
  assert.equal(drop.stem('../../..'), 'run');
  assert.equal(drop.withoutComments('# a\nb: 1 # c\n  # d\ne: "#"\n'), 'b: 1 # c\ne: "#"\n');
});

test('an answer as CSV has every number under its path', () => {
  const text = out.csv([{ name: 'now', result: { a: { b: 1 }, c: 'x,"y' } }, { name: 'A', result: { a: { b: 2, d: null } } }]);
  assert.equal(text, 'key,now,A\na.b,1,2\nc,"x,""y",\na.d,,\n');
});

test('a question that panels share is asked once in a round, and its ranks are told in order', async () => {
  const told = [], round = new Round(2, (rank) => told.push(rank));
  let asked = 0;
  const ask = async () => { asked++; await new Promise((resolve) => { setTimeout(resolve, 5); }); return asked; };
  const answers = [];
  const task = async () => { answers.push(await round.once('q', ask)); };
  round.finally(async () => { answers.push('band'); });
  round.later(async () => { await task(); round.later(task); });
  round.later(task);
  round.idle(task);
  while (told.length < 3) await new Promise((resolve) => { setTimeout(resolve, 1); });
  assert.deepEqual(told, [0, 1, 2]);
  assert.equal(asked, 1);
  assert.equal(answers.filter((answer) => answer === 1).length, 4);
  assert.equal(new Set(Object.keys(state.request({ ...state.fresh(), set: { b: '1', a: '2' } }).set)).size, 2);
  assert.equal(JSON.stringify(state.request({ ...state.fresh(), set: { b: '1', a: '2' } })), JSON.stringify(state.request({ ...state.fresh(), set: { a: '2', b: '1' } })));
});

test('a round runs few at a time, and nothing after its end', async () => {
  const round = new Round(2);
  let busy = 0, most = 0, done = 0;
  const task = async () => {
    most = Math.max(most, ++busy);
    await new Promise((resolve) => { setTimeout(resolve, 5); });
    busy--;
    done++;
  };
  for (let i = 0; i < 6; i++) round.later(task);
  const until = async (holds) => { while (!holds()) await new Promise((resolve) => { setTimeout(resolve, 1); }); };
  await until(() => done === 6);
  assert.equal(most, 2);
  const order = [];
  for (const name of ['a', 'b', 'c']) round.idle(async () => { await task(); order.push(name); });
  for (const name of ['d', 'e']) round.later(async () => { await task(); order.push(name); });
  await until(() => order.length === 5);
  assert.deepEqual(order, ['a', 'b', 'd', 'e', 'c']); /* what can wait does */
  const late = [];
  round.finally(async () => { late.push('last'); });
  round.idle(async () => { await task(); late.push('idle'); });
  for (const name of ['f', 'g', 'h']) round.later(async () => { await task(); late.push(name); });
  await until(() => late.length === 5);
  assert.equal(late[0], 'last'); /* nothing else was there */
  late.length = 0;
  round.later(async () => { await task(); late.push('first'); });
  round.finally(async () => { late.push('last'); });
  round.idle(async () => { await task(); late.push('idle'); });
  await until(() => late.length === 3);
  assert.equal(late[2], 'last');
  done = 6;
  const failures = [];
  round.later(async () => { throw new Error('said'); }, (error) => failures.push(error.message));
  await until(() => failures.length === 1);
  for (let i = 0; i < 6; i++) round.later(async () => { await task(); throw new Error('late'); }, (error) => failures.push(error.message));
  round.end();
  await until(() => busy === 0);
  await new Promise((resolve) => { setTimeout(resolve, 20); });
  assert.equal(done, 8); /* two had begun */
  assert.deepEqual(failures, ['said']); /* and nobody hears of them */
});
