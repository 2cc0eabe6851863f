import { max, min } from 'simple-statistics';
import { CARD_CLASSES, cardClassOf } from '../published/steps/cardClass.ts';
import type { ComparedRecord } from '../published/steps/compareRecords.ts';
import { type Chart, name, number } from './chart.ts';
import { role, seriesRole } from './theme.ts';

const COLOURS = [1, 0, 2, 7].map(seriesRole);

/**
 * Predicted over published step times with the interval of each as a bar, cards by class, and the line on which both are equal. Figures
 * outside of their intervals are filled. Axes are logarithmic.
 */
export function publishedStepsChart(records: readonly ComparedRecord[], title: string): Chart {
  const rows = records.map(pointOf);
  const all = rows.flatMap(({ publishedS, lowS, highS }) => [publishedS, lowS, highS]);
  const domain = [min(all) / 1.15, max(all) * 1.15];
  const scale = { type: 'log', domain, nice: false };
  const across = (field: string) => number(field, 'published (s a step)', { scale, axis: { format: '~g' } });
  const up = (field: string) =>
    number(field, 'predicted (s a step), with its interval', { scale, axis: { format: '~g' } });
  const color = name('cards', null, { scale: { domain: [...CARD_CLASSES], range: COLOURS } });
  const held = { condition: { test: 'datum.held === "no"', value: role('ink') }, value: role('paper') };
  return {
    title,
    subtitle: ['whole models; a filled point lies outside of its interval'],
    columns: 1,
    groups: [
      {
        views: [
          {
            height: { ofWidth: 1, most: 560 },
            layer: [
              {
                data: { name: 'equals' },
                mark: { type: 'line', color: role('line'), strokeWidth: 1 },
                encoding: { x: across('s'), y: up('s') },
              },
              {
                data: { name: 'rows' },
                mark: { type: 'rule', strokeWidth: 1, opacity: 0.45 },
                encoding: { x: across('publishedS'), y: up('lowS'), y2: { field: 'highS' }, color },
              },
              {
                data: { name: 'rows' },
                mark: { type: 'point', size: 22, strokeWidth: 1.2, opacity: 1 },
                encoding: {
                  x: across('publishedS'),
                  y: up('predictedS'),
                  color,
                  fill: held,
                  tooltip: TOOLTIP,
                },
              },
            ],
          },
        ],
      },
    ],
    rows,
    guides: { equals: domain.map((s) => ({ s })) },
    legend: CARD_CLASSES,
  };
}

const TOOLTIP = [
  ...[name('id', 'record'), name('card', 'card'), name('tool', 'tool'), name('model', 'model')],
  number('publishedS', 'published (s a step)', { format: '.3g' }),
  number('predictedS', 'predicted (s a step)', { format: '.3g' }),
  number('lowS', 'interval from (s)', { format: '.3g' }),
  number('highS', 'interval to (s)', { format: '.3g' }),
  name('held', 'inside its interval'),
];

function pointOf({ record, published, prediction, isCovered }: ComparedRecord) {
  const { id, tool, model, gpus, card, cardAsWritten } = record;
  const [lowS, highS] = prediction.interval ?? [prediction.stepS, prediction.stepS];
  return {
    ...{ id, tool, model, lowS, highS },
    card: `${gpus} x ${card ?? cardAsWritten}`,
    cards: cardClassOf(record),
    publishedS: Math.sqrt(published.lowS * published.highS),
    predictedS: prediction.stepS,
    held: isCovered === false ? 'no' : 'yes',
  };
}
