import type { MutantGroup } from './mutant.ts';

/** Readers of files, and what a run leaves behind: damaged input must not pass as good. */
export const INPUT: readonly MutantGroup[] = [
  {
    file: 'model/input/jsonFile.ts',
    tests: ['test/model/input/jsonFile.test.ts'],
    mutants: [
      {
        breaks: 'a level deeper than allowed is read',
        original: 'depth === MAX_DEPTH',
        mutated: 'depth > MAX_DEPTH',
      },
    ],
  },
  {
    file: 'model/input/yamlFile.ts',
    tests: ['test/model/input/yamlFile.test.ts'],
    mutants: [
      {
        breaks: 'an alias in what it names is followed',
        original: 'from <= offset && offset < end',
        mutated: 'from > offset && offset < end',
      },
    ],
  },
  {
    file: 'model/input/userError.ts',
    tests: ['test/model/input/userError.test.ts'],
    mutants: [
      {
        breaks: 'all of a value is looked at for a message',
        original: 'text.length >= room',
        mutated: 'false',
      },
    ],
  },
  {
    file: 'measure/readMeasurement.ts',
    tests: ['test/studies/grid/collectSteps.test.ts'],
    mutants: [
      {
        breaks: 'lost steps pass where the rounds are all there',
        original: 'rounds === summary.rounds && steps',
        mutated: 'rounds <= summary.rounds || steps',
      },
    ],
  },
  {
    file: 'measure/records.ts',
    tests: ['test/measure/arenaSpread.test.ts'],
    mutants: [
      {
        breaks: 'two blocks may share a slot',
        original: 'new Set(ofRank).size === ofRank.length',
        mutated: 'true',
      },
      {
        breaks: 'a block may lie behind the last slot',
        original: 'ofRank.every((slot) => slot < slots)',
        mutated: 'ofRank.every((slot) => slot <= slots)',
      },
      {
        breaks: 'a rank may lack its rates',
        original: 'byRank.length !== ranks || ',
        mutated: '',
      },
    ],
  },
  {
    file: 'measure/arenaSpread.ts',
    tests: ['test/measure/arenaSpread.test.ts'],
    mutants: [
      {
        breaks: 'a block ends with its fastest rank',
        original: 'Math.min(...byRank.map(',
        mutated: 'Math.max(...byRank.map(',
      },
      {
        breaks: 'the variation is not a share of the mean',
        original: 'Math.sqrt(square) / mean',
        mutated: 'Math.sqrt(square)',
      },
    ],
  },
  {
    file: 'measure/intraclassCorrelation.ts',
    tests: ['test/measure/intraclassCorrelation.test.ts'],
    mutants: [
      {
        breaks: 'groups that differ count as items that differ',
        original: 'centred[item]! -= mean',
        mutated: 'centred[item]! -= 0 * mean',
      },
      {
        breaks: 'the range of chance holds half of the rotations',
        original: 'quantileSorted(sorted, 0.025), quantileSorted(sorted, 0.975)',
        mutated: 'quantileSorted(sorted, 0.25), quantileSorted(sorted, 0.75)',
      },
    ],
  },
  {
    file: 'measure/arenaPlaces.ts',
    tests: ['test/measure/arenaPlaces.test.ts'],
    mutants: [
      {
        breaks: 'survey and blocks of different tuples of slots are compared',
        original: 'shiftedSlot(record, slots[0]!, rank * shift)',
        mutated: 'slots[rank]!',
      },
      {
        breaks: 'slots of the same number count as copied at the same moment',
        original: 'other[partner]!]',
        mutated: 'other[index]!]',
      },
      {
        breaks: 'layouts that differ pass for readings of the same places',
        original: "layout === 'same'",
        mutated: "layout !== 'surveyed'",
      },
    ],
  },
  {
    file: 'measure/timelineOf.ts',
    tests: ['test/studies/grid/collectSteps.test.ts'],
    mutants: [
      {
        breaks: 'an operation may end before it starts',
        original: 'startS < 0 || endS < startS',
        mutated: 'startS < 0',
      },
    ],
  },
  {
    file: 'studies/dataset/stepsParquet.ts',
    tests: ['test/studies/dataset/stepsParquet.test.ts'],
    mutants: [
      {
        breaks: 'a number just beyond its column is stored',
        original: 'value > largest',
        mutated: 'value > largest + 1',
      },
    ],
  },
  {
    file: 'studies/dataset/repeatedLines.ts',
    tests: ['test/studies/dataset/stepRecords.test.ts'],
    mutants: [
      {
        breaks: 'a step of no time passes in a line like an earlier one',
        original: 'numbers[0] === 0 || ',
        mutated: '',
      },
      {
        breaks: 'a round of no time passes in a line like an earlier one',
        original: 'visitS.includes(0) || ',
        mutated: '',
      },
      {
        breaks: 'an infinite number passes in a line like an earlier one',
        original: '!(number >= 0 && number < Number.POSITIVE_INFINITY)',
        mutated: '!(number >= 0)',
      },
      {
        breaks: 'text behind a line like an earlier one is ignored',
        original: 'return at === line.length ? numbers : null;',
        mutated: 'return numbers;',
      },
      {
        breaks: 'other texts than those of an earlier line are taken for them',
        original: 'if (line.slice(end, at) !== text) return null;',
        mutated: '',
      },
    ],
  },
  {
    file: 'studies/calibration/calibrationFile.ts',
    tests: ['test/studies/calibration/calibrationFile.test.ts'],
    mutants: [
      {
        breaks: 'parameters of another case are read',
        original: 'called === id',
        mutated: "called !== ''",
      },
    ],
  },
  {
    file: 'build/stopSignals.ts',
    tests: ['test/studies/grid/runExperiment.test.ts'],
    mutants: [
      {
        breaks: 'the exit code is the bare number of the signal',
        original: '128 + constants.signals[signal]',
        mutated: 'constants.signals[signal]',
      },
    ],
  },
];
