// What a training of so many tokens takes, from what one step takes.

const DAY_S = 86400;

/** {days, dollars, mwh, mw}; NaN where the run or its cluster does not say. `slower`: step time relative to the predicted. */
export function training(result, tokens, slower = 1) {
  const economy = result.economy ?? {};
  const trillions = tokens / 1e12;
  const days = (tokens / result.tokens_per_s / DAY_S) * slower;
  return {
    days,
    dollars: known(economy.dollars_per_trillion_tokens) * trillions * slower,
    mwh: known(economy.mwh_per_trillion_tokens) * trillions * slower,
    mw: (known(economy.mwh_per_trillion_tokens) * trillions) / ((tokens / result.tokens_per_s) / 3600),
  };
}

function known(value) {
  return typeof value === 'number' ? value : NaN;
}

/** Relative step times of the fast and the slow end of an interval; null without one. */
export function spread(result) {
  const interval = result.interval;
  if (!interval || !(interval.step_time_p10_s > 0)) return null;
  return [interval.step_time_p10_s / result.step_time_s, interval.step_time_p90_s / result.step_time_s];
}
