// What is known of the state that is looked at, and how it is found out.
import { ask } from './api.js';
import * as assumptions from './assumptions.js';
import * as heat from './heat.js';
import * as scale from './scale.js';
import { $, put } from './dom.js';
import { amount, duration } from './format.js';
import { Round, perFrame } from './refresh.js';
import { isLegal } from './keys.js';
import { change, request } from './state.js';
import * as controls from './controls.js';
import * as headline from './headline.js';
import * as memory from './memory.js';
import * as steps from './steps.js';
import * as waterfall from './waterfall.js';

const WIDTH = Math.min(Math.max(navigator.hardwareConcurrency ?? 2, 2), 5); /* questions at once; browsers keep six connections */
const OPENED = new Set(['heat', 'timeline']); /* panels that somebody opens */
const SAMPLES = 8;      /* combinations of the assumptions behind P10 and P90 */
const TIMES = ['pageMs', 'stepsMs', 'doneMs']; /* what is known of each rank of work */
const SPANS = 150000;   /* of a timeline that are drawn at once */
const FIRST = 10;       /* steps of controls that are tried before what can wait: those that moved most before */
const TOKENS = 1e12;    /* of a training whose run does not say */

export class Session {
  /** `on`: {change(state), what(), timeline(answer)} */
  constructor(schema, on) {
    this.schema = schema;
    this.on = on;
    this.own = new Map();
    this.legal = null;
    this.result = null;
    this.explanation = null;
    this.shapley = false;
    this.pins = new Map();
    this.moved = new Map();
    this.sizes = null; /* predictions by number of GPUs; null: not asked for yet */
    this.round = new Round();
    this.drawSizes = perFrame(() => this.sizes && scale.draw(this.sizes, this.sizesLeft, this.result, this.state.scaling, this.pickSize));
  }

  /** Looks at another state. */
  go(state) {
    this.begun = performance.now();
    this.state = state;
    this.round.end();
    for (const word of TIMES) delete document.documentElement.dataset[word];
    this.round = new Round(WIDTH, (rank) => this.tell(rank));
    this.sizes = null;
    this.explanation = null;
    this.legal = null;
    this.ready = false;
    this.panels.invalidate();
    document.body.classList.add('busy');
    this.drawControls();
    this.round.later((signal) => this.begin(signal), (error) => this.refused(error, null));
    this.round.later((signal) => this.look(signal));
  }

  /** Milliseconds from the change to what is seen, and to the last refinement, for who measures them. */
  tell(rank) {
    document.documentElement.dataset[TIMES[rank]] = (performance.now() - this.begun).toFixed(0);
  }

  /** The answer, if there can be one; then what belongs to it. */
  async begin(signal) {
    const verdict = await ask('check', request(this.state), signal);
    if (verdict.legal) {
      await this.answer(signal);
      this.round.later((s) => this.doubt(s));
    } else this.refused(verdict.error, verdict);
    this.round.later(() => this.check());
  }

  /** The prediction of a state: panels that ask for the same one share it, and the server keeps it for the next state. */
  predict(state, samples = 0) {
    const asked = request(state, samples ? { samples } : {});
    return this.round.once(JSON.stringify(asked), (signal) => ask('predict', asked, signal));
  }

  request() {
    return request(this.state);
  }

  turn(key, value) {
    this.on.change(change(this.state, key, value, this.own.get(key)));
  }

  turnAll(set) {
    this.on.change(Object.entries(set).reduce((state, [key, value]) => change(state, key, value, this.own.get(key)), this.state));
  }

  /* ---- questions ---- */

  async answer(signal) {
    const result = await this.predict(this.state);
    if (signal.aborted) return;
    this.result = result;
    put('error');
    document.body.classList.remove('busy', 'refused');
    this.drawAnswer();
    document.documentElement.dataset.answerMs = (performance.now() - this.begun).toFixed(0);
    this.ready = true;
    this.panels.wakeAll();
    if (this.shapley) this.round.later((s) => this.explain(s));
  }

  /** The run without what was turned: where "back" leads. At a size that it does not divide, as its file says it. */
  async look(signal) {
    const own = request({ ...this.state, set: {} }), asked = JSON.stringify(own);
    if (asked === this.looked) return;
    const legal = !this.state.gpus || (await ask('check', own, signal)).legal;
    const answer = await ask('show', legal ? own : request({ ...this.state, set: {}, gpus: '' }), signal);
    this.own = new Map(answer.values.map(({ key, value }) => [key, value]));
    this.looked = asked;
    this.drawControls();
    this.on.what();
    if (this.result) this.drawHeadline();
  }

  /** Which of the offered values are legal. */
  check() {
    return this.round.once('check', (signal) => this.findLegal(signal));
  }

  async findLegal(signal) {
    const tried = {};
    for (const group of this.groups()) for (const c of group.controls) if (c.list.length) tried[c.key] = c.list;
    const gpus = this.gpus();
    if (gpus > 0) tried.gpus = [gpus, ...scale.others(gpus)].map(String);
    this.legal = (await ask('check', request(this.state, { try: tried }), signal)).try;
    this.drawControls();
  }

  async doubt(signal) {
    const { interval } = await this.predict(this.state, SAMPLES);
    if (signal.aborted) return;
    this.result.interval = interval;
    this.drawHeadline();
    this.drawSizes();
  }

  async explain(signal) {
    this.explanation = await ask('explain', request(this.state), signal);
    this.drawWaterfall();
  }

  /* ---- panels ---- */

  compute(name) {
    const task = { scale: this.computeScale, steps: this.computeSteps, assumptions: this.computeAssumptions, heat: this.computeHeat,
      timeline: this.computeTimeline }[name];
    if (!this.ready) this.panels.stale.add(name); /* its answer wakes it */
    else this.round[OPENED.has(name) ? 'now' : 'later'](async (signal) => {
      if (!await task.call(this, signal)) this.panels.fresh(name);
    }, (error) => put(name, error.message));
  }

  pickSize = (gpus) => this.on.change({ ...this.state, gpus: String(gpus) });

  /** Each size is a prediction of its own, kept for the states in which it is asked again; its own band comes when all else is done. */
  async computeScale() {
    await this.check();
    const sizes = scale.others(this.result.gpus).filter((gpus) => isLegal(this.legal, 'gpus', gpus));
    this.sizes = [this.result];
    this.sizesLeft = sizes.length;
    for (const gpus of sizes) this.round.later(() => this.addSize({ ...this.state, gpus: String(gpus) }, this.sizes));
    this.drawSizes();
    return sizes.length > 0;
  }

  async addSize(state, sizes) {
    const result = await this.predict(state).catch(() => null); /* the layout alone is legal */
    if (sizes !== this.sizes) return;
    if (--this.sizesLeft === 0) this.panels.fresh('scale');
    if (result) sizes.push(result);
    this.drawSizes();
    if (result) this.round.finally(async () => {
      result.interval = (await this.predict(state, SAMPLES)).interval;
      this.drawSizes();
    });
  }

  async computeSteps() {
    await this.check();
    const list = steps.ordered(steps.steps(this.groups().flatMap((g) => g.controls), this.legal), this.moved), tried = [];
    const { result } = this, tell = perFrame(() => {
      if (result !== this.result) return;
      steps.draw(tried, result, list.length, (key, value) => this.turn(key, value));
      if (tried.length >= Math.min(FIRST, list.length)) this.panels.fresh('steps');
      for (const [key, moved] of steps.movements(tried, result)) this.moved.set(key, moved);
    });
    list.forEach((step, i) => this.round[i < FIRST ? 'later' : 'idle'](async () => {
      tried.push({ ...step, result: await this.predict(change(this.state, step.key, step.to, this.own.get(step.key))) });
      tell();
    }));
    tell();
    return true;
  }

  async computeAssumptions(signal) {
    const answer = await ask('sensitivity', request(this.state, { samples: 0 }), signal);
    assumptions.draw(answer, this.state, this.own, (key, value, stated) => {
      const set = { ...this.state.set };
      if (stated) delete set[key];
      else set[key] = value;
      this.on.change({ ...this.state, set });
    });
  }

  async computeHeat(signal) {
    const all = this.groups().flatMap((g) => g.controls);
    heat.offer(all, () => { this.panels.stale.add('heat'); this.panels.wake('heat'); });
    const [a, b] = ['heat-a', 'heat-b'].map((id) => all.find((c) => c.key === $(id).value));
    if (!a || !b || a === b) return put('heat', 'Choose two different keys.');
    return heat.draw(await ask('sweep', heat.question(this.state, a, b), signal), a, b, (set) => this.turnAll(set));
  }

  async computeTimeline(signal) {
    this.on.timeline(await ask('timeline', request(this.state, { most: SPANS }), signal));
  }

  /** Spans of a window of time; null when the state has changed meanwhile. */
  timeline(from, to) {
    return ask('timeline', request(this.state, { most: SPANS, from_s: from, to_s: to }), this.round.signal).catch(() => null);
  }

  /** The window has another width: drawings are made for it. */
  redraw() {
    if (!this.result) return;
    this.drawWaterfall();
    memory.draw(this.result.memory);
    this.drawSizes();
  }

  /* ---- drawing ---- */

  groups() {
    return controls.describe(this.state, this.schema, this.own);
  }

  gpus() {
    return Number(this.state.gpus || this.own.get('parallelism.gpus'));
  }

  drawControls() {
    controls.draw(this.groups(), this.legal, (key, value) => this.turn(key, value));
    const gpus = this.gpus();
    if (gpus > 0) controls.drawSize(gpus, this.own.get('parallelism.gpus'), this.legal, this.pickSize);
  }

  tokens() {
    return amount(this.state.tokens) || amount(this.own.get('goodput.tokens')) || TOKENS;
  }

  drawHeadline() {
    if (this.result) headline.draw(this.result, this.tokens(), duration(this.state.deadline));
  }

  slots() {
    return [{ name: 'now', label: '', result: this.result }, ...['A', 'B', 'C'].filter((n) => this.pins.has(n)).map((n) => this.pins.get(n))];
  }

  drawWaterfall() {
    if (this.result) waterfall.draw(this.slots(), this.shapley ? this.explanation : null);
  }

  drawAnswer() {
    this.drawHeadline();
    this.drawWaterfall();
    memory.draw(this.result.memory);
  }

  /** Says why there is no answer, in the program's words; `verdict` has the nearest value that has one. */
  refused(error, verdict) {
    document.body.classList.remove('busy');
    document.body.classList.add('refused');
    this.on.refused(error, verdict);
  }
}
