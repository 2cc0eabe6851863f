import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Prediction } from '../../../documents/prediction.ts';
import { Mistake, type ModelClient } from '../../client.ts';
import type { BlockTimeline, QuickPrediction } from '../../protocol.ts';
import type { ExplorerState } from '../../state.ts';
import { Newest, type Outcome } from './newest.ts';
import { predictionQuestion } from './questions.ts';
import { sidesOf } from './sides.ts';

/** An answer beside the state that it is of: with another state in the controls it is out of date. */
export interface Dated<Reply> {
  of: ExplorerState;
  reply: Reply;
}

/** A line about a question that the model does not take, or a bug of ours. */
export interface Trouble {
  of: ExplorerState;
  line: string;
  isBug: boolean;
}

export type Timelines = readonly [BlockTimeline, BlockTimeline];

interface Asked {
  prediction: QuickPrediction;
  breakEven: Prediction;
  timelines: Timelines;
}

export type Answers = { [Key in keyof Asked]: Dated<Asked[Key]> | null } & { trouble: Trouble | null };

/** After so long without a change a drag is over, ms. */
const QUIET_MS = 180;

const NOTHING: Answers = { prediction: null, breakEven: null, timelines: null, trouble: null };

/**
 * What the model says of a state. The prediction follows every change; break-evens and timelines, which take longer, are asked once the
 * controls rest.
 */
export function useAnswers(model: ModelClient, state: ExplorerState): Answers {
  const [answers, setAnswers] = useState(NOTHING);
  const asking = useMemo(() => askersOf(model, setAnswers), [model]);
  const asked = useRef<ExplorerState | null>(null);
  // Before the frame is painted: an effect behind it would cost a drag a frame.
  useLayoutEffect(() => {
    if (asked.current === state) return;
    asked.current = state;
    asking.prediction.want(state);
  }, [asking, state]);
  const isPredicted = answers.prediction?.of === state;
  useEffect(() => {
    if (!isPredicted) return;
    const timer = setTimeout(() => {
      asking.timelines.want(state);
      asking.breakEven.want(state);
    }, QUIET_MS);
    return () => clearTimeout(timer);
  }, [asking, state, isPredicted]);
  return answers;
}

type SetAnswers = (change: (answers: Answers) => Answers) => void;

function askersOf(model: ModelClient, set: SetAnswers) {
  const asker = <Key extends keyof Asked>(
    key: Key,
    ask: (state: ExplorerState) => Promise<Asked[Key] | null>,
  ) => new Newest(ask, (outcome) => set((answers) => withOutcome(answers, key, outcome)));
  return {
    prediction: asker('prediction', (state) =>
      model.ask<'predict'>({ kind: 'predict', question: predictionQuestion(state) }),
    ),
    breakEven: asker('breakEven', (state) =>
      model.ask<'break-even'>({ kind: 'break-even', question: predictionQuestion(state) }),
    ),
    timelines: asker('timelines', (state) => timelinesOf(model, state)),
  };
}

/** One behind the other: of two that wait the model would answer the newer alone. */
async function timelinesOf(model: ModelClient, state: ExplorerState): Promise<Timelines | null> {
  const [a, b] = sidesOf(state);
  const question = predictionQuestion(state);
  const ofA = await model.ask<'timeline'>({ kind: 'timeline', question, plan: a });
  const ofB = a === b ? ofA : await model.ask<'timeline'>({ kind: 'timeline', question, plan: b });
  return ofA && ofB && [ofA, ofB];
}

function withOutcome<Key extends keyof Asked>(
  answers: Answers,
  key: Key,
  outcome: Outcome<ExplorerState, Asked[Key] | null>,
): Answers {
  const { of } = outcome;
  if ('error' in outcome) {
    const { error } = outcome;
    const line = error instanceof Mistake ? error.message : (error.stack ?? error.message);
    return { ...answers, trouble: { of, line, isBug: !(error instanceof Mistake) } };
  }
  const { reply } = outcome;
  if (reply === null) return answers;
  return { ...answers, [key]: { of, reply }, trouble: key === 'prediction' ? null : answers.trouble };
}
