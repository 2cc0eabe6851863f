import { loadDit } from '../dit/load.ts';
import { readProfile } from '../profile/profileFile.ts';
import { loadSystem } from '../system/load.ts';
import type { ScenarioSources } from './scenario.ts';

/** Models, machines and profiles by name or from files. */
export const FILES: ScenarioSources = { loadDit, loadSystem, readProfile };
