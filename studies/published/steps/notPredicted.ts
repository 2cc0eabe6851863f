/** Why a record cannot be predicted, in a few words for a table. */
export interface NotPredicted {
  reason: string;
}

export function isNotPredicted(result: object): result is NotPredicted {
  return 'reason' in result;
}
