#include "arena/placement.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "arena/assignment.hpp"

namespace chunkflow {

namespace {

/// Iterations in which every rank is assigned anew.
constexpr int MOST_TURNS = 8;

/// The slots of one block on all ranks.
std::vector<std::size_t> tupleOf(const SlotsByRank& slotOf, std::size_t block) {
  std::vector<std::size_t> tuple;
  for (const auto& ofRank : slotOf) tuple.push_back(ofRank[block]);
  return tuple;
}

/// Rate of the slowest rank among those that have slots already.
double slowest(const RateEstimate& estimate, const std::vector<std::size_t>& tuple) {
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t rank = 0; rank < tuple.size(); ++rank) {
    if (tuple[rank] != RateEstimate::UNDECIDED) least = std::min(least, estimate(rank, tuple));
  }
  return least;
}

/// The cheapest assignment of one rank's blocks to slots, given the other ranks' slots.
std::vector<std::size_t> assigned(const RateEstimate& estimate, const std::vector<double>& blockBytes,
                                  const SlotsByRank& slotOf, std::size_t rank, std::size_t slots) {
  std::vector<std::vector<double>> costs(blockBytes.size(), std::vector<double>(slots));
  for (std::size_t block = 0; block < blockBytes.size(); ++block) {
    std::vector<std::size_t> tuple = tupleOf(slotOf, block);
    for (std::size_t slot = 0; slot < slots; ++slot) {
      tuple[rank] = slot;
      costs[block][slot] = blockBytes[block] / slowest(estimate, tuple);
    }
  }
  return cheapestAssignment(costs);
}

/// The fastest slots of rank 0 to the blocks of the most bytes.
std::vector<std::size_t> fastestSlots(const RateEstimate& estimate, const std::vector<double>& blockBytes,
                                      std::size_t ranks, std::size_t slots) {
  std::vector<double> rates(slots);
  for (std::size_t slot = 0; slot < slots; ++slot) {
    std::vector<std::size_t> tuple(ranks, RateEstimate::UNDECIDED);
    tuple[0] = slot;
    rates[slot] = estimate(0, tuple);
  }
  const auto largestFirst = [](const std::vector<double>& numbers) {
    std::vector<std::size_t> order(numbers.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return numbers[a] > numbers[b]; });
    return order;
  };
  const std::vector<std::size_t> blocks = largestFirst(blockBytes), fastest = largestFirst(rates);
  std::vector<std::size_t> slotOf(blockBytes.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) slotOf[blocks[i]] = fastest[i];
  return slotOf;
}

}  // namespace

double copyS(const RateEstimate& estimate, const std::vector<double>& blockBytes, const SlotsByRank& slotOf) {
  double sum = 0;
  for (std::size_t block = 0; block < blockBytes.size(); ++block) {
    sum += blockBytes[block] / slowest(estimate, tupleOf(slotOf, block));
  }
  return sum;
}

SlotsByRank placeBlocks(const RateEstimate& estimate, const std::vector<double>& blockBytes, std::size_t ranks,
                        std::size_t slots) {
  SlotsByRank slotOf(ranks, std::vector<std::size_t>(blockBytes.size(), RateEstimate::UNDECIDED));
  slotOf[0] = fastestSlots(estimate, blockBytes, ranks, slots);
  for (std::size_t rank = 1; rank < ranks; ++rank) slotOf[rank] = assigned(estimate, blockBytes, slotOf, rank, slots);
  double bestS = copyS(estimate, blockBytes, slotOf);
  for (int turn = 0; turn < MOST_TURNS; ++turn) {
    SlotsByRank next = slotOf;
    for (std::size_t rank = 0; rank < ranks; ++rank) next[rank] = assigned(estimate, blockBytes, next, rank, slots);
    const double nextS = copyS(estimate, blockBytes, next);
    if (nextS >= bestS) break;
    bestS = nextS;
    slotOf = std::move(next);
  }
  return slotOf;
}

SlotsByRank placeBySurvey(const ArenaSlots& cut, std::size_t slotsInUse, const ArenaSurvey& survey,
                          const std::vector<double>& blockBytes) {
  const std::size_t ranks = survey.alone.size();
  SlotsByRank slotOf(ranks, std::vector<std::size_t>(cut.blocks.size()));
  const auto groups = slotsByGroup(cut, slotsInUse);
  for (std::size_t group = 0; group < groups.size(); ++group) {
    const std::vector<std::size_t>& slots = groups[group];
    std::vector<TupleRates> measured;
    for (const ShiftedRates& shifted : survey.shifted) {
      for (std::size_t i = 0; i < slots.size(); ++i) {
        TupleRates tuple;
        for (std::size_t rank = 0; rank < ranks; ++rank) {
          tuple.slots.push_back((i + rank * shifted.shift) % slots.size());
          tuple.bytesPerS.push_back(shifted.bytesPerS[rank][slots[tuple.slots.back()]]);
        }
        measured.push_back(std::move(tuple));
      }
    }
    // The slots of blocks stand before the spare ones, in order of block.
    std::vector<double> bytes;
    for (const std::size_t slot : slots) {
      if (slot < cut.blocks.size()) bytes.push_back(blockBytes[slot]);
    }
    const SlotsByRank placed = placeBlocks(RateEstimate(measured, ranks, slots.size()), bytes, ranks, slots.size());
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      for (std::size_t i = 0; i < bytes.size(); ++i) slotOf[rank][slots[i]] = slots[placed[rank][i]];
    }
  }
  return slotOf;
}

}  // namespace chunkflow
