import type { MathNode } from 'mathjs';
import { mathjs } from './math.ts';
import { argumentsWanted, FUNCTIONS, type Names, OPERATORS, plainValues } from './plainArithmetic.ts';
import { shown, UserError } from './userError.ts';

const MAX_LENGTH = 200;

/**
 * The number an arithmetic expression stands for, such as `3*d` or `floor(H/16) * floor(W/16)`.
 *
 * Only arithmetic, `floor ceil round min max` and the given names are allowed: the syntax tree is walked
 * against a list of what may appear, and nothing is ever handed to an evaluator, so a catalogue file from a
 * stranger cannot reach beyond arithmetic.
 *
 * @throws UserError that names the expression and what in it is not allowed.
 * @example arithmetic('3*d', { d: 5120 }) // 15360
 */
export function arithmetic(expression: string | number, names: Names): number {
  if (typeof expression === 'number') return expression;
  checkLength(expression);
  const plain = plainValues(expression, names);
  return plain === undefined || plain.isArray ? mathjsValue(expression, names) : plain.values[0]!;
}

/** As `arithmetic`, by mathjs's parser, which takes what is not plain or says what is wrong with it. */
export function mathjsValue(expression: string, names: Names): number {
  return numberOf(syntaxTree(expression), names, expression);
}

/**
 * A shape such as `[3*d, d]` as numbers, [out, in] for a matrix.
 *
 * @throws UserError if it is no array, or a side is not a whole number of at least 1.
 * @example shape('[3*d, d]', { d: 4 }) // [12, 4]
 */
export function shape(expression: string, names: Names): number[] {
  checkLength(expression);
  const plain = plainValues(expression, names);
  if (plain?.isArray === true) return plain.values.map((side) => checkedSide(side, expression));
  const tree = syntaxTree(expression);
  if (tree.type !== 'ArrayNode') {
    throw new UserError(`shape ${shown(expression)}: expected an array of dimensions such as "[3*d, d]"`);
  }
  return (tree as unknown as { items: MathNode[] }).items.map((item) =>
    checkedSide(numberOf(item, names, expression), expression),
  );
}

function checkedSide(side: number, expression: string): number {
  if (Number.isSafeInteger(side) && side >= 1) return side;
  throw new UserError(
    `shape ${shown(expression)}: a dimension is ${side}, expected a whole number of at least 1`,
  );
}

function checkLength(expression: string): void {
  if (expression.length <= MAX_LENGTH) return;
  throw new UserError(`expression ${shown(expression)}: longer than ${MAX_LENGTH} characters`);
}

function syntaxTree(expression: string): MathNode {
  const math = mathjs();
  try {
    return math.parse(expression);
  } catch (error) {
    throw new UserError(`expression ${shown(expression)}: ${(error as Error).message}`);
  }
}

function numberOf(node: MathNode, names: Names, expression: string): number {
  const refuse = (what: string): never => {
    throw new UserError(
      `expression ${shown(expression)}: ${what} is not allowed; use + - * / ^, ${Object.keys(FUNCTIONS).join(', ')} and ${Object.keys(names).join(', ') || 'numbers'}`,
    );
  };
  // mathjs types nodes as one open union; each branch below reads only the fields of the type it has checked.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  const any = node as any;
  switch (node.type) {
    case 'ConstantNode':
      return Number.isFinite(any.value) ? any.value : refuse(shown(node.toString()));
    case 'ParenthesisNode':
      return numberOf(any.content, names, expression);
    case 'SymbolNode':
      return Object.hasOwn(names, any.name) ? names[any.name]! : refuse(`the name ${shown(any.name)}`);
    case 'OperatorNode': {
      const values: number[] = any.args.map((arg: MathNode) => numberOf(arg, names, expression));
      if (any.op === '-' && values.length === 1) return -values[0]!;
      return Object.hasOwn(OPERATORS, any.op) && values.length === 2
        ? OPERATORS[any.op]!(values[0]!, values[1]!)
        : refuse(`the operator ${shown(any.op)}`);
    }
    case 'FunctionNode': {
      const name: unknown = any.fn?.type === 'SymbolNode' ? any.fn.name : undefined;
      if (typeof name !== 'string' || !Object.hasOwn(FUNCTIONS, name)) return refuse(shown(node.toString()));
      if (any.args.length !== argumentsWanted(name, any.args.length))
        return refuse(`${name} with ${any.args.length} arguments`);
      return FUNCTIONS[name]!(...any.args.map((arg: MathNode) => numberOf(arg, names, expression)));
    }
    default:
      return refuse(shown(node.toString()));
  }
}
