// Series on top of each other, as numbers.

/**
 * Sums from the bottom up: `stacked[i]` is the top edge of `series[i]`. What is hidden adds nothing and has
 * no edge.
 */
export function stack(
  series: readonly (readonly number[])[],
  shown: readonly boolean[],
): (number | null)[][] {
  const length = series[0]?.length ?? 0;
  const sums = new Array<number>(length).fill(0);
  return series.map((values, index) => {
    if (!shown[index]) {
      return new Array<null>(length).fill(null);
    }
    return values.map((value, at) => {
      const sum = (sums[at] ?? 0) + value;
      sums[at] = sum;
      return sum;
    });
  });
}
