// A program as the generator writes them, but by hand and small: two kinds of blocks, three blocks, two passes.
// Linked with the runtime and main.cpp it is an executable that runs on any machine. TINY_RANKS 1 mirrors its peers.
#include <array>
#include <vector>

#include "program/program.hpp"
#include "program/rank.hpp"
#include "program/runtime.hpp"

#ifndef TINY_RANKS
#define TINY_RANKS 1
#endif

namespace chunkflow {
namespace {

constexpr int RANKS = TINY_RANKS;
constexpr int GROUP = RANKS == 1 ? 3 : RANKS;
constexpr int SHARDS = 1;
constexpr int BLOCKS = 3, PASSES = 2, POSITIONS = BLOCKS * PASSES;
constexpr std::int64_t ROWS = 12, WIDTH = 384, MIX = 3072, FEED = 1536;
constexpr std::uint64_t BF16 = 2;

// Activation memory, in bytes.
constexpr std::uint64_t RESIDUAL = 0;
constexpr std::uint64_t NORMED = RESIDUAL + ROWS * WIDTH * BF16;
constexpr std::uint64_t SUM = NORMED + ROWS * WIDTH * BF16;
constexpr std::uint64_t SCRATCH = SUM + ROWS * WIDTH * BF16;
constexpr std::uint64_t MIXED = SCRATCH + ROWS * WIDTH * BF16;
constexpr std::uint64_t EXCHANGED = MIXED + ROWS * MIX * BF16;
constexpr std::uint64_t GATHERED = EXCHANGED + ROWS * MIX * BF16;
constexpr std::uint64_t ACTIVATIONS = GATHERED + GROUP * ROWS * FEED * BF16;

// Inputs: a shift vector, a rotary table.
constexpr std::uint64_t SHIFT = 0, TABLE = 1024;
constexpr std::int64_t HEAD = 128;
constexpr std::uint64_t INPUTS = TABLE + ROWS * HEAD * 4;

// Weights: the mixing block, then the feed-forward block.
constexpr std::uint64_t UP = 0, MIX_DOWN = MIX * WIDTH * BF16, MIX_NORM = 2 * MIX_DOWN;
constexpr std::uint64_t MIX_BYTES = MIX_NORM + WIDTH * BF16;
constexpr std::uint64_t FEED_DOWN = FEED * WIDTH * BF16, FEED_BIAS = 2 * FEED_DOWN;
constexpr std::uint64_t FEED_BYTES = FEED_BIAS + FEED * BF16;

constexpr std::array<Tensor, 3> MIX_TENSORS{{
    {"up.weight", UP, MIX, WIDTH, TensorLayout::Whole, {0, 0, 0}, 0.05f, 0},
    {"down.weight", MIX_DOWN, WIDTH, MIX, TensorLayout::Whole, {0, 0, 0}, 0.02f, 0},
    {"norm.weight", MIX_NORM, 1, WIDTH, TensorLayout::Whole, {0, 0, 0}, 0.1f, 1},
}};
constexpr std::array<Tensor, 3> FEED_TENSORS{{
    {"up.weight", UP, FEED, WIDTH, TensorLayout::Whole, {0, 0, 0}, 0.05f, 0},
    {"down.weight", FEED_DOWN, WIDTH, FEED, TensorLayout::Whole, {0, 0, 0}, 0.02f, 0},
    {"up.bias", FEED_BIAS, 1, FEED, TensorLayout::Whole, {0, 0, 0}, 0.1f, 0},
}};
constexpr std::array<BlockWeights, BLOCKS> WEIGHTS{{
    {"blocks.0.", MIX_BYTES, MIX_TENSORS, 1'000'000},
    {"blocks.1.", FEED_BYTES, FEED_TENSORS, 10'000'000},
    {"blocks.2.", MIX_BYTES, MIX_TENSORS, 20'000'000},
}};

constexpr Collective EXCHANGE{"exchange", CollectiveKind::AllToAll, MIXED, EXCHANGED, ROWS* MIX* BF16 / GROUP, 10'000};
constexpr Collective GATHER{"gather", CollectiveKind::AllGather, 0, GATHERED, ROWS* FEED* BF16, 15'000};
constexpr Collective REDUCE{"reduce", CollectiveKind::AllReduce, SCRATCH, SUM, ROWS* WIDTH* BF16 / GROUP, 2'000};

constexpr RowsShape HIDDEN{.rows = ROWS, .width = WIDTH, .inStride = WIDTH, .outStride = WIDTH};

constexpr Modulation shiftOnly(const bf16* shift) { return {shift, nullptr, nullptr, nullptr}; }

constexpr Segment MIX_UP{"up", 4e-4, [](const Block& b) {
  normRows(b.compute, HIDDEN, b.buffer(RESIDUAL), {NormKind::Layer, 1e-6f, b.weight(MIX_NORM), nullptr},
           shiftOnly(b.input(SHIFT)), b.buffer(NORMED));
  qkNorm(b.compute, {.rows = ROWS, .width = WIDTH, .normWidth = HEAD, .stride = WIDTH}, b.buffer(NORMED),
         {NormKind::Rms, 1e-6f, nullptr, nullptr},
         {b.table(TABLE), HEAD, HEAD, RotaryPairs::Neighbours});
  gemm(b.compute, {ROWS, WIDTH, MIX, WIDTH, WIDTH, MIX}, b.buffer(NORMED), b.weight(UP), nullptr, b.buffer(MIXED));
  constexpr std::uint64_t MESSAGE = ROWS * MIX * BF16 / GROUP;
  const std::uint64_t own = static_cast<std::uint64_t>(b.rank) * MESSAGE;
  copyRows(b.compute, {.rows = 1, .width = MESSAGE / BF16, .inStride = MESSAGE / BF16, .outStride = MESSAGE / BF16},
           b.buffer(MIXED + own), b.buffer(EXCHANGED + own));
}};
constexpr Segment MIX_DOWN_SEGMENT{"down", 4e-4, [](const Block& b) {
  activate(b.compute, Activation::GeluTanh, {.rows = ROWS, .width = MIX, .inStride = MIX, .outStride = MIX},
           b.buffer(EXCHANGED), b.buffer(EXCHANGED));
  gemm(b.compute, {ROWS, MIX, WIDTH, MIX, MIX, WIDTH}, b.buffer(EXCHANGED), b.weight(MIX_DOWN), nullptr, b.buffer(SUM));
  gatedResidual(b.compute, {.rows = ROWS, .width = WIDTH, .residualStride = WIDTH, .updateStride = WIDTH},
                b.buffer(RESIDUAL), b.buffer(SUM), nullptr, nullptr);
}};
constexpr Segment FEED_UP{"up", 3e-4, [](const Block& b) {
  normRows(b.compute, HIDDEN, b.buffer(RESIDUAL), {NormKind::Layer, 1e-6f, nullptr, nullptr}, shiftOnly(nullptr),
           b.buffer(NORMED));
  gemm(b.compute, {ROWS, WIDTH, FEED, WIDTH, WIDTH, FEED}, b.buffer(NORMED), b.weight(UP), b.weight(FEED_BIAS),
       b.buffer(GATHERED + static_cast<std::uint64_t>(b.rank) * ROWS * FEED * BF16));
}};
constexpr Segment FEED_DOWN_SEGMENT{"down", 3e-4, [](const Block& b) {
  for (std::uint64_t peer = 0; peer < GROUP; ++peer) {
    gemm(b.compute, {ROWS, FEED, WIDTH, FEED, FEED, WIDTH, peer > 0}, b.buffer(GATHERED + peer * ROWS * FEED * BF16),
         b.weight(FEED_DOWN), nullptr, b.buffer(SUM));
  }
}};
constexpr Segment FEED_ADD{"add", 1e-4, [](const Block& b) {
  gatedResidual(b.compute, {.rows = ROWS, .width = WIDTH, .residualStride = WIDTH, .updateStride = WIDTH},
                b.buffer(RESIDUAL), b.buffer(SUM), nullptr, nullptr);
}};

/// The settings in which the plans differ.
struct Style {
  int slots;
  bool staged, pageable, windows;
  std::array<std::uint64_t, BLOCKS> resident;
};

constexpr std::uint64_t PAGE = DEVICE_PAGE_BYTES;
constexpr Style RESIDENT{0, false, false, false, {MIX_BYTES, FEED_BYTES, MIX_BYTES}};
constexpr Style STREAMED{2, false, false, false, {0, 0, 0}};
constexpr Style RING{4, false, false, true, {PAGE, 0, 2 * PAGE}};
constexpr Style STAGED{2, true, false, false, {0, FEED_BYTES, PAGE}};
constexpr Style SEQUENTIAL{2, false, true, false, {0, 0, 0}};

constexpr std::uint64_t bytesOf(int position) { return WEIGHTS[static_cast<std::size_t>(position % BLOCKS)].bytes; }

constexpr bool streams(const Style& style, int position) {
  return style.resident[static_cast<std::size_t>(position % BLOCKS)] < bytesOf(position);
}

/// How many streamed blocks lie before a position.
constexpr int ordinal(const Style& style, int position) {
  int count = 0;
  for (int before = 0; before < position; ++before) count += streams(style, before) ? 1 : 0;
  return count;
}

enum Point { STARTED, LANDED, READ, READY, BEGUN, WRITTEN, SEEN, REDUCED, REWRITTEN, RESEEN, ENDED, POINTS };
/// Two collectives in a block: the second has points of its own.
constexpr int point(Point of, int collective) { return of + POINTS * collective; }

/// A copy of a position's weights, issued in the same step or one before; the block that issues it marks that they have landed.
void copyFor(Rank& rank, const Style& style, int position, int stepsAhead) {
  const std::uint64_t from = style.resident[static_cast<std::size_t>(position % BLOCKS)];
  const int count = ordinal(style, POSITIONS);
  const int before = ordinal(style, position) - style.slots + stepsAhead * count;
  if (before >= -count) {
    int reader = 0;
    while (!streams(style, reader) || ordinal(style, reader) != (before + count) % count) ++reader;
    // Readers of this very step that come later cannot be waited for, and the ring never asks for them.
    rank.after(On::Copy, READ, {.position = reader, .stepsAgo = before < 0 ? 1 : 0});
  }
  const Target target{position, stepsAhead, ordinal(style, position) % style.slots};
  if (style.pageable) {
    rank.prefetchPageable(target, {.from = from, .to = bytesOf(position)});
  } else {
    const std::uint64_t middle = from + (bytesOf(position) - from) / 64 * 32;
    rank.after(On::Copy, STARTED);
    rank.prefetch({.target = target,
                   .bytes = {.from = from, .to = middle},
                   .chunkBytes = 700'000,
                   .paceS = style.windows ? 2e-5 : 0,
                   .gated = style.windows});
    rank.prefetch({.target = target,
                   .bytes = {.from = middle, .to = bytesOf(position)},
                   .chunkBytes = 700'000,
                   .gated = style.windows});
  }
  rank.mark(On::Copy, LANDED);
}

void collect(Rank& rank, const Style& style, int which, const Collective& collective) {
  const auto at = [&](Point of) { return point(of, which); };
  if (style.windows) rank.launchWindow({.durationS = 1e-4});
  rank.mark(On::Compute, at(READY));
  rank.after(On::Collective, at(READY));
  if (!style.staged) {
    rank.collective(collective);
  } else {
    const int pieces = static_cast<int>((collective.bytesPerPeer + collective.pieceBytes - 1) / collective.pieceBytes);
    const int peers = GROUP - 1;
    const bool gather = collective.kind == CollectiveKind::AllGather;
    rank.stagedBegin(collective);
    rank.mark(On::Collective, at(BEGUN));
    rank.after(On::StageOut, at(BEGUN));
    rank.stageOut(collective, {.first = 0, .count = pieces * (gather ? 1 : peers)});
    rank.mark(On::StageOut, at(WRITTEN));
    rank.after(On::StageIn, at(BEGUN));
    rank.stageIn(On::StageIn, collective, {.first = 0, .count = pieces * peers});
    rank.mark(On::StageIn, at(SEEN));
    rank.after(On::Collective, at(WRITTEN));
    rank.after(On::Collective, at(SEEN));
    if (collective.kind == CollectiveKind::AllReduce) {
      rank.reduce(collective);
      rank.mark(On::Collective, at(REDUCED));
      rank.after(On::StageOut, at(REDUCED));
      rank.stageOut(collective, {.phase = 1, .first = 0, .count = pieces});
      rank.mark(On::StageOut, at(REWRITTEN));
      rank.after(On::StageIn, at(REDUCED));
      rank.stageIn(On::StageIn, collective, {.phase = 1, .first = 0, .count = pieces * peers});
      rank.mark(On::StageIn, at(RESEEN));
      rank.after(On::Collective, at(REWRITTEN));
      rank.after(On::Collective, at(RESEEN));
    }
    rank.stagedEnd(collective);
  }
  rank.mark(On::Collective, at(ENDED));
  rank.after(On::Compute, at(ENDED));
}

template <const Style& STYLE>
void step(Rank& rank) {
  for (int position = 0; position < POSITIONS; ++position) {
    const int before = (position + POSITIONS - 1) % POSITIONS, next = (position + 1) % POSITIONS;
    const int stepsAgo = position == 0 ? 1 : 0;
    rank.block(position);
    if (STYLE.pageable) {
      rank.after(On::Copy, READ, {.position = before, .stepsAgo = stepsAgo});
      copyFor(rank, STYLE, position, 0);
    }
    rank.mark(On::Compute, STARTED);
    if (!STYLE.pageable && streams(STYLE, next)) copyFor(rank, STYLE, next, next == 0 ? 1 : 0);
    if (STYLE.pageable) {
      rank.after(On::Compute, LANDED);
    } else if (streams(STYLE, position)) {
      rank.after(On::Compute, LANDED, {.position = before, .stepsAgo = stepsAgo});
    }
    if (position % BLOCKS == 1) {
      rank.run(FEED_UP);
      collect(rank, STYLE, 0, GATHER);
      rank.run(FEED_DOWN_SEGMENT);
      collect(rank, STYLE, 1, REDUCE);
      rank.run(FEED_ADD);
    } else {
      rank.run(MIX_UP);
      collect(rank, STYLE, 0, EXCHANGE);
      rank.run(MIX_DOWN_SEGMENT);
    }
    rank.mark(On::Compute, READ);
  }
}

constexpr std::array<std::int16_t, POSITIONS> slotsOf(const Style& style) {
  std::array<std::int16_t, POSITIONS> slots{};
  for (int position = 0; position < POSITIONS; ++position) {
    slots[static_cast<std::size_t>(position)] =
        static_cast<std::int16_t>(streams(style, position) ? ordinal(style, position) % style.slots : -1);
  }
  return slots;
}

template <const Style& STYLE>
PlanProgram plan(const char* name, Carrier carrier) {
  static constexpr auto SLOTS = slotsOf(STYLE);
  static constexpr std::array<Primed, 1> PRIMED{{{0, 0}}};
  const int count = ordinal(STYLE, POSITIONS);
  int period = 1;
  while (STYLE.slots > 0 && count * period % STYLE.slots != 0) ++period;
  std::uint64_t slotBytes = 0;
  for (int block = 0; block < BLOCKS; ++block) {
    slotBytes = std::max(slotBytes, bytesOf(block) - STYLE.resident[static_cast<std::size_t>(block)]);
  }
  PlanProgram plan{};
  plan.name = name;
  plan.carrier = carrier;
  plan.slots = STYLE.slots;
  plan.slotBytes = STYLE.slots > 0 ? slotBytes : 0;
  plan.streamedPerStep = count;
  plan.ringPeriod = period;
  plan.residentBytes = STYLE.resident;
  plan.slotOf = SLOTS;
  if (streams(STYLE, 0) && !STYLE.pageable) plan.primed = PRIMED;
  plan.collectivesPerStep = PASSES * (BLOCKS + 1);
  plan.stagingBytes = (GROUP - 1) * EXCHANGE.bytesPerPeer + GATHER.bytesPerPeer;
  plan.points = 2 * POINTS;
  plan.claim.gpuPeakBytes = 64 << 20;
  plan.step = step<STYLE>;
  return plan;
}

constexpr Carrier TWO_CTAS{.by = Carrier::By::Kernel, .ctas = 2};

constexpr std::array<RotaryAxis, 1> ROTARY_AXES{{{1, 1 << 20, 0, 1, 0, 0, 1, HEAD / 2, 1, 10000, -2.0 / HEAD}}};
constexpr std::array<Input, 2> ALL_INPUTS{{
    {"shift", "shift of the norm", SHIFT, 1, WIDTH, false, false, {}, 30'000'000, 0.1f, 0},
    {"rotary", "cosines and sines", TABLE, ROWS, HEAD, true, true, ROTARY_AXES, 0, 0, 0},
}};
constexpr std::array<Residual, 1> RESIDUALS{{{"hidden", "hidden rows", RESIDUAL, ROWS, WIDTH, 31'000'000, true}}};

}  // namespace

const Program& program() {
  static const std::vector<PlanProgram> PLANS{
      plan<RESIDENT>("resident", TWO_CTAS),      plan<STREAMED>("streamed", TWO_CTAS),
      plan<RING>("ring", TWO_CTAS),              plan<STAGED>("copies", {.by = Carrier::By::CopyEngines}),
      plan<SEQUENTIAL>("sequential", TWO_CTAS),
  };
  static const Program PROGRAM{"tiny",     "three small blocks", "tiny-1", "by hand", RANKS,     GROUP,
                               RANKS == 1, BLOCKS,               POSITIONS, WEIGHTS,  PLANS,     ALL_INPUTS,
                               RESIDUALS,  INPUTS,               ACTIVATIONS, 1 << 20, 1 << 20,  SHARDS};
  return PROGRAM;
}

}  // namespace chunkflow
