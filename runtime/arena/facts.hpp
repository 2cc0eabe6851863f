#pragma once
// The result of a survey of the arenas, and the block layout chosen from it.
#include <string>

#include "arena/placement.hpp"
#include "arena/survey.hpp"

namespace chunkflow {

/// How much blocks differ in the rate of their copies; of each block the slowest rank's, since ranks copy it at once.
struct BlockSpread {
  double maxOverMin;
  double variation;  // standard deviation over mean
};

struct ArenaFacts {
  ArenaSurvey survey;
  SlotsByRank slotOf;            // of the arena's blocks
  RatesByRank inOrder, placed;   // whole blocks, all ranks at once: in order of block on every rank, and where they are now
  std::string remark;            // why blocks were not placed as asked, or not with spare slots; "" for nothing to say
  double surveyS = 0;            // by the host's clock, with what was copied to see the blocks
};

BlockSpread spreadOf(const RatesByRank& blocks);

}  // namespace chunkflow
