// After a change: the answer first, then the panels that are seen; what is out of date is ended.

/** Work of one state. `later` runs what is given one after another, `width` at a time, until it is ended; `idle` what can wait
 * until there is nothing else. */
export class Round {
  constructor(width = 2) {
    this.controller = new AbortController();
    this.width = width;
    this.waiting = [];
    this.patient = [];
    this.last = [];
    this.busy = 0;
  }

  get signal() {
    return this.controller.signal;
  }

  end() {
    this.waiting = [];
    this.patient = [];
    this.last = [];
    this.controller.abort();
  }

  /** `task(signal)`; its failure is told to `onError`, unless the round has ended. */
  later(task, onError = () => {}) {
    this.waiting.push({ task, onError });
    this.next();
  }

  idle(task, onError = () => {}) {
    this.patient.push({ task, onError });
    this.next();
  }

  /** When all else is done: nobody waits for it. */
  finally(task, onError = () => {}) {
    this.last.push({ task, onError });
    this.next();
  }

  /** At once, beside whatever is under way: somebody opened it. */
  now(task, onError = () => {}) {
    this.waiting.unshift({ task, onError });
    this.width++;
    this.next();
    this.width--;
  }

  next() {
    const some = () => this.waiting.length + this.patient.length + (this.busy ? 0 : this.last.length);
    while (this.busy < this.width && some()) {
      const { task, onError } = this.waiting.shift() ?? this.patient.shift() ?? this.last.shift();
      this.busy++;
      Promise.resolve().then(() => task(this.signal)).catch((error) => { if (!this.signal.aborted) onError(error); })
        .finally(() => { this.busy--; this.next(); });
    }
  }
}

/** A function that calls `run` once, `ms` after the last of its calls. */
export function debounce(run, ms) {
  let timer = null;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...args), ms);
  };
}

/** Panels that are computed when they are seen: calls `compute(name)` for what is open and in view and out of date. */
export class Panels {
  constructor(elements, compute) {
    this.elements = elements;
    this.compute = compute;
    this.seen = new Set();
    this.stale = new Set();
    this.observer = new IntersectionObserver((entries) => this.look(entries), { rootMargin: '80px' });
    for (const [name, element] of Object.entries(elements)) {
      this.observer.observe(element);
      element.addEventListener('toggle', () => this.wake(name));
    }
  }

  look(entries) {
    for (const entry of entries) {
      const name = Object.keys(this.elements).find((n) => this.elements[n] === entry.target);
      if (entry.isIntersecting) this.seen.add(name);
      else this.seen.delete(name);
      this.wake(name);
    }
  }

  isOpen(name) {
    return this.elements[name].tagName !== 'DETAILS' || this.elements[name].open;
  }

  wake(name) {
    if (!this.stale.has(name) || !this.seen.has(name) || !this.isOpen(name)) return;
    this.stale.delete(name);
    this.compute(name);
  }

  /** Everything is out of date. */
  invalidate() {
    for (const name of Object.keys(this.elements)) {
      this.stale.add(name);
      this.elements[name].classList.add('stale');
    }
  }

  wakeAll() {
    for (const name of Object.keys(this.elements)) this.wake(name);
  }

  fresh(name) {
    this.elements[name].classList.remove('stale');
  }
}
