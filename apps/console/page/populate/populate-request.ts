const PERCENT = 100;

/** Converts the values of the form to the body of `POST /v1/populate`. The fields for faults are in percent, the request has fractions. */
export function toPopulateRequest(values: Readonly<Record<string, number>>): object {
  const { count, seed, ratePerSecond, ...percents } = values;
  const faults = Object.entries(percents).flatMap(([name, percent]) =>
    percent > 0 ? [[name, percent / PERCENT]] : [],
  );
  return { count, seed, ratePerSecond, ...(faults.length > 0 && { faults: Object.fromEntries(faults) as object }) };
}
