import type { MathNode } from 'mathjs';
import { derivative, evaluate, mentions, parse, shortText } from './expressionMath.ts';
import type { Expression } from './stepExpression.ts';

/** A derivative of more terms than this is not read by people. */
const READABLE = 6;

/** A derivative: what it is, for people to read and mathjs to evaluate, and its value in SI units. */
export interface Derivative {
  text: string;
  value: number;
}

/**
 * The derivative of an expression in one of its quantities, by mathjs, with the chain rule for named sums.
 *
 * @example of `12 / h2d` in `h2d`: `-12 / h2d ^ 2`
 */
export function derivativeOf({ terms, sums, values }: Expression, quantity: string): Derivative {
  const inSums = Object.entries(sums).flatMap(([name, text]) => {
    const sum = parse(text);
    return mentions(sum, quantity) ? [{ name, sum }] : [];
  });
  const through = terms
    .map(parse)
    .flatMap((term) => [
      ...(mentions(term, quantity) ? [{ term, name: quantity, sum: null }] : []),
      ...inSums.flatMap(({ name, sum }) => (mentions(term, name) ? [{ term, name, sum }] : [])),
    ]);
  const tidy = through.length <= READABLE;
  const products = through.map(({ term, name, sum }) => [
    derivative(term, name, tidy),
    ...(sum === null ? [] : [derivative(sum, quantity, tidy)]),
  ]);
  const used = Object.keys(sums).filter((name) => products.flat().some((node) => mentions(node, name)));
  const named = used.map((name) => `${name} = ${shortText(parse(sums[name]!))}`);
  const valueOfProduct = (nodes: readonly MathNode[]) =>
    nodes.reduce((product, node) => product * evaluate(node, values), 1);
  return {
    text: [...named, products.map(productText).join(' + ') || '0'].join('; '),
    value: products.reduce((sum, nodes) => sum + valueOfProduct(nodes), 0),
  };
}

function productText(nodes: readonly MathNode[]): string {
  return nodes.length === 1 ? shortText(nodes[0]!) : nodes.map((node) => `(${shortText(node)})`).join(' * ');
}
