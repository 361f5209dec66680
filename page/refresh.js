// After a change: the answer first, then the panels that are seen; what is out of date is ended.

const RANKS = 3; /* of work */

/** Work of one state, in three ranks: what is seen (`later`), what can wait until there is nothing of that (`idle`), what nobody waits for
 * (`finally`). `width` at a time, until it is ended; `onRank(rank)` is told when all of a rank and of those before it is done. */
export class Round {
  constructor(width = 2, onRank = () => {}) {
    this.controller = new AbortController();
    this.width = width;
    this.onRank = onRank;
    this.ranks = Array.from({ length: RANKS }, () => []);
    this.under = new Array(RANKS).fill(0); /* tasks under way */
    this.told = RANKS;
    this.asked = new Map();
  }

  get signal() {
    return this.controller.signal;
  }

  get busy() {
    return this.under.reduce((sum, n) => sum + n, 0);
  }

  end() {
    this.ranks.forEach((rank) => { rank.length = 0; });
    this.controller.abort();
  }

  /** The answer to a question that panels share: it is asked once in a round. */
  once(key, ask) {
    if (!this.asked.has(key)) this.asked.set(key, ask(this.signal));
    return this.asked.get(key);
  }

  /** `task(signal)`; its failure is told to `onError`, unless the round has ended. */
  later(task, onError = () => {}) {
    this.add(0, task, onError);
  }

  idle(task, onError = () => {}) {
    this.add(1, task, onError);
  }

  /** When all else is done: nobody waits for it. */
  finally(task, onError = () => {}) {
    this.add(2, task, onError);
  }

  /** At once, beside whatever is under way: somebody opened it. */
  now(task, onError = () => {}) {
    this.ranks[0].unshift({ rank: 0, task, onError });
    this.told = 0;
    this.width++;
    this.next();
    this.width--;
  }

  add(rank, task, onError) {
    this.ranks[rank].push({ rank, task, onError });
    this.told = Math.min(this.told, rank);
    this.next();
  }

  /** The next task; the last rank waits until nothing else is under way. */
  take() {
    const [seen, patient, last] = this.ranks;
    return seen.shift() ?? patient.shift() ?? (this.busy ? undefined : last.shift());
  }

  next() {
    while (this.busy < this.width) {
      const taken = this.take();
      if (!taken) break;
      this.under[taken.rank]++;
      Promise.resolve().then(() => taken.task(this.signal)).catch((error) => { if (!this.signal.aborted) taken.onError(error); })
        .finally(() => { this.under[taken.rank]--; this.next(); });
    }
    this.tell();
  }

  tell() {
    const done = (rank) => rank < RANKS && !this.under[rank] && !this.ranks[rank].length;
    while (done(this.told) && !this.signal.aborted) this.onRank(this.told++);
  }
}

/** A function that draws once in a frame, however often it is called. */
export function perFrame(draw) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  };
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
