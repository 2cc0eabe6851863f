import { suite } from 'uvu';
import { otherPlans, testCatalogue } from './catalogueSteps.ts';

const catalogue = suite('every model on every machine, with the plans that catalogue.test.ts leaves');
testCatalogue(catalogue, otherPlans);
catalogue.run();
