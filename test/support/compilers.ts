import { findToolchain, missingFor } from '../../build/toolchain.ts';

/** Why C++ cannot be compiled here; null when it can. */
export function noCompiler(): string | null {
  const missing = missingFor(findToolchain(), 'host').map(
    ({ name, remedy }) => `${name} is missing (${remedy})`,
  );
  return missing.length === 0 ? null : missing.join(', ');
}
