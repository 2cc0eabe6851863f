/** What the commands do, for callers: each takes a question as the command line does and gives its JSON document. */
export type { PlanChoice } from '../documents/planChoice.ts';
export type { Prediction } from '../documents/prediction.ts';
export type { Simulation } from '../documents/simulation.ts';
export { UserError } from '../model/input/userError.ts';
export type { RequestQuestion, ScenarioQuestion, WorkloadQuestion } from '../model/scenario/question.ts';
export type { HeldOutReport } from '../studies/heldOut/report.ts';
export { type Fit, type FitOptions, fit } from './fit.ts';
export { type GeneratedRuntime, type GenerateQuestion, generate } from './generate.ts';
export type { PlanQuestion } from './plan/question.ts';
export { plan } from './plan.ts';
export { predict } from './predict.ts';
export { simulate } from './simulate.ts';
export { type ValidateOptions, validate } from './validate.ts';
