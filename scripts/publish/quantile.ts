/** Some numbers, in three. */
export interface Spread {
  median: number;
  least: number;
  most: number;
}

/** Finds the median of some numbers, the least and the most. */
export function spread(numbers: number[]): Spread {
  const sorted = [...numbers].sort((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  const at = (index: number) => sorted[index] as number;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    least: at(0),
    most: at(sorted.length - 1),
  };
}
