import type { MathNode } from 'mathjs';
import { mathjs } from '../../../model/input/math.ts';

export function parse(text: string): MathNode {
  return mathjs().parse(text);
}

/** @param tidy for people to read, which takes mathjs a hundred times as long. */
export function derivative(node: MathNode, quantity: string, tidy: boolean): MathNode {
  return tidy
    ? mathjs().derivative(node, quantity)
    : mathjs().simplifyCore(mathjs().derivative(node, quantity, { simplify: false }));
}

export function evaluate(node: MathNode, values: Readonly<Record<string, number>>): number {
  return Number(node.evaluate({ ...values }));
}

/** Whether a quantity stands in an expression. */
export function mentions(node: MathNode, quantity: string): boolean {
  return node.filter((inner) => 'name' in inner && inner.name === quantity).length > 0;
}

/** An expression for people: five digits of a number are enough to read. */
export function shortText(node: MathNode): string {
  return node.toString({
    handler: (inner: MathNode) =>
      inner.type === 'ConstantNode' && 'value' in inner
        ? String(Number(Number(inner.value).toPrecision(5)))
        : undefined,
  });
}
