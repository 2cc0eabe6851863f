import { suite } from 'uvu';
import { quickPlan, testCatalogue } from './catalogueSteps.ts';

const catalogue = suite('every model on every machine, each with one plan');
testCatalogue(catalogue, (model, machine) => [quickPlan(model, machine)]);
catalogue.run();
