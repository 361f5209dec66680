// Where the time of a step goes: the words of `time_s`, what people call them, and how they are drawn.
//
// Neighbours in a stack differ in lightness, so that they can be told apart in grey and by those who do not see some
// colours; `ink` is that of text on the colour.

export const CAUSES = [
  ['math', 'model FLOPs at peak', '#0a6b56', 'light'],
  ['kernel_inefficiency', 'kernels below peak', '#f0b95c', 'dark'],
  ['recompute', 'recomputation', '#6d4a9c', 'light'],
  ['network_exposed', 'exposed network', '#8ecbe8', 'dark'],
  ['peer_wait', 'waiting for peers', '#9c2f4b', 'light'],
  ['nvlink_exposed', 'exposed NVLink', '#cfe08a', 'dark'],
  ['bubble', 'pipeline bubble', '#1f4e8c', 'light'],
  ['host', 'host', '#f4a7b5', 'dark'],
  ['copy_exposed', 'exposed copies', '#75521f', 'light'],
  ['optimizer', 'optimizer', '#d9d2c3', 'dark'],
  ['padding', 'padding', '#5b6570', 'light'],
  ['data', 'data loading', '#e6c7f0', 'dark'],
];

const BY_WORD = new Map(CAUSES.map((row) => [row[0], row]));

export function title(word) {
  return BY_WORD.get(word)?.[1] ?? word.replaceAll('_', ' ');
}

export function colour(word) {
  return BY_WORD.get(word)?.[2] ?? '#808080';
}

export function ink(word) {
  return BY_WORD.get(word)?.[3] === 'light' ? '#ffffff' : '#1c1a16';
}

/** Parts of a step as [{word, seconds}], model FLOPs first, then by size; parts of nothing are left out. */
export function parts(time) {
  const losses = Object.entries(time).filter(([word, s]) => word !== 'math' && s > 0);
  losses.sort((a, b) => b[1] - a[1]);
  return [['math', time.math], ...losses].map(([word, seconds]) => ({ word, seconds }));
}

/** The same from explain's Shapley values: what each cause is worth over all orders; the rest is model FLOPs and what has
 * no cause. */
export function shapley(explanation) {
  const losses = explanation.causes.filter((c) => c.share_s > 0).map((c) => ({ word: c.cause, seconds: c.share_s }));
  losses.sort((a, b) => b.seconds - a.seconds);
  const lost = losses.reduce((sum, part) => sum + part.seconds, 0);
  return [{ word: 'math', seconds: explanation.step_time_s - lost }, ...losses];
}
