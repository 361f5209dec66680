// What is known of the state that is looked at, and how it is found out.
import { ask } from './api.js';
import * as assumptions from './assumptions.js';
import * as heat from './heat.js';
import * as scale from './scale.js';
import { $, put } from './dom.js';
import { amount, duration } from './format.js';
import { Round } from './refresh.js';
import { change, request } from './state.js';
import * as controls from './controls.js';
import * as headline from './headline.js';
import * as memory from './memory.js';
import * as steps from './steps.js';
import * as waterfall from './waterfall.js';

const WIDTH = Math.min(Math.max(navigator.hardwareConcurrency ?? 2, 2), 5); /* questions at once; browsers keep six connections */
const OPENED = new Set(['heat', 'timeline']); /* panels that somebody opens */
const SAMPLES = 8;      /* combinations of the assumptions behind P10 and P90 */
const SPANS = 150000;   /* of a timeline that are drawn at once */
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
    this.round = new Round();
  }

  /** Looks at another state. */
  go(state) {
    this.begun = performance.now();
    this.state = state;
    this.round.end();
    this.round = new Round(WIDTH);
    this.explanation = null;
    this.legal = null;
    this.ready = false;
    this.panels.invalidate();
    document.body.classList.add('busy');
    this.drawControls();
    this.round.later((signal) => this.begin(signal), (error) => this.refused(error, null));
    this.round.later((signal) => this.look(signal));
  }

  /** The answer, if there can be one; then what belongs to it. */
  async begin(signal) {
    const verdict = await ask('check', request(this.state), signal);
    if (verdict.legal) {
      await this.answer(signal);
      this.round.later((s) => this.doubt(s));
    } else this.refused(verdict.error, verdict);
    this.round.later((s) => this.check(s));
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
    this.result = await ask('predict', request(this.state), signal);
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
  async check(signal) {
    const tried = {};
    for (const group of this.groups()) for (const c of group.controls) if (c.list.length) tried[c.key] = c.list;
    const gpus = this.gpus();
    if (gpus > 0) tried.gpus = controls.sizesAround(gpus);
    this.legal = (await ask('check', request(this.state, { try: tried }), signal)).try;
    this.drawControls();
  }

  async doubt(signal) {
    const answer = await ask('predict', request(this.state, { samples: SAMPLES }), signal);
    if (this.result) this.result.interval = answer.interval;
    this.drawHeadline();
    if (this.sweep) scale.draw(this.sweep, this.result, this.state.scaling, this.pickSize);
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
      await task.call(this, signal);
      this.panels.fresh(name);
      document.documentElement.dataset.pageMs = (performance.now() - this.begun).toFixed(0);
    }, (error) => put(name, error.message));
  }

  pickSize = (gpus) => this.on.change({ ...this.state, gpus: String(gpus) });

  async computeScale(signal) {
    this.sweep = await ask('sweep', scale.question(this.state, this.result.gpus), signal);
    scale.draw(this.sweep, this.result, this.state.scaling, this.pickSize);
    this.round.finally((s) => this.bandSizes(s)); /* every size in its own right */
  }

  async bandSizes(signal) {
    this.sweep = await ask('sweep', { ...scale.question(this.state, this.result.gpus), samples: SAMPLES }, signal);
    scale.draw(this.sweep, this.result, this.state.scaling, this.pickSize);
  }

  async computeSteps(signal) {
    if (!this.legal) await this.check(signal);
    const list = steps.steps(this.groups().flatMap((g) => g.controls), this.legal), tried = [];
    const tell = () => steps.draw(tried, this.result, list.length, (key, value) => this.turn(key, value));
    for (const step of list) this.round.idle(async (s) => {
      const asked = request(change(this.state, step.key, step.to, this.own.get(step.key)));
      tried.push({ ...step, result: await ask('predict', asked, s) });
      tell();
    });
    tell();
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
    if (this.sweep) scale.draw(this.sweep, this.result, this.state.scaling, this.pickSize);
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
