import type { PlanChoice } from '../../../documents/planChoice.ts';
import type { Layout } from '../../text/layout.ts';
import { paragraph } from '../../text/wrap.ts';

/** What can run the choice, and what a stack of PyTorch and NCCL cannot do of it by itself. */
export function runsText({ runs, choice }: PlanChoice, layout: Layout): string {
  if (runs === undefined) return '';
  const { generated, attached, ownTransport } = runs;
  const lines = [
    generated === null
      ? 'generated: `chunkflow generate` writes a program that runs it'
      : `generated: no program of it. ${generated}`,
    attached === null
      ? 'attached: chunkflow_offload.attach runs it on your PyTorch model, by a profile of that'
      : `attached: not on your PyTorch model. ${attached}`,
    ...(ownTransport
      ? [
          `${choice.transport} is ours: PyTorch and NCCL have none like it, so without a program or attach no collective goes over it`,
        ]
      : []),
  ];
  return `\n${lines.map((line) => paragraph(line, layout)).join('')}`;
}
