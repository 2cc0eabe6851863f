import { z } from 'zod';
import { planView } from '../view/schema.ts';

const cpp = z.string();
const routine = planView.shape.routines.element;

/** What the template of an attached plan may print: C++ already, as in every view. */
export const attachedPlanView = z.strictObject({
  ...planView.pick({
    header: true,
    name: true,
    summary: true,
    slots: true,
    slotBytes: true,
    streamedPerStep: true,
    ringPeriod: true,
    carrier: true,
    stagingBytes: true,
    collectives: true,
    collectivesPerStep: true,
    points: true,
    residentBytes: true,
    slotOf: true,
  }).shape,
  id: cpp,
  title: cpp,
  tool: cpp,
  layout: cpp,
  fingerprint: cpp,
  ranks: cpp,
  weightBytes: z.array(cpp),
  blocks: z.array(z.strictObject({ hookTable: cpp, row: cpp, messageTable: cpp.nullable() })),
  routines: z.array(
    z.strictObject({
      ...routine.pick({ row: true, table: true, columns: true, rows: true }).shape,
      hooks: z.array(
        z.strictObject({
          title: cpp,
          fn: cpp,
          isBegin: z.boolean(),
          readsRow: z.boolean(),
          statements: routine.shape.statements,
        }),
      ),
      hookTable: cpp,
      hookNames: z.array(cpp),
      messageTable: cpp.nullable(),
      messages: z.array(cpp),
    }),
  ),
});
