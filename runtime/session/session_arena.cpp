// How a rank's arena is laid out: as it was asked for, or by a survey.
#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "plan/rank_impl.hpp"
#include "ranks/agree.hpp"
#include "session/session.hpp"

namespace chunkflow {

namespace {

/// Bytes that the plans stream of each of the arena's blocks in one pass, all plans together.
std::vector<double> streamedBytes(const Program& program, const std::vector<int>& plans, const std::vector<int>& blocks) {
  std::vector<double> bytes;
  for (const int block : blocks) {
    const auto place = static_cast<std::size_t>(block);
    double sum = 0;
    for (const int plan : plans) {
      const std::uint64_t resident = program.plans[static_cast<std::size_t>(plan)].residentBytes[place];
      sum += static_cast<double>(program.blocks[place].bytes - resident);
    }
    bytes.push_back(sum);
  }
  return bytes;
}

std::vector<std::size_t> inOrder(const ArenaSlots& cut) {
  std::vector<std::size_t> slots(cut.blocks.size());
  std::iota(slots.begin(), slots.end(), std::size_t{0});
  return slots;
}

}  // namespace

void Session::checkSurvey() const {
  if (!options.surveyArena) return;
  const std::string flag = options.arenaLayout == ArenaLayout::Surveyed ? "--arena-layout surveyed" : "--survey-arena";
  if (deviceSharers_ > 1) {
    throw UserError(flag + ": ranks share a device, where how long copies take says nothing; leave it out");
  }
  const bool allPageable = std::all_of(options.plans.begin(), options.plans.end(), [&](int plan) {
    return shapeOf(program, program.plans[static_cast<std::size_t>(plan)], groupRank()).pageable;
  });
  if (allPageable) {
    throw UserError(flag + ": no chosen plan copies from pinned memory; choose one that does (--plans) or leave it out");
  }
}

void Session::layOutArena() {
  if (options.arenaLayout == ArenaLayout::Reversed && group.place().rank % 2 == 1) {
    arena.place(reversedSlots(arena.cut()));
  }
  if (!options.surveyArena || arena.bytes() == 0) {
    arena.fill(*values);
    return;
  }
  const auto start = std::chrono::steady_clock::now();
  arena.useSpare(spareArenaBytes());
  arena.pin();
  surveyor_ = std::make_unique<ArenaSurveyor>(*this);
  ArenaFacts facts;
  facts.survey = surveyor_->survey();
  facts.slotOf = chosenSlots(facts);
  const std::vector<std::size_t>& own = facts.slotOf[static_cast<std::size_t>(group.place().rank)];
  arena.place(own);
  const std::vector<RatesByRank> blocks = surveyor_->blocks({inOrder(arena.cut()), own});
  facts.inOrder = blocks[0];
  facts.placed = blocks[1];
  surveyor_.reset();
  facts.surveyS = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  arenaFacts_ = std::move(facts);
  arena.fill(*values);
}

/// Where each rank's blocks go, the same on every rank.
SlotsByRank Session::chosenSlots(ArenaFacts& facts) {
  const auto ranks = static_cast<std::size_t>(group.place().ranks);
  SlotsByRank slotOf(ranks, inOrder(arena.cut()));
  if (options.arenaLayout == ArenaLayout::Reversed) {
    for (std::size_t rank = 1; rank < ranks; rank += 2) slotOf[rank] = reversedSlots(arena.cut());
  }
  if (options.arenaLayout != ArenaLayout::Surveyed) return slotOf;
  if (ranks == 1) {
    facts.remark = "one rank: no other rank's copies to keep out of the way of, so blocks stay in order";
    return slotOf;
  }
  if (arena.slots() == arena.cut().blocks.size()) facts.remark = "no memory for spare slots: blocks change places";
  return placeBySurvey(arena.cut(), arena.slots(), facts.survey, streamedBytes(program, options.plans, arena.cut().blocks));
}

/// Half of what is left for a rank behind its blocks, on the rank that has the least. Processes of one host see the same
/// memory, so all ranks share what each of them sees.
std::uint64_t Session::spareArenaBytes() {
  const std::uint64_t limit = options.pinnedLimitBytes.value_or(std::numeric_limits<std::uint64_t>::max());
  const std::uint64_t share =
      std::min(limit, availableHostBytes()) / static_cast<std::uint64_t>(group.place().ranks);
  const std::uint64_t own = share > arena.bytes() ? (share - arena.bytes()) / 2 : 0;
  std::uint64_t least = own;
  for (const auto& ofRank : fromAll(group, std::vector<std::uint64_t>{own})) least = std::min(least, ofRank.at(0));
  return least;
}

}  // namespace chunkflow
