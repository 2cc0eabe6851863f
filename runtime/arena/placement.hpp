#pragma once
// Which slot each block gets on each rank.
#include <cstddef>
#include <vector>

#include "arena/estimate.hpp"
#include "arena/slots.hpp"
#include "arena/survey.hpp"

namespace chunkflow {

/// The slot of each block, by rank.
using SlotsByRank = std::vector<std::vector<std::size_t>>;

/// Seconds that all blocks take when ranks copy each of them at once and the slowest counts.
double copyS(const RateEstimate& estimate, const std::vector<double>& blockBytes, const SlotsByRank& slotOf);

/// Places blocks so that the sum of copyS is small: rank 0 gives its fastest slots to the blocks of the most bytes; each further
/// rank gets the cheapest assignment beside those before it; then ranks are assigned anew in turns, each beside all others,
/// for as long as that gains something. Each assignment is the best there is; all of them together need not be.
///
/// @param blockBytes that a plan streams of each block, on average or in sum. @param slots at least as many.
SlotsByRank placeBlocks(const RateEstimate& estimate, const std::vector<double>& blockBytes, std::size_t ranks,
                        std::size_t slots);

/// The same for every group of an arena, by a survey of all slots in use. @param blockBytes of cut.blocks.
SlotsByRank placeBySurvey(const ArenaSlots& cut, std::size_t slotsInUse, const ArenaSurvey& survey,
                          const std::vector<double>& blockBytes);

}  // namespace chunkflow
