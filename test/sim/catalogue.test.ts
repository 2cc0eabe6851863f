import { suite } from 'uvu';
import { PLANS, testCatalogue } from './catalogueSteps.ts';

const catalogue = suite('every model on every machine, each with one plan');
testCatalogue(catalogue, (model, machine) => [PLANS[(model + machine) % PLANS.length]!]);
catalogue.run();
