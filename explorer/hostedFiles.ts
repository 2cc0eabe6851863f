/** A file of the user's that the page's server reads out: the command line named it. */
export interface HostedFile {
  /** Relative to the page. */
  url: string;
  bytes: number;
}

/** The name of the page's `meta` element that lists what the command line named. */
export const GIVEN_META = 'chunkflow-given';
/** Where such files lie beside the page. */
export const GIVEN_FOLDER = 'given';
