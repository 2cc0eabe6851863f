import type { Prediction } from '../../../documents/prediction.ts';
import type { Lists } from '../../protocol.ts';
import type { ExplorerState } from '../../state.ts';
import type { MistakePlace } from '../text/mistakePlace.ts';

/** What every group of controls is given. */
export interface ControlsProps {
  state: ExplorerState;
  /** Changes fields; one that is undefined is the model's or the machine's own again. */
  change(fields: { [Field in keyof ExplorerState]?: ExplorerState[Field] | undefined }): void;
  lists: Lists;
  /** The last answer, for what was taken where nothing was given; may be of the state before. */
  prediction: Prediction | null;
  mistakeAt(place: MistakePlace): string | undefined;
}

/** A state with fields changed, those that are undefined left out: so it is said in links. */
export function changed(
  state: ExplorerState,
  fields: { [Field in keyof ExplorerState]?: ExplorerState[Field] | undefined },
): ExplorerState {
  const all = { ...state, ...fields };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as ExplorerState;
}
