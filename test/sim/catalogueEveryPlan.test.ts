import { suite } from 'uvu';
import { PLANS, testCatalogue } from './catalogueSteps.ts';

const catalogue = suite('every model on every machine, with every plan');
testCatalogue(catalogue, () => PLANS);
catalogue.run();
