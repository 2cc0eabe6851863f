/** A test file that takes long, and what is not tested without it. */
interface OfFullTier {
  file: string;
  why: string;
}

/** What `npm test` leaves out and `npm run test:full` runs, the longest first: both together test everything. */
export const FULL_TIER: readonly OfFullTier[] = [
  {
    file: 'test/codegen/hostRuntime.test.ts',
    why: 'the runtime on CPU cores: every transport, ranks that die',
  },
  { file: 'test/codegen/hostSanitizers.test.ts', why: 'the same under the address and the thread sanitizer' },
  {
    file: 'test/codegen/attach/attached.test.ts',
    why: 'attached libraries in random orders, with sanitizers',
  },
  {
    file: 'test/explorer/page/page.test.ts',
    why: "the explorer's page in a browser: by keyboard, at a phone's width, with files and a search",
  },
  {
    file: 'test/build/severalHosts.test.ts',
    why: 'ranks on two hosts beside a stranger, and a bundle under torchrun',
  },
  { file: 'test/codegen/diffusers.test.ts', why: "generated blocks' results against diffusers'" },
  { file: 'test/notebooks.test.ts', why: 'notebooks, executed by Jupyter' },
  { file: 'test/build/cudaCompile.test.ts', why: 'CUDA sources through nvcc, for every architecture' },
  {
    file: 'test/cli/completionInShells.test.ts',
    why: 'completion by the tab key in bash, zsh and fish, as far as they are here',
  },
  { file: 'test/library/examples.test.ts', why: "the library's examples, one of which fits a machine" },
  { file: 'test/library/reference.test.ts', why: "the library's API reference, by TypeDoc" },
  {
    file: 'test/model/dit/diffusersCounts.test.ts',
    why: "parameters and FLOPs counted again in diffusers' classes",
  },
  {
    file: 'test/studies/jobs/underSlurm.test.ts',
    why: 'an experiment under a real Slurm: nodes cut off and without power, jobs requeued and cancelled',
  },
  {
    file: 'test/cluster/localSlurm.test.ts',
    why: 'jobs under a real Slurm whose nodes and controller are lost',
  },
  { file: 'test/codegen/arena.test.ts', why: 'placement and survey of the pinned arena' },
  { file: 'test/codegen/inputs.test.ts', why: 'given inputs and weights, read by a running program' },
  { file: 'test/codegen/runtimeChecks.test.ts', why: "the runtime's own checks in C++" },
  { file: 'test/studies/pairFit.test.ts', why: "fits of the pair's calibrations" },
  { file: 'test/search/exhaustive.test.ts', why: 'the optimiser against every plan there is' },
  {
    file: 'test/search/presetCandidates.test.ts',
    why: 'the optimiser against every preset with many settings',
  },
  {
    file: 'test/search/infeasible.test.ts',
    why: 'what would do where nothing fits, on many machines and caps',
  },
  { file: 'test/search/capBound.test.ts', why: "the search's bound under a power cap" },
  { file: 'test/search/peers/search.test.ts', why: "other tools' best settings on every machine" },
  { file: 'test/search/randomPlan.test.ts', why: 'random plans of every rule' },
  { file: 'test/studies/heldOut/validate.test.ts', why: 'the committed steps predicted and compared' },
  { file: 'test/search/robust.test.ts', why: 'plans chosen over the doubts of a machine' },
  { file: 'test/docs/pages.test.ts', why: 'what the pages print, by their own commands' },
  { file: 'test/search/mixedResidents.test.ts', why: 'plans whose blocks keep different bytes' },
  { file: 'test/report/experimentReport.test.ts', why: "an experiment's report, from its files" },
  { file: 'test/search/drain.test.ts', why: 'the optimiser against random plans that drain' },
  { file: 'test/studies/grid/runExperiment.test.ts', why: 'experiments built, run and gone on with' },
  { file: 'test/search/gaps.test.ts', why: "the optimiser's gap to its bound over many workloads" },
  {
    file: 'test/studies/calibration/transportStages.test.ts',
    why: 'fits of transports to synthetic readings',
  },
  {
    file: 'test/studies/calibration/hostStage.test.ts',
    why: 'fits of host memory to synthetic readings',
  },
  {
    file: 'test/sim/catalogueOtherPlans.test.ts',
    why: 'every model on every machine with every plan, not with one alone',
  },
  { file: 'test/studies/publishedStepsOnCards.test.ts', why: "others' published steps and their intervals" },
  { file: 'test/browser/report.test.ts', why: 'reports in a headless browser: phone, dark, print, keyboard' },
  {
    file: 'test/explorer/everyModel.test.ts',
    why: "every model, size, machine and card of the explorer's lists",
  },
  { file: 'test/sim/traceProcessor.test.ts', why: "traces, read back by Perfetto's own trace processor" },
  { file: 'test/browser/testBrowser.test.ts', why: 'what a headless browser notices about a page' },
  { file: 'test/studies/plots/charts.test.ts', why: 'every kind of chart drawn, in every format' },
  { file: 'test/studies/plots/chartPages.test.ts', why: 'charts as pages in a headless browser' },
  { file: 'test/studies/heldOut/pair.test.ts', why: "the pair's steps predicted by its hosts' files" },
  { file: 'test/explorer/worker.test.ts', why: "the explorer's worker against the command line" },
  { file: 'test/cli/fuzz.test.ts', why: 'damaged inputs of every format' },
  { file: 'test/cli/newcomer.test.ts', why: 'questions and colours in a real terminal' },
  { file: 'test/build/bundle.test.ts', why: 'bundles unpacked and run' },
  { file: 'test/sim/lockstepCase.test.ts', why: 'ranks in lockstep against each rank by itself' },
  { file: 'test/search/front.test.ts', why: 'fronts of plans over memory' },
  { file: 'test/model/dit/checkpoint/namings.test.ts', why: 'every model under every naming of tensors' },
  {
    file: 'test/library/sweepKilled.test.ts',
    why: 'a sweep killed again and again, against the same one without',
  },
  {
    file: 'test/cluster/sweepUnderSlurm.test.ts',
    why: 'a sweep under Slurm that loses daemons, nodes, jobs and its controller',
  },
  { file: 'test/cli/sweep.test.ts', why: 'a sweep in threads: some tasks, the rest, Ctrl-C and on' },
];
