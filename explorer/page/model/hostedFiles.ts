import type { ModelClient } from '../../client.ts';
import { GIVEN_META, type HostedFile } from '../../hostedFiles.ts';

/**
 * Gives the model the files that the command line named, which the page's server reads out; a hosted page has none. What is wrong with
 * one is said where it is used.
 */
export async function giveHostedFiles(model: ModelClient): Promise<void> {
  const given = document.querySelector<HTMLMetaElement>(`meta[name=${GIVEN_META}]`)?.content ?? '[]';
  const files = JSON.parse(given) as (HostedFile & { name: string })[];
  await Promise.allSettled(
    files.map(({ name, ...content }) => model.ask<'file'>({ kind: 'file', name, content })),
  );
}
