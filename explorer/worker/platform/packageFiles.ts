import { PACKAGE } from './files.ts';

/** In place of model/input/packageFiles.ts: see files.ts beside. */
export const packageRoot: string = PACKAGE;
