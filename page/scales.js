// Axes: ticks at round numbers, and positions.

/** Round numbers from low to high, about `count`. */
export function ticks(low, high, count = 5) {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const list = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) list.push(Number((i * step).toPrecision(12)));
  return list;
}

export function linear(low, high, from, to) {
  return (value) => from + ((value - low) / (high - low || 1)) * (to - from);
}

export function logarithmic(low, high, from, to) {
  const of = linear(Math.log(low), Math.log(high), from, to);
  return (value) => of(Math.log(value));
}

/** Powers of two from half to twice `size`, `steps` on either side, at least `least`. */
export function around(size, steps, least = 1) {
  const list = [];
  for (let i = -steps; i <= steps; i++) {
    const value = Math.round(size * 2 ** i);
    if (value >= least && !list.includes(value)) list.push(value);
  }
  return list;
}
