import type { Prediction } from '../../../documents/prediction.ts';
import { rowName } from './PlanLabel.tsx';

/** What the command line says of each plan, and what was taken for granted. */
export function Notes({ prediction, isStale }: { prediction: Prediction; isStale: boolean }) {
  const { plans, workload, machine } = prediction;
  return (
    <section class={isStale ? 'panel notes stale' : 'panel notes'} aria-labelledby="notes-title">
      <h2 id="notes-title">In words</h2>
      <dl>
        {plans.slice(0, 2).map(({ plan, verdict, notes = [] }, index) => (
          <div key={rowName(index)}>
            <dt>
              <span class={`badge side-${rowName(index).toLowerCase()}`}>{rowName(index)}</span>{' '}
              <bdi>{plan}</bdi>
            </dt>
            <dd>{sentenceCase(verdict)}.</dd>
            {notes.map((note) => (
              <dd key={note} class="quiet">
                {note}
              </dd>
            ))}
          </div>
        ))}
        <div>
          <dt>
            <bdi>{workload.name}</bdi> on <bdi>{machine.name}</bdi>
          </dt>
          <dd>
            {machine.gpus} x {machine.gpu}, transport {machine.transport}, peer {machine.peer}
          </dd>
          {workload.assumptions.map((assumption) => (
            <dd key={assumption} class="quiet">
              {assumption}
            </dd>
          ))}
        </div>
      </dl>
    </section>
  );
}

function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
