/** A plan's text as its controls take it apart: the preset or tool, and each setting with its value. */
export interface PlanWords {
  head: string;
  settings: readonly (readonly [key: string, value: string])[];
}

/** @example planWords('yield,resident=0.25') // { head: 'yield', settings: [['resident', '0.25']] } */
export function planWords(text: string): PlanWords {
  const [head = '', ...rest] = text.split(',').map((part) => part.trim());
  const settings = rest.map((part): [string, string] => {
    const at = part.indexOf('=');
    return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
  });
  return { head, settings };
}

export function planText({ head, settings }: PlanWords): string {
  return [head, ...settings.map(([key, value]) => (value === '' ? key : `${key}=${value}`))].join(',');
}

export function settingOf(text: string, key: string): string | undefined {
  return planWords(text).settings.find(([name]) => name === key)?.[1];
}

/** The text with a setting changed, added behind the others, or taken away. */
export function withSetting(text: string, key: string, value: string | undefined): string {
  const { head, settings } = planWords(text);
  if (value === undefined) return planText({ head, settings: settings.filter(([name]) => name !== key) });
  const has = settings.some(([name]) => name === key);
  return planText({
    head,
    settings: has
      ? settings.map((setting) => (setting[0] === key ? [key, value] : setting))
      : [...settings, [key, value]],
  });
}

/** Whether a plan is a file, whose settings stand in it. As `isPlanFile` of the model has it. */
export function isFile(text: string): boolean {
  return /\.(json|ya?ml|jsonl)$|\.jsonl#./.test(text);
}
