import { useEffect, useMemo, useState } from 'preact/hooks';
import type { PlanChoice } from '../../documents/planChoice.ts';
import type { ModelClient } from '../client.ts';
import type { GivenKind, Lists } from '../protocol.ts';
import { commandOf, type ExplorerState } from '../state.ts';
import { Controls } from './controls/Controls.tsx';
import { changed } from './controls/controls.ts';
import { sidesOf, withSide } from './model/sides.ts';
import { useAnswers } from './model/useAnswers.ts';
import { useFiles } from './model/useFiles.ts';
import { useLink } from './model/useLink.ts';
import { useSearch } from './model/useSearch.ts';
import { capBytesOf } from './text/cap.ts';
import { type MistakePlace, mistakePlace } from './text/mistakePlace.ts';
import { verdictOf } from './text/verdictSentence.ts';
import { BestPlan } from './views/BestPlan.tsx';
import { Breakdown } from './views/Breakdown.tsx';
import { BreakEven } from './views/BreakEven.tsx';
import { Memory } from './views/Memory.tsx';
import { Notes } from './views/Notes.tsx';
import { Reproduce } from './views/Reproduce.tsx';
import { Timeline } from './views/Timeline.tsx';
import { VerdictLine } from './views/VerdictLine.tsx';

/** The page: controls, and beside them everything that the model says of their state. */
export function Explorer({ model }: { model: ModelClient }) {
  const { state, setState, link, mistake: linkMistake } = useLink();
  const { lists, failure } = useLists(model);
  const answers = useAnswers(model, state);
  const searching = useSearch(model, state);
  const files = useFiles(model, state, (name, is) => setState(withFile(state, name, is)));
  const trouble = answers.trouble?.of === state ? answers.trouble : null;
  const place = trouble === null || trouble.isBug ? null : mistakePlace(trouble.line, state);
  const mistakeAt = (where: MistakePlace) => (where === place ? trouble!.line : undefined);
  const { prediction, breakEven, timelines } = answers;
  const isStale = prediction?.of !== state;
  const capBytes = capBytesOf(state.gpuMemory);
  const verdict = prediction && verdictOf(prediction.reply, capBytes);
  const change = (fields: Parameters<typeof changed>[1]) => setState(changed(state, fields));
  const adopt = async (choice: PlanChoice) => {
    const name = `best-${Math.round(1e3 * choice.choice.stepTimeS)}ms.json`;
    await files.give({ name, content: `${JSON.stringify(choice.plan, null, 2)}\n` });
  };
  const general = [
    ...[linkMistake, files.trouble, failure, mistakeAt('general')],
    trouble?.isBug === true ? `A bug of the explorer: ${trouble.line}` : null,
  ].filter((line) => line !== null && line !== undefined);
  return (
    <div class={files.isOver ? 'explorer over' : 'explorer'}>
      <header>
        <h1>
          ChunkFlow <span>explorer</span>
        </h1>
        <p>Predicted in your browser; nothing leaves this machine.</p>
      </header>
      <div class="answer">
        {general.map((line) => (
          <p key={line} class="mistake general" role="alert">
            {line}
          </p>
        ))}
        <VerdictLine
          verdict={verdict}
          isStale={isStale}
          doubt={verdict && prediction && doubtAtLength(prediction.reply, verdict.side)}
        />
      </div>
      <aside aria-label="Settings">
        {lists !== null && (
          <Controls
            {...{ state, change, lists, mistakeAt }}
            prediction={prediction?.reply ?? null}
            onFile={(file) => void files.give({ name: file.name, content: file })}
          >
            <BestPlan {...{ state, searching }} onAdopt={(choice) => void adopt(choice)} />
          </Controls>
        )}
      </aside>
      <main>
        {prediction !== null && (
          <>
            <Breakdown prediction={prediction.reply} isStale={isStale} />
            <Memory prediction={prediction.reply} {...{ capBytes, isStale }} />
            <BreakEven prediction={breakEven?.reply ?? null} isStale={breakEven?.of !== state} />
            <Timeline timelines={timelines?.reply ?? null} isStale={timelines?.of !== state} />
            <Reproduce
              command={commandOf({ ...state, plan: [...new Set([...sidesOf(state), 'none'])] })}
              link={link}
              files={files.names.filter((name) => namedIn(state).includes(name))}
              onSave={files.save}
            />
            <Notes prediction={prediction.reply} isStale={isStale} />
          </>
        )}
      </main>
      {files.isOver && <p class="drop">Drop a machine, a model, a profile or a plan</p>}
    </div>
  );
}

function useLists(model: ModelClient) {
  const [lists, setLists] = useState<Lists | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    model
      .ask<'lists'>({ kind: 'lists' })
      .then(setLists, (error: Error) => setFailure(`The model did not start: ${error.message}`));
  }, [model]);
  return useMemo(() => ({ lists, failure }), [lists, failure]);
}

function doubtAtLength(
  { plans }: { plans: readonly { doubt: { says: string; share: number } }[] },
  side: 0 | 1 | null,
): string | null {
  if (side === null) return null;
  const { says, share } = plans[side]!.doubt;
  return `${Math.round(100 * share)} % of the doubt: ${says}.`;
}

/** Whatever of a state may be the name of a file. */
function namedIn(state: ExplorerState): readonly (string | undefined)[] {
  // A file of several plans is named with the one of them.
  const plans = sidesOf(state).map((text) => text.split('#')[0]);
  return [state.model, state.profile, state.machine, ...plans];
}

/** The state with a file in the control that it is for. */
function withFile(state: ExplorerState, name: string, is: GivenKind): ExplorerState {
  if (is === 'plan') return withSide(state, 1, name);
  if (is === 'machine')
    return changed(state, {
      ...{ machine: name, gpus: undefined, pcie: undefined, topology: undefined, transport: undefined },
      ...{ set: undefined, gpuMemory: undefined, hostMemory: undefined },
    });
  const { machine, gpus, pcie, topology, transport, set, plan, gpuMemory, hostMemory } = state;
  const where = { machine, gpus, pcie, topology, transport, set, plan, gpuMemory, hostMemory };
  return changed({}, { ...where, ...(is === 'profile' ? { profile: name } : { model: name }) });
}
