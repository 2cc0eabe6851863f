import { max, min } from 'simple-statistics';
import type { TopLevelSpec } from 'vega-lite';
import { CARD_CLASSES, cardClassOf } from '../published/steps/cardClass.ts';
import type { ComparedRecord } from '../published/steps/compareRecords.ts';

/** Told apart by the colour-blind. */
const COLOURS = ['#d55e00', '#0072b2', '#009e73', '#999999'];
const SIDE = 420;

/**
 * Predicted over published step times with the interval of each as a bar, cards by class, and the line on which both are equal. Figures
 * outside of their intervals are filled. Axes are logarithmic.
 */
export function publishedStepsChart(rows: readonly ComparedRecord[], title: string): TopLevelSpec {
  const values = rows.map(pointOf);
  const all = values.flatMap(({ publishedS, lowS, highS }) => [publishedS, lowS, highS]);
  const scale = { type: 'log' as const, domain: [min(all) / 1.15, max(all) * 1.15], nice: false };
  const across = (field: string) => ({
    ...{ field, type: 'quantitative' as const, scale, title: 'published (s a step)' },
    axis: { format: '~g' },
  });
  const up = (field: string) => ({
    ...{ field, type: 'quantitative' as const, scale, title: 'predicted (s a step), with its interval' },
    axis: { format: '~g' },
  });
  const color = {
    field: 'cards',
    type: 'nominal' as const,
    title: null,
    scale: { domain: [...CARD_CLASSES], range: COLOURS },
  };
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: title, offset: 12 },
    width: SIDE,
    height: SIDE,
    layer: [
      {
        data: { values: scale.domain.map((s) => ({ s })) },
        mark: { type: 'line', color: '#888888', strokeWidth: 1 },
        encoding: { x: across('s'), y: up('s') },
      },
      {
        data: { values },
        mark: { type: 'rule', strokeWidth: 1, opacity: 0.45 },
        encoding: { x: across('publishedS'), y: up('lowS'), y2: { field: 'highS' }, color },
      },
      {
        data: { values },
        mark: { type: 'point', size: 22, strokeWidth: 1.2 },
        encoding: {
          x: across('publishedS'),
          y: up('predictedS'),
          color,
          fill: {
            condition: { test: 'datum.held === "no"', value: '#000000' },
            value: 'white',
          },
          tooltip: [
            ...['id', 'card', 'tool', 'model', 'held'].map((field) => ({ field, type: 'nominal' as const })),
            ...['publishedS', 'predictedS', 'lowS', 'highS'].map((field) => ({
              ...{ field, format: '.3g', type: 'quantitative' as const },
            })),
          ],
        },
      },
    ],
  };
}

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
