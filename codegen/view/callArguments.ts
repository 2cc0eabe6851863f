import { designated } from '../escape.ts';

/** Fields of a shape in runtime/compute/compute.hpp, by the place of their arguments; null for an argument that is no size. */
const SHAPES: Readonly<Record<string, readonly (string | null)[]>> = {
  normRows: ['rows', 'width', null, 'inStride', null, null, null, 'outStride'],
  qkNorm: ['rows', 'width', 'normWidth', null, 'stride', null, null],
  activate: [null, 'rows', 'width', null, 'inStride', null, 'outStride'],
  swiglu: ['rows', 'width', null, 'inStride', null, 'outStride'],
  gatedResidual: ['rows', 'width', null, 'residualStride', null, 'updateStride', null, null],
};

/**
 * Arguments of a call as they are written: the sizes of a function that takes a shape become its fields, in one initialiser at the
 * place of the first of them.
 *
 * @example callArguments('swiglu', ['8', '64', 'in', '128', 'out', '64'])
 *   // ['{.rows = 8, .width = 64, .inStride = 128, .outStride = 64}', 'in', 'out']
 */
export function callArguments(fn: string, args: readonly string[]): string[] {
  const fields = SHAPES[fn];
  if (fields === undefined) return [...args];
  if (fields.length !== args.length)
    throw new Error(`${fn} has ${args.length} arguments, not ${fields.length}`);
  const shape = designated(
    Object.fromEntries(fields.flatMap((field, index) => (field === null ? [] : [[field, args[index]!]]))),
  );
  const first = fields.findIndex((field) => field !== null);
  return args.flatMap((arg, index) => (index === first ? [shape] : fields[index] === null ? [arg] : []));
}
