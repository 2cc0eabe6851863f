#include "attached_rank.hpp"

#include <string>
#include <utility>

#include "error.hpp"

namespace chunkflow {

namespace {

[[noreturn]] void notAttached(const char* statement) {
  throw RunError(std::string("an attached model does this by itself: ") + statement + "; generate the library again");
}

}  // namespace

std::size_t Rank::Impl::pointIndex(int ofPosition, int point) const {
  if (ofPosition < 0 || ofPosition >= program.positions || point < 0 || point >= plan.points) {
    throw RunError("there is no point " + std::to_string(point) + " of block " + std::to_string(ofPosition));
  }
  return static_cast<std::size_t>(ofPosition) * static_cast<std::size_t>(plan.points) + static_cast<std::size_t>(point);
}

void Rank::Impl::makeEvents(Device& device) {
  const std::size_t count = static_cast<std::size_t>(program.positions) * static_cast<std::size_t>(plan.points);
  for (int parity = 0; parity < 2; ++parity) {
    events[parity].resize(count);
    for (auto& event : events[parity]) event = device.event(false);
    marks[parity].assign(count, Mark{});
  }
}

void Rank::Impl::forgetMarks() {
  for (auto& ofParity : marks) ofParity.assign(ofParity.size(), Mark{});
}

void Rank::Impl::copy(const PlannedCopy& planned, std::int64_t toStep) {
  const int block = planned.target.position;
  std::byte* device = memory->weights(block, physicalSlot(plan, planned.target.slot, toStep));
  batch.push_back({.kind = CopyCommand::Kind::Copy,
                   .device = device + planned.from,
                   .host = store->at(block, planned.from),
                   .bytes = planned.to - planned.from,
                   .chunkBytes = planned.chunkBytes,
                   .paceS = planned.paceS});
}

void Rank::Impl::submit() {
  if (batch.empty()) return;
  worker->submit(std::exchange(batch, {}));
}

Rank::Rank(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Rank::~Rank() = default;

void Rank::block(int position) { impl_->position = position; }

void Rank::mark(On stream, int position, int point) {
  Impl& r = *impl_;
  if (r.listed != nullptr) return;
  const std::size_t index = r.pointIndex(position, point);
  const auto parity = static_cast<std::size_t>(r.step & 1);
  Event& event = *r.events[parity][index];
  if (stream == On::Copy) {
    r.batch.push_back({.kind = CopyCommand::Kind::Record, .event = &event});
    r.marks[parity][index] = {r.step, r.worker->next()};
  } else {
    record(*r.compute, event);
    r.marks[parity][index] = {r.step, 0};
  }
}

void Rank::after(On stream, int position, int point, int stepsAgo) {
  Impl& r = *impl_;
  if (r.listed != nullptr) return;
  const std::int64_t step = r.step - stepsAgo;
  if (r.placeOf(step, position) < r.joinedAt) return;
  const std::size_t index = r.pointIndex(position, point);
  const auto parity = static_cast<std::size_t>(step & 1);
  const Impl::Mark& mark = r.marks[parity][index];
  if (mark.step != step) {
    throw RunError("block " + std::to_string(r.position) + " waits for point " + std::to_string(point) + " of block " +
                   std::to_string(position) + ", which has not been passed; this is a bug of the schedule");
  }
  Event& event = *r.events[parity][index];
  if (stream == On::Copy) {
    // The copy stream is in order with itself.
    if (mark.batch == 0) r.batch.push_back({.kind = CopyCommand::Kind::Wait, .event = &event});
    return;
  }
  // Compute and collectives share a stream, which is in order with itself.
  if (mark.batch == 0) return;
  // An event means its latest record, so the record must be enqueued before the wait.
  if (mark.batch == r.worker->next()) r.submit();
  r.worker->waitUntilEnqueued(mark.batch);
  wait(*r.compute, event);
}

void Rank::prefetch(int, const Target& target, std::uint64_t from, std::uint64_t to, std::uint64_t chunkBytes,
                    double paceS, bool) {
  Impl& r = *impl_;
  const PlannedCopy planned{r.position, target, from, to, chunkBytes, paceS};
  if (r.listed != nullptr) {
    r.listed->push_back(planned);
  } else {
    r.copy(planned, r.step + target.stepsAhead);
  }
}

void Rank::run(int, const Segment&) { notAttached("compute"); }
void Rank::collective(int, const Collective&) { notAttached("a collective"); }
void Rank::prefetchPageable(int, const Target&, std::uint64_t, std::uint64_t) { notAttached("a copy from pageable memory"); }
void Rank::launchWindow(int, double) { notAttached("a launch"); }
void Rank::stagedBegin(int, const Collective&) { notAttached("a staged collective"); }
void Rank::stageOut(int, const Collective&, int, int, int) { notAttached("a staged collective"); }
void Rank::stageIn(On, int, const Collective&, int, int, int) { notAttached("a staged collective"); }
void Rank::reduce(int, const Collective&) { notAttached("a staged collective"); }
void Rank::stagedEnd(int, const Collective&) { notAttached("a staged collective"); }

}  // namespace chunkflow
