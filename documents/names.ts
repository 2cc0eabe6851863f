/** Names of the JSON documents that the commands print, and of files that others write for them. */
export const SCHEMA_NAMES = [
  'prediction',
  'simulation',
  'plan-choice',
  'sizes',
  'models',
  'machines',
  'published-steps',
  'sweep-status',
  'profile',
  'sweep',
] as const;

export type SchemaName = (typeof SCHEMA_NAMES)[number];
