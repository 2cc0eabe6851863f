/** Units that names of columns end in, the longest first. */
const UNITS = [
  ['BytesPerS', 'bytes/s'],
  ['FlopPerS', 'FLOP/s'],
  ['JPerFlop', 'J/FLOP'],
  ['JPerByte', 'J/byte'],
  ['Bytes', 'bytes'],
  ['Hz', 'Hz'],
  ['S', 's'],
  ['W', 'W'],
] as const;

/**
 * A column of a sweep's results as an axis calls it; other SQL as it is.
 *
 * @example columnTitle('set_gpu_copyEngine_h2dBytesPerS') // 'gpu.copyEngine.h2d (bytes/s)'
 * @example columnTitle('doubtLowS') // 'doubt low (s)'
 */
export function columnTitle(column: string): string {
  if (!/^[A-Za-z]\w*$/.test(column)) return column;
  const unit = UNITS.find(([suffix]) => column.endsWith(suffix) && column.length > suffix.length);
  const quantity = unit === undefined ? column : column.slice(0, -unit[0].length);
  const words = quantity.startsWith('set_')
    ? quantity.slice('set_'.length).replaceAll('_', '.')
    : quantity.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
  return unit === undefined ? words : `${words} (${unit[1]})`;
}
