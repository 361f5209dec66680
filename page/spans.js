// A timeline as columns, by lane; which part of it is seen; and as a trace for other viewers.

/** Lanes of a door's answer: [{rank, stage, lane, index: [...]}], spans in order of their start; empty ones left out. */
export function lanes(answer) {
  const { spans } = answer, byKey = new Map();
  for (let i = 0; i < spans.rank.length; i++) {
    const key = `${spans.rank[i]}/${spans.lane[i]}`;
    if (!byKey.has(key)) byKey.set(key, { rank: spans.rank[i], lane: spans.lane[i], index: [] });
    byKey.get(key).index.push(i);
  }
  const stages = new Map(answer.ranks.map(({ rank, stage }) => [rank, stage]));
  const list = [...byKey.values()].map((lane) => ({ ...lane, stage: stages.get(lane.rank) ?? 0, name: answer.lanes[lane.lane] }));
  for (const lane of list) lane.index.sort((a, b) => spans.start_s[a] - spans.start_s[b]);
  return list.filter((lane) => lane.name !== 'idle').sort((a, b) => a.stage - b.stage || a.lane - b.lane);
}

/** Where the last span of an answer begins: up to there it is whole. */
export function lastStart({ spans }) {
  return spans.start_s.reduce((a, b) => Math.max(a, b), 0);
}

/** First of a lane's spans that ends after `time`; their order is that of starts, and spans of a lane do not overlap. */
export function firstAfter(index, ends, time) {
  let low = 0, high = index.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[index[middle]] <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The window [from, to] zoomed by `factor` around `at`, within [0, end] and not narrower than a microsecond. */
export function zoom([from, to], factor, at, end) {
  const width = Math.min(Math.max((to - from) * factor, 1e-6), end);
  const left = at - (at - from) * (width / (to - from));
  return pan([left, left + width], 0, end);
}

/** The window moved by `by` seconds, within [0, end]. */
export function pan([from, to], by, end) {
  const width = to - from, left = Math.min(Math.max(from + by, 0), end - width);
  return [left, left + width];
}

/** A Chrome trace, which Perfetto reads. */
export function trace(answer) {
  const { spans } = answer, list = [];
  for (const { rank, stage } of answer.ranks)
    list.push({ name: 'process_name', ph: 'M', pid: rank, args: { name: `rank ${rank} stage ${stage}` } });
  for (const lane of lanes(answer))
    list.push({ name: 'thread_name', ph: 'M', pid: lane.rank, tid: lane.lane, args: { name: lane.name } });
  for (let i = 0; i < spans.rank.length; i++) {
    if (answer.lanes[spans.lane[i]] === 'idle') continue;
    list.push({ name: answer.names[spans.name[i]], cat: answer.causes[spans.cause[i]], ph: 'X', pid: spans.rank[i], tid: spans.lane[i],
      ts: spans.start_s[i] * 1e6, dur: (spans.end_s[i] - spans.start_s[i]) * 1e6,
      args: { pass: answer.passes[spans.pass[i]], layer: spans.layer[i], micro_batch: spans.micro_batch[i] } });
  }
  return { displayTimeUnit: 'ns', traceEvents: list };
}
